"""Which variant is worth its bytes and microseconds, beside what others published and what the processor allows.

`python benchmarks/front.py` puts together what other benchmarks measured: parity (accuracy), engines (size, latency),
peers (TensorFlow's tutorial model), limit (the processor).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from edgedigits.files import write_atomic
from edgedigits.records import from_plain, to_plain
from edgedigits_export.figures import Row, join_rows
from edgedigits_export.front import Other, draw_front

RESULTS = Path(__file__).parent / "results"
RESULT = RESULTS / "front.json"
# Bytes of the weights alone, accuracy on MNIST's test digits, and where both are published; none was run here.
PUBLISHED = (
    ("BitNetMCU, 7.3 KiB", 7.3 * 1.024, 0.9928, "github.com/cpldcpu/BitNetMCU, docs/documentation_2026.md"),
    ("BitNetMCU, 11 KiB", 11.0 * 1.024, 0.9955, "github.com/cpldcpu/BitNetMCU, docs/documentation_2026.md"),
    ("697 parameters", 697 * 4 / 1e3, 0.9903, "github.com/JoshWarn/Parameter-Efficient-MNIST; as float32"),
    ("LeNet-5", 60_000 * 4 / 1e3, 0.9905, "LeCun et al., Proc. IEEE 86 (1998), figure 9; as float32"),
)
TUTORIAL = "tutorial-int8"


def result(
    parity: dict[str, Any], engines: dict[str, Any], peers: dict[str, Any], limit: dict[str, Any]
) -> dict[str, Any]:
    """Everything that the picture and its table show."""
    tutorial = next(row for row in peers["rows"] if row["name"] == TUTORIAL)
    others = [Other(name, kilobytes, accuracy, None) for name, kilobytes, accuracy, _ in PUBLISHED]
    others.append(
        Other(
            "TensorFlow's tutorial", tutorial["model_bytes"] / 1e3, tutorial["accuracy"], tutorial["p50_us"]["median"]
        )
    )
    return {
        "machine": engines["machine"],
        "rows": to_plain(join_rows(parity, engines)),
        "others": to_plain(others),
        "sources": {name: source for name, *_, source in PUBLISHED},
        "macs": limit["model"]["macs"],
        "limits_us": {f"{name} limit of one core": limit["model"][f"{name}_us"] for name in ("int8", "float32")},
    }


def picture(front: dict[str, Any]) -> bytes:
    """The SVG."""
    rows = [from_plain(Row, row, "front") for row in front["rows"]]
    return draw_front(rows, [from_plain(Other, other, "front") for other in front["others"]], front["limits_us"])


def front_table(front: dict[str, Any]) -> str:
    """What the crosses and lines of the picture are."""
    limits = ", ".join(f"{name} {limit:.1f} µs" for name, limit in front["limits_us"].items())
    sources = "; ".join(f"{name}: {source}" for name, source in front["sources"].items())
    return (
        "Circles and their like are ours, with Wilson's 95 % interval; crosses are others': sizes of weights alone and "
        f"accuracies as published ({sources}), and the model of TensorFlow's post-training-quantization tutorial, made "
        f"anew and measured here. Dotted: what one core needs for the {front['macs'] / 1e6:.2f} million "
        f"multiplications with addition if it does nothing else ({limits})."
    )


def main() -> None:
    """Put together, and write."""
    read = [json.loads((RESULTS / f"{name}.json").read_text()) for name in ("parity", "engines", "peers", "limit")]
    write_atomic(RESULT, (json.dumps(result(*read), indent=1, ensure_ascii=False) + "\n").encode())


if __name__ == "__main__":
    main()
