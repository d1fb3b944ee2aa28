"""Break the contract, the gates, the data sets and the preprocessing on purpose, one change at a time: do tests notice?

`make mutants` runs this. mutmut wants the package in src/ and writes into the folder it runs in, so it gets a copy, in
build/mutation; a second run goes on where the first ended. `python tests/mutants.py NAME...` tries some mutants again.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[1]
WORK = ROOT / "build" / "mutation"
LEAST = 0.8
# mutmut notes how the tests ended: 0 they passed, 33 none of them reaches the code, 1 and 3 they failed; the rest are
# time-outs and crashes, which no release would survive.
SURVIVED = {0: "survived", 5: "untested", 33: "untested"}


def lay_out() -> None:
    """Copy what is tested and what tests it; files that did not change keep their time, so mutmut keeps its results."""
    for source, target in (("runtime/edgedigits", "src/edgedigits"), ("tests", "tests")):
        shutil.rmtree(WORK / target, ignore_errors=True)
        shutil.copytree(ROOT / source, WORK / target, ignore=shutil.ignore_patterns("__pycache__", "export", "train"))
    shutil.copy2(ROOT / "pyproject.toml", WORK)


def results() -> dict[str, int | None]:
    """Each mutant's name and how the tests ended under it; None where it was not tried."""
    found: dict[str, int | None] = {}
    for file in sorted((WORK / "mutants").rglob("*.meta")):
        found |= json.loads(file.read_text())["exit_code_by_key"]
    return found


def main(names: list[str]) -> int:
    """Run mutmut, list what survived, and say whether enough was noticed."""
    lay_out()
    command = [sys.executable, "-m", "mutmut", "run", *names]
    code = subprocess.run(command, cwd=WORK, check=False).returncode
    if code:
        return code
    ends = results()
    alive = {name: SURVIVED[end] for name, end in ends.items() if end in SURVIVED}
    for name, how in alive.items():
        print(f"{how}: {name}")
    tried = sum(end is not None for end in ends.values())
    if not tried:
        print("mutants: none was tried")
        return 1
    killed, kinds = tried - len(alive), Counter(alive.values())
    print(
        f"mutants: {killed} of {tried} noticed, {killed / tried:.1%} (at least {LEAST:.0%}); "
        f"{kinds['survived']} survived, {kinds['untested']} reached by no test"
    )
    return int(killed / tried < LEAST)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
