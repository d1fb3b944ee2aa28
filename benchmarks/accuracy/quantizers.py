"""Which quantizer finds the cheapest file within the margin? Six networks, the same data, every file on one machine.

`python -m benchmarks.accuracy.quantizers [-o FILE]`, or `make quantizers`. The networks are trained once and kept in
``build/quantizers``, the quantizers' environments in the cache folder. What is interrupted goes on at the network that
it was at. No quantizer sees the 10,000 test images, which judge.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.accuracy import quantizer_candidates as candidates
from benchmarks.accuracy.own_networks import Images, Network, read_images
from benchmarks.accuracy.quantizer_candidates import MARGIN, OURS, Found
from benchmarks.accuracy.quantizer_networks import FOLDER, NETWORKS, SMALLEST, TRAINED, trained
from benchmarks.accuracy.quantizers_table import goals_missed, quantizers_table
from benchmarks.harness.benchmark import Benchmark, Result, describe, progress, write_result
from benchmarks.harness.reasons import without_paths
from edgedigits.errors import EdgeDigitsError
from edgedigits.input_shapes import InputShape
from edgedigits.manifest import Adapter, Format, GateChoice, PixelScaling
from edgedigits.measure.configuration import Configuration
from edgedigits.measure.rounds import Plan, measure_rounds
from edgedigits.verification.compare import accuracy_of, compare
from edgedigits.verification.gates import judge_variant
from edgedigits.verification.inference import infer_isolated
from edgedigits.wrapping import Wrapping
from edgedigits_export.lazy_imports import load

GATE = GateChoice("accuracy", MARGIN)
ENGINES: dict[Format, str] = {"tflite": "litert", "onnx": "onnxruntime"}
PACKAGES = ("edgedigits", "keras", "tensorflow", "ai-edge-litert", "tflite-runtime", "onnxruntime")
# Raw pixels go into every file, and probabilities come out.
PLAIN = Wrapping(Adapter("NHWC", "probabilities"), PixelScaling(1.0, (0.0,), (1.0,), bgr=False))
# Of the test images, for the older engine, whose kernels are slow.
FOR_OLDER = 1_000
ROWS = FOLDER / "rows"
LEAST = 0.88
FEW = 600
# Of a row, while its file is there: its path and its input.
PATH = "path"
Row = dict[str, Any]


def measure(args: argparse.Namespace) -> Result:
    """Compare all networks; the smallest run takes another one and few images, and makes no environments."""
    train, test = read_images("train"), read_images("t10k")
    if args.smallest:
        few, test = train.first(FEW), test.first(FEW)
        with tempfile.TemporaryDirectory(prefix="edgedigits-") as place:
            net = trained(SMALLEST, few, Path(place))
            row = compare_quantizers(SMALLEST, net, few, test, Plan(5, 0.0), here=True)
        return _described(test, [row])
    held = Images(train.images[TRAINED:], train.labels[TRAINED:])
    nets = {network.name: trained(network, train.first(TRAINED)) for network in NETWORKS}
    result = _described(test, [_remembered(network, nets[network.name], held, test) for network in NETWORKS])
    shutil.rmtree(ROWS)
    return result


def _described(test: Images, rows: list[Row]) -> Result:
    told = {"gate": GATE._asdict(), "images": len(test.labels), "for_older": FOR_OLDER}
    parts = {"calibrated": candidates.CALIBRATED, "chosen": candidates.CHOSEN}
    packages = dict.fromkeys(package for peer in candidates.PEERS for package in peer.tool.packages)
    return describe(PACKAGES) | told | parts | {"peers": list(packages), "rows": rows}


def _remembered(network: Network, net: Path, held: Images, test: Images) -> Row:
    """Return a network's row, of this run or of one that was interrupted."""
    file = ROWS / f"{network.name}.json"
    if not file.exists():
        file.parent.mkdir(exist_ok=True)
        write_result(file, compare_quantizers(network, net, held, test, Plan(), here=False))
    row: Row = json.loads(file.read_text())
    return row


