"""A net that int8 spoils is repaired by `export`: real conversions, real engines, real digits."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sharing import MadeOnce

from edgedigits.bundle import Bundle
from edgedigits.cli.main import main
from edgedigits.errors import UsageError
from edgedigits.manifest import GateChoice, ModelFile, Requirements
from edgedigits_export.bundle import repair
from edgedigits_export.bundle.job import RepairChoice
from edgedigits_export.bundle.repair import Repairer
from edgedigits_export.compat.requirements import read_requirements
from edgedigits_export.compat.runs_on import parse_runs_on, why_refused
from edgedigits_export.convert.variants import ConvertedFile, Variant
from edgedigits_export.lazy_imports import load, quiet
from edgedigits_export.repair.words import repair_in_words, short_name

pytestmark = pytest.mark.tensorflow
ROOT = Path(__file__).parents[2]
DIGITS = ROOT / "tests" / "data" / "digits.npz"
SKEW = 300.0


def save_skewed(path: Path) -> None:
    """Save the net `tiny`, with one channel so large between two layers that the others round to nothing.

    What the first layer multiplies the second divides again, so that in float the net computes the same.
    """
    with quiet():
        model = load("keras").saving.load_model(ROOT / "models" / "tiny.keras")
        gamma, beta, *moments = model.get_layer("conv2_norm").get_weights()
        gamma[0], beta[0] = SKEW * gamma[0], SKEW * beta[0]
        model.get_layer("conv2_norm").set_weights([gamma, beta, *moments])
        (kernel,) = model.get_layer("conv3").get_weights()
        kernel[:, :, 0] /= SKEW
        model.get_layer("conv3").set_weights([kernel])
        model.save(path)


def export_skewed(folder: Path) -> None:
    save_skewed(folder / "skewed.keras")
    for name, more in {"repaired": ["--runs-on", "pi4,tflite-runtime==2.14.0"], "left": ["--no-repair"]}.items():
        words = ["--calibration", str(DIGITS), "--calibration-samples", "20", "--scale", "1", "--variants", "int8"]
        main(["export", str(folder / "skewed.keras"), *words, *more, "-o", str(folder / name)])


@pytest.fixture(scope="module")
def skewed(made_once: MadeOnce) -> Path:
    return made_once("skewed", export_skewed)


def files(folder: Path) -> dict[str, ModelFile]:
    return {file.format: file for file in Bundle.load(folder).manifest.files}


@pytest.mark.parametrize("format_", ["tflite", "onnx"])
def test_the_repaired_file_is_within_the_margin_and_the_other_is_not(skewed: Path, format_: str) -> None:
    left, repaired = files(skewed / "left")[format_], files(skewed / "repaired")[format_]
    assert left.judgement.drop > 10
    assert left.repair is None
    assert repaired.judgement.drop <= 0.5
    assert repaired.judgement.outcome != "failed"
    assert repaired.judgement.count == 10 + 30  # the part that nothing was chosen on
    assert left.bytes < repaired.bytes < 2 * left.bytes


@pytest.mark.parametrize("format_", ["tflite", "onnx"])
def test_what_was_tried_is_in_the_manifest(skewed: Path, format_: str) -> None:
    file = files(skewed / "repaired")[format_]
    record = file.repair
    assert record is not None
    assert record.found
    assert [trial.ranges for trial in record.tried[:3]] == ["min-max", "percentile", "mse"]
    assert all(trial.in_float == 0 and not trial.within for trial in record.tried[:3])
    (chosen,) = [trial for trial in record.tried if trial.chosen]
    assert (chosen.ranges, chosen.in_float, chosen.bytes) == (record.ranges, len(record.in_float), file.bytes)
    assert chosen.within
    assert chosen.bytes == min(trial.bytes for trial in record.tried if trial.within)
    assert 0 < len(record.in_float) < 12
    assert record.runs_on == ("pi4 bookworm arm64", "tflite-runtime 2.14.0")
    assert (record.count, record.bound) == (10 + 30, None)  # so few images cannot tell by any bound


def test_the_operators_in_float_are_those_around_the_skewed_channel(skewed: Path) -> None:
    record = files(skewed / "repaired")["tflite"].repair
    assert record is not None
    assert any("conv2" in name or "conv3" in name for name in record.in_float)


def test_the_words_and_the_page_tell_what_was_done(skewed: Path, tmp_path: Path) -> None:
    record = files(skewed / "repaired")["tflite"].repair
    assert record is not None
    said = repair_in_words(record)
    assert said.startswith("repaired by ")
    assert f"{len(record.in_float)} operators in float (" in said
    assert f"{len(record.tried)} candidates tried on 40 images of {DIGITS}" in said
    none = record._replace(found=False, in_float=(), ranges="min-max")
    assert repair_in_words(none).startswith("no repair was found: none of ")
    page = tmp_path / "page.html"
    figures = {name: str(tmp_path / f"{name}.json") for name in ("parity", "bench")}
    main(["parity", str(skewed / "repaired"), "--data", str(DIGITS), "-o", figures["parity"]])
    short = ["--engine", "litert", "--seconds", "0", "--processes", "5", "-o", figures["bench"]]
    assert main(["bench", str(skewed / "repaired"), *short]) == 0
    words = ["--parity", figures["parity"], "--bench", figures["bench"], "-o", str(page)]
    assert main(["report", str(skewed / "repaired"), *words]) == 0
    text = page.read_text()
    assert "How skewed-int8.tflite was repaired" in text
    assert "It had to run on pi4 bookworm arm64, tflite-runtime 2.14.0." in text
    assert f"<code>{short_name(record.in_float[0])}</code>" in text


def test_names_are_short() -> None:
    merged = "functional_1/conv2_1/Relu;functional_1/conv2_norm/add"
    assert [short_name(name) for name in (merged, "MatMul17", "a/b")] == ["conv2_1/Relu", "MatMul17", "b"]


def test_targets_are_boards_and_engines() -> None:
    assert parse_runs_on("") == ()
    names = [str(target) for target in parse_runs_on("pi3, pi4,pi4,tflite-runtime==2.14.0")]
    assert names == ["pi3 bookworm arm64", "pi4 bookworm arm64", "tflite-runtime 2.14.0"]
    with pytest.raises(UsageError, match="pi9"):
        parse_runs_on("pi9")


def test_a_target_refuses_what_check_refuses(cases: dict[str, Any], newer: Any) -> None:
    dense = read_requirements(newer(cases["cnn"]), "tflite")  # FULLY_CONNECTED of version 12
    fitting = read_requirements(cases["cnn"].files["int8.tflite"], "tflite")
    old, litert, board = parse_runs_on("tflite-runtime==2.14.0,ai-edge-litert==2.3.0,pi4")
    refused = why_refused(dense, "tflite", [litert, old])
    assert refused is not None
    assert refused.startswith("tflite-runtime 2.14.0: cannot run: ")
    assert why_refused(dense, "tflite", [board]) is None  # another engine of the board runs it
    assert why_refused(fitting, "tflite", [old, litert, board]) is None
    assert why_refused(dense, "onnx", [old]) is None  # it reads another format, and says nothing


def test_a_board_without_an_engine_for_the_format_says_nothing() -> None:
    nothing = Requirements({}, {}, (), 13, 7, {})
    assert why_refused(nothing, "onnx", parse_runs_on("pi2")) is None


def test_options_that_would_do_nothing_are_refused(run_here: Any, refused: Any, tmp_path: Path) -> None:
    for more in (["--runs-on", "pi4"], ["--measure"]):
        done = run_here("export", "m.keras", "--calibration", "data", "--no-repair", *more, "-o", tmp_path / "out")
        refused(done, 2, "--no-repair: nothing is repaired for --runs-on or --measure")


def judged(drop: float, count: int) -> Any:
    return SimpleNamespace(drop=drop, accuracy=SimpleNamespace(count=count))


def test_only_integer_files_outside_the_margin_are_repaired(monkeypatch: pytest.MonkeyPatch) -> None:
    job: Any = SimpleNamespace(gate=GateChoice("accuracy", 0.5))
    progress: list[str] = []
    repairer = Repairer(job, RepairChoice((), measure=False), Any, progress.append)  # type: ignore[arg-type]
    file = ConvertedFile(Variant("int8", "tflite"), b"")

    assert repairer.needs_repair(file, judged(3.0, 5000), "failed")
    assert repairer.needs_repair(file, judged(0.2, 5000), "undecided")
    assert not repairer.needs_repair(file, judged(0.0, 5000), "passed")
    assert not repairer.needs_repair(ConvertedFile(Variant("float16", "tflite"), b""), judged(3.0, 5000), "failed")
    # So few images leave even a perfect file undecided: the drop itself decides.
    assert not repairer.needs_repair(file, judged(0.4, 700), "undecided")
    assert repairer.needs_repair(file, judged(0.6, 700), "undecided")

    board = Repairer(job, RepairChoice(parse_runs_on("pi4"), measure=False), Any, progress.append)  # type: ignore[arg-type]
    monkeypatch.setattr(repair, "read_requirements", lambda *_: None)
    monkeypatch.setattr(repair, "why_refused", lambda *_: "pi4: cannot run")
    assert board.needs_repair(file, judged(0.0, 5000), "passed")
