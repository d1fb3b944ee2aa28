"""Does the industry's load generator see the latency that we state? The shipped model under MLCommons' LoadGen.

`python benchmarks/loadgen/run.py [--seconds S] [--rounds N] [--here] [-o FILE]`: scenarios SingleStream and Offline,
for accuracy and for performance, beside the same calls without LoadGen in the same process. LoadGen's own logs stay
in build/loadgen. Exit code 1: the figures or the accuracies differ by more than they may.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from environment import ROOT, python_with_loadgen
from verdict import loadgen_table, verdict

from edgedigits.files import write_atomic
from edgedigits.measure.machine import describe_machine
from edgedigits.records import to_plain

SCHEMA = 1
RESULT = ROOT / "benchmarks" / "results" / "loadgen.json"
LOGS = ROOT / "build" / "loadgen"


def result(python: Path, logs: Path, seconds: float, rounds: int) -> dict[str, Any]:
    """Measure in a process of ``python``; everything that is committed."""
    script = Path(__file__).with_name("measure.py")
    command = [str(python), str(script), str(logs), str(seconds), str(rounds)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found = json.loads(done.stdout.splitlines()[-1])
    judged = verdict(found["single_stream"])
    return {"schema": SCHEMA, "machine": to_plain(describe_machine()), **found, "verdict": judged}


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=10, help="of each performance run; 10")
    parser.add_argument("--rounds", type=int, default=3, help="of SingleStream's performance run; 3")
    parser.add_argument("--here", action="store_true", help="in this Python, which has mlcommons-loadgen")
    parser.add_argument("--logs", type=Path, default=LOGS, help="where LoadGen's logs go; build/loadgen")
    parser.add_argument("-o", type=Path, default=RESULT, dest="output", help="benchmarks/results/loadgen.json")
    args = parser.parse_args()
    python = Path(sys.executable) if args.here else python_with_loadgen()
    values = result(python, args.logs.resolve(), args.seconds, args.rounds)
    write_atomic(args.output, (json.dumps(values, indent=1, ensure_ascii=False) + "\n").encode())
    print(loadgen_table(values))
    same = all(values[scenario]["accuracy"]["equal"] for scenario in ("single_stream", "offline"))
    return int(not (values["verdict"]["holds"] and values["verdict"]["valid"] and same))


if __name__ == "__main__":
    raise SystemExit(main())