def compare_quantizers(network: Network, net: Path, held: Images, test: Images, plan: Plan, *, here: bool) -> Row:
    """Let every quantizer make its file of a trained network, judge the files, and measure them in common rounds."""
    model = load("keras").saving.load_model(net, compile=False)
    told = np.asarray(model.predict(network.pixels(test), batch_size=500, verbose=0))
    with tempfile.TemporaryDirectory(prefix="edgedigits-") as place:
        folder = Path(place)
        candidates.make_sources(net, held, folder, here=here)
        found = [candidates.find_ours(format_, folder) for format_ in ENGINES]
        for number, peer in enumerate(candidates.PEERS):
            progress(f"{network.name}: {peer.name}")
            found.append(candidates.find(peer, folder, number, here=here))
        judged = [_judged(one, told, test) for one in found]
        _add_latencies(judged, plan)
    return {
        "network": network.name,
        "epochs": network.epochs,
        "parameters": model.count_params(),
        "keras": accuracy_of(told, test.labels).top1,
        "files": [{name: value for name, value in row.items() if name != PATH} for row in judged],
    }


def _judged(found: Found, told: NDArray[np.float32], test: Images) -> Row:
    """Return what a file loses against Keras on the test images, or why it answers nothing."""
    row = {
        "name": found.name, "format": found.format, "ours": found.name == OURS, "seconds": round(found.seconds, 1),
        "reason": found.reason,
    }  # fmt: skip
    if found.file is None:
        return row
    try:
        run = infer_isolated(found.file, ENGINES[found.format], test.images, wrapping=PLAIN)
    except EdgeDigitsError as error:
        return row | {"reason": without_paths(str(error))}
    compared = compare(run.probabilities, told, test.labels)
    return row | {
        "bytes": found.file.stat().st_size,
        "accuracy": compared.accuracy.top1,
        "drop": compared.drop,
        "drop_ci95": compared.drop_ci95,
        "flips": len(compared.flips),
        "outcome": judge_variant("int8", compared, "classify", GATE).outcome,
        "older": _in_older_engine(found.file, run.probabilities, test) if found.format == "tflite" else None,
        PATH: (found.file, InputShape(run.image.name, (1, *test.images.shape[1:]))),
    }


def _in_older_engine(file: Path, answers: NDArray[np.float32], test: Images) -> Row:
    """Return in what share of images tflite-runtime gives the same answer, or why it gives none."""
    some = test.first(FOR_OLDER)
    try:
        older = infer_isolated(file, "tflite-runtime", some.images, wrapping=PLAIN).probabilities
    except EdgeDigitsError as error:
        return {"agreement": None, "reason": without_paths(str(error))}
    agreement = np.mean(older.argmax(axis=1) == answers[: len(older)].argmax(axis=1))
    return {"agreement": float(agreement), "reason": None}


def _add_latencies(rows: Sequence[Row], plan: Plan) -> None:
    """Measure every file that works, with one thread, in rounds of fresh processes."""
    working = [row for row in rows if PATH in row]
    result, _ = measure_rounds([_configuration(row) for row in working], plan, lambda _: None)
    for row, measured in zip(working, result.rows, strict=True):
        summary = measured.summary
        row["reason"] = measured.error
        row["p50_us"] = summary and round(summary.p50_us, 2)
        row["p50_ci95_us"] = summary and [round(end, 2) for end in summary.p50_ci95_us]


def _configuration(row: Row) -> Configuration:
    path, shape = row[PATH]
    data = path.read_bytes()
    sha256 = hashlib.sha256(data).hexdigest()
    engine = ENGINES[row["format"]]
    return Configuration(str(path), path.name, len(data), sha256, None, None, engine, 1, {}, 1, (shape,), None)


def faults(result: Result) -> list[str]:
    """Return the networks that have not learned enough for their losses to mean anything, and the goals missed."""
    if len(result["rows"]) == 1:  # the smallest run hardly trains
        return []
    poor = [
        f"{row['network']}: expected {LEAST:.0%} of the test images right in Keras, found {row['keras']:.1%}"
        for row in result["rows"]
        if row["keras"] < LEAST
    ]
    return poor + goals_missed(result)


BENCHMARK = Benchmark(
    "quantizers",
    "Which quantizer finds the cheapest file within the margin, on six networks?",
    measure,
    quantizers_table,
    failures=faults,
)

if __name__ == "__main__":
    raise SystemExit(BENCHMARK.main())
