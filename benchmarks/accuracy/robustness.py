"""How every member of the family reads what is not MNIST, and refuses what is no digit.

    python benchmarks/robustness.py [--data FOLDER]

Asks benchmarks/reading/measure.py about the int8 file of each bundle that `make models` left in build/members. Members
that were made elsewhere keep their figures.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from edgedigits.files import write_atomic

ROOT = Path(__file__).parent.parent
MEMBERS = ROOT / "build" / "members"
RESULT = ROOT / "benchmarks" / "results" / "robustness.json"
MEASURE = Path(__file__).parent / "reading" / "measure.py"
COUNT = "300"  # of each kind at most
# Set, heading, and the figure of it that is shown.
COLUMNS = (
    ("data", "drawn digits (`--data`)", "top1"),
    ("scans", "load_digits, 8×8", "top1"),
    ("corrupted", "corrupted MNIST", "top1_unrejected"),
    ("corrupted", "the same, less what is refused", "top1"),
    ("letters", "letters refused", "refused"),
    ("negatives", "noise, empty paper refused", "refused"),
)


def main() -> None:
    """Measure all members, in the order they are made."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of label folders with drawn digits")
    args = parser.parse_args()
    order = json.loads((ROOT / "benchmarks" / "results" / "family.json").read_text())["proofs"]
    known = json.loads(RESULT.read_text())["members"]
    told = {"members": {member: _measure(member, args.data) or known[member] for member in order}}
    write_atomic(RESULT, (json.dumps(told, indent=1, ensure_ascii=False) + "\n").encode())


def _measure(member: str, data: Path | None) -> dict[str, Any] | None:
    """What measure.py tells of a member, or None where it was made elsewhere."""
    bundle = MEMBERS / member
    if not bundle.is_dir():
        return None
    result = bundle.with_suffix(".reading.json")
    words = ["--bundle", bundle, "--variants", "int8", "--sets", ",".join(dict.fromkeys(name for name, *_ in COLUMNS))]
    drawn = ["--data", data] if data else []
    subprocess.run([sys.executable, MEASURE, *words, *drawn, "--count", COUNT, "-o", result], check=True)
    told: dict[str, Any] = json.loads(result.read_text())
    # What is told by kind is of interest for the model that ships, in reading.json.
    for kind in told["sets"].values():
        for variant in kind.get("variants", {}).values():
            variant.pop("kinds", None)
    return told


def robustness_table(result: dict[str, Any]) -> str:
    """A line a member: shares read rightly, and shares refused of what is no digit."""
    members = result["members"]
    lines = [f"| member | {' | '.join(title for _, title, _ in COLUMNS)} |", f"|---|{len(COLUMNS) * '---:|'}"]
    for member, told in members.items():
        lines.append(f"| `{member}` | {' | '.join(_share(told, name, figure) for name, _, figure in COLUMNS)} |")
    counts = next(iter(members.values()))["sets"]
    sizes = ", ".join(
        f"{kind['title']}: {kind['variants']['int8']['n']:,}" for kind in counts.values() if "variants" in kind
    )
    note = f"The int8 files in LiteRT through the whole pipeline, digits of the test split ({sizes}). "
    return "\n".join([*lines, "", note + "Measured by `benchmarks/robustness.py`, written by `make readme`."])


def _share(told: dict[str, Any], name: str, figure: str) -> str:
    variants = told["sets"][name].get("variants")
    return f"{100 * variants['int8'][figure]:.1f} %" if variants else "–"


if __name__ == "__main__":
    main()
