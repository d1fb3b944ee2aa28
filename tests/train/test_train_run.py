"""Whole runs in processes of their own: the folder, the record, a kill, a resumption."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from PIL import Image

from edgedigits.datasets import Splits
from edgedigits.errors import OutputError, UsageError
from edgedigits.verification.statistics import wilson
from edgedigits_train import run as run_module
from edgedigits_train.config import resolve
from edgedigits_train.data.training_set import TrainingSet
from edgedigits_train.models.build import count_macs
from edgedigits_train.run import PLOTS, find_start, train
from edgedigits_train.training import backend, checkpoint
from edgedigits_train.training.checkpoint import Progress
from edgedigits_train.training.distillation import soften
from edgedigits_train.training.evaluation import mean_loss, predict
from edgedigits_train.training.loop import new_model

Start = Callable[[Sequence[object]], "subprocess.Popen[str]"]
OPTIONS = ("--model", "small", "--epochs", 5, "--batch-size", 16, "--seed", 3)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, start_training: Start) -> tuple[Path, str, str]:
    """A run without interruption: its folder, standard output and standard error."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    process = start_training([*OPTIONS, "-o", folder, "--json"])
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return folder, out, err


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory, start_training: Start, whole: tuple[Path, str, str]) -> Path:
    """A run with all that keeps state besides weights and optimizer: a teacher and an average of the weights."""
    folder = tmp_path_factory.mktemp("taught") / "run"
    process = start_training([*OPTIONS, *_teaching(whole[0]), "-o", folder])
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return folder


def _teaching(teacher: Path) -> tuple[object, ...]:
    return "--teacher", teacher / "model.keras", "--ema", 0.9, "--elastic", 0.02


@pytest.fixture(scope="module")
def record(whole: tuple[Path, str, str]) -> dict[str, Any]:
    return json.loads((whole[0] / "train.json").read_text())  # type: ignore[no-any-return]


def interrupt_after(process: subprocess.Popen[str], epoch: int, number: signal.Signals) -> str:
    """Send a signal as soon as the epoch's line is out; returns the rest of standard error."""
    assert process.stderr is not None
    for line in process.stderr:
        if re.match(rf"epoch +{epoch}/", line):
            process.send_signal(number)
            return process.communicate(timeout=120)[1]
    pytest.fail(f"no line of epoch {epoch}")


def weights(folder: Path) -> list[np.ndarray]:
    return keras.saving.load_model(folder / "model.keras").get_weights()  # type: ignore[no-any-return]


def test_folder_holds_model_record_report_and_plots_and_nothing_else(whole: tuple[Path, str, str]) -> None:
    assert {path.name for path in whole[0].iterdir()} == {"model.keras", "train.json", "report.html", *PLOTS}


def test_json_is_the_record_alone_and_progress_goes_to_standard_error(whole: tuple[Path, str, str]) -> None:
    folder, out, err = whole
    assert out == (folder / "train.json").read_text()
    lines = err.splitlines()
    assert lines[0].startswith("training: model small, ")
    assert [line.split()[:2] for line in lines[1:]] == [["epoch", f"{n}/5"] for n in range(1, 6)]


def test_record_says_what_was_done(record: dict[str, Any], splits: Splits) -> None:
    config = record["config"]
    assert (config["model"], config["epochs"], config["batch_size"], config["seed"]) == ("small", 5, 16, 3)
    assert config["threads"] == 1
    assert record["versions"]["keras"] == keras.__version__
    assert set(record["versions"]) == {"python", "keras", "tensorflow", "numpy", "edgedigits"}
    assert record["data"]["train"] == {"count": 80, "sha256": splits.train.sha256()}
    assert record["data"]["test"] == {"count": 10, "sha256": splits.test.sha256()}
    assert record["data"]["labels"] == list("0123456789")
    assert [epoch["epoch"] for epoch in record["history"]] == [1, 2, 3, 4, 5]
    assert record["history"][-1]["validation_accuracy"] == record["validation"]["accuracy"]
    assert 0 < record["seconds"]["epochs"] < record["seconds"]["process"]


@pytest.mark.parametrize("part", ["validation", "test"])
def test_recorded_figures_are_those_of_the_saved_model(
    whole: tuple[Path, str, str], record: dict[str, Any], splits: Splits, part: str
) -> None:
    data = getattr(splits, part)
    model = keras.saving.load_model(whole[0] / "model.keras")
    probabilities = predict(model, data.images)
    predictions, found = probabilities.argmax(axis=1), record[part]
    correct = int((predictions == data.labels).sum())
    assert (found["correct"], found["count"]) == (correct, 10)
    assert found["accuracy"] == correct / 10
    assert found["ci95"] == pytest.approx(wilson(correct, 10))
    assert found["loss"] == pytest.approx(-np.log(probabilities[np.arange(10), data.labels]).mean(), rel=1e-4)
    for label, cells in enumerate(found["confusion"]):
        assert cells == np.bincount(predictions[data.labels == label], minlength=10).tolist()
        score = found["per_class"][label]
        predicted = int((predictions == label).sum())
        assert (score["name"], score["count"], score["recall"]) == (str(label), 1, float(cells[label]))
        assert score["precision"] == (cells[label] / predicted if predicted else None)
    assert (record["parameters"], record["macs"]) == (model.count_params(), count_macs(model))


def test_plots_are_images(whole: tuple[Path, str, str]) -> None:
    for name in PLOTS:
        with Image.open(whole[0] / name) as image:
            image.load()
            assert image.format == "PNG"
            assert min(image.size) >= 200
            assert max(image.size) <= 2000
            assert len(image.convert("L").getcolors() or []) > 10, f"{name} is empty"


def test_page_needs_no_other_file_and_tells_the_record(whole: tuple[Path, str, str], record: dict[str, Any]) -> None:
    page = (whole[0] / "report.html").read_text()
    assert page.count("<img ") == page.count('src="data:image/png;base64,') == len(PLOTS)
    assert not re.search(r"(src|href)=\"(?!data:)", page)
    assert f"{100 * record['test']['accuracy']:.2f} %" in page
    assert page.count("<tr>") == 1 + len(record["test"]["per_class"])
    for name, value in record["config"].items():
        assert f"{name}: {value}" in page
    assert record["data"]["sha256"] in page


def test_killed_and_resumed_run_ends_with_the_same_weights(
    whole: tuple[Path, str, str], record: dict[str, Any], tmp_path: Path, start_training: Start
) -> None:
    folder = tmp_path / "run"
    interrupt_after(start_training([*OPTIONS, "-o", folder]), 2, signal.SIGKILL)
    assert not (folder / "train.json").exists()
    progress = checkpoint.read_progress(folder)
    assert progress is not None
    assert 2 <= len(progress.history) < 5
    # Only what the run was started with is needed to go on: no other option is repeated.
    process = start_training(["-o", folder, "--resume"])
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert err.startswith(f"going on after epoch {len(progress.history)} of 5: model small, ")
    for own, expected in zip(weights(folder), weights(whole[0]), strict=True):
        np.testing.assert_array_equal(own, expected)
    resumed = json.loads((folder / "train.json").read_text())
    losses = [[epoch["loss"] for epoch in each["history"]] for each in (resumed, record)]
    assert losses[0] == losses[1]
    assert resumed["test"] == record["test"]


def test_killed_and_resumed_run_with_teacher_and_ema_ends_with_the_same_weights(
    whole: tuple[Path, str, str], taught: Path, tmp_path: Path, start_training: Start
) -> None:
    folder = tmp_path / "run"
    interrupt_after(start_training([*OPTIONS, *_teaching(whole[0]), "-o", folder]), 2, signal.SIGKILL)
    progress = checkpoint.read_progress(folder)
    assert progress is not None
    assert 2 <= len(progress.history) < 5
    _, err = start_training(["-o", folder, "--resume"]).communicate(timeout=120)
    assert (folder / "train.json").exists(), err
    for own, expected in zip(weights(folder), weights(taught), strict=True):
        np.testing.assert_array_equal(own, expected)
    records = [json.loads((each / "train.json").read_text()) for each in (folder, taught)]
    assert records[0]["validation"] == records[1]["validation"]
    assert records[0]["history"][-1]["validation_accuracy"] == records[0]["validation"]["accuracy"]


def test_a_student_s_outputs_are_as_sure_as_what_it_learned_is_softened(taught: Path, splits: Splits) -> None:
    record = json.loads((taught / "train.json").read_text())
    outputs = predict(keras.saving.load_model(taught / "model.keras"), splits.validation.images)
    assert mean_loss(outputs, splits.validation.labels) == pytest.approx(record["validation"]["loss"], rel=1e-4)
    # What was learned, epoch by epoch, is the same with the temperature taken back.
    learned = soften(np.log(outputs), record["config"]["temperature"])
    expected = record["history"][-1]["validation_loss"]
    assert mean_loss(learned, splits.validation.labels) == pytest.approx(expected, rel=1e-4)
    assert expected != pytest.approx(record["validation"]["loss"], rel=0.05)


def test_another_teacher_than_the_run_s_is_refused(
    whole: tuple[Path, str, str], tmp_path: Path, start_training: Start
) -> None:
    folder, teacher = tmp_path / "run", tmp_path / "teacher.keras"
    teacher.write_bytes((whole[0] / "model.keras").read_bytes())
    interrupt_after(start_training([*OPTIONS, "--teacher", teacher, "-o", folder]), 1, signal.SIGKILL)
    teacher.write_bytes(teacher.read_bytes() + b"other")
    process = start_training(["-o", folder, "--resume"])
    _, err = process.communicate(timeout=120)
    assert process.returncode == 2
    assert "is not what this run was started with" in err


def test_interrupt_keeps_the_last_epoch_and_says_how_to_go_on(tmp_path: Path, start_training: Start) -> None:
    folder = tmp_path / "run"
    process = start_training(["--model", "mlp", "--epochs", 2000, "-o", folder])
    err = interrupt_after(process, 1, signal.SIGINT)
    progress = checkpoint.read_progress(folder)
    assert progress is not None
    said = next(line for line in err.splitlines() if line.startswith("interrupted"))
    assert said.endswith(f"of 2000 epochs are kept; go on with: edgedigits train -o {folder} --resume")
    assert len(checkpoint.load_checkpoint(folder).get_weights()) == 4
    assert process.returncode == 130
    assert not (folder / "train.json").exists()


def test_existing_folder_is_refused_before_any_work_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "keep.txt").write_text("mine")
    with pytest.raises(OutputError, match="exists already; choose another path or add --overwrite"):
        find_start(tmp_path, {}, resume=False, overwrite=False)
    assert [path.name for path in tmp_path.iterdir()] == ["keep.txt"]


def test_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("mine")
    with pytest.raises(OutputError, match="expected a folder, found a file"):
        find_start(tmp_path / "run", {}, resume=False, overwrite=True)
    assert (tmp_path / "run").read_text() == "mine"


def test_finished_run_is_not_resumed(whole: tuple[Path, str, str]) -> None:
    with pytest.raises(UsageError, match="this run is finished"):
        find_start(whole[0], {}, resume=True, overwrite=False)


def test_resuming_nothing_starts_at_the_beginning(tmp_path: Path) -> None:
    start = find_start(tmp_path / "run", {"epochs": 3}, resume=True, overwrite=False)
    assert start.progress is None
    assert start.config == resolve({"epochs": 3})


def test_resuming_with_other_options_is_refused(tmp_path: Path, start_training: Start) -> None:
    folder = tmp_path / "run"
    interrupt_after(start_training(["--model", "mlp", "--epochs", 2000, "-o", folder]), 1, signal.SIGKILL)
    assert find_start(folder, {"model": "mlp"}, resume=True, overwrite=False).config.epochs == 2000
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(UsageError, match=r"started with --model mlp \(asked: small\), --seed 0 \(asked: 1\)"):
        find_start(folder, {"model": "small", "seed": 1}, resume=True, overwrite=False)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_resuming_with_other_data_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, splits: Splits) -> None:
    monkeypatch.setattr(backend, "set_up", lambda threads: None)  # one process has one number of threads
    config = resolve({"model": "mlp", "epochs": 2, "data": splits.train.source})
    checkpoint.save_checkpoint(
        tmp_path, new_model(config, TrainingSet.of(splits.train)), Progress(config, "0" * 64, ())
    )
    start = find_start(tmp_path, {}, resume=True, overwrite=False)
    with pytest.raises(UsageError, match="is not what this run was started with"):
        train(tmp_path, start, lambda result, config: None)


def test_run_that_dies_after_its_last_epoch_is_finished_by_resuming(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, splits: Splits
) -> None:
    monkeypatch.setattr(backend, "set_up", lambda threads: None)
    folder, seen = tmp_path / "run", []

    def die(*_: object) -> bytes:
        raise MemoryError

    start = find_start(
        folder, {"model": "mlp", "epochs": 1, "data": splits.train.source}, resume=False, overwrite=False
    )
    with monkeypatch.context() as broken:
        broken.setattr(run_module, "draw_mistakes", die)
        with pytest.raises(MemoryError):
            train(folder, start, lambda result, config: seen.append(result.epoch))
    assert not (folder / "train.json").exists()
    start = find_start(folder, {}, resume=True, overwrite=False)
    finished = train(folder, start, lambda result, config: seen.append(result.epoch))
    assert seen == [1]
    assert json.loads((folder / "train.json").read_text())["test"]["correct"] == finished.test.correct


def test_overwriting_replaces_the_run_and_leaves_what_is_not_its_own(tmp_path: Path, start_training: Start) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    for name in ("train.json", "mistakes.png", "notes.txt"):
        (folder / name).write_text("old")
    process = start_training(["--model", "mlp", "--epochs", 1, "-o", folder, "--overwrite"])
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert out.startswith("mlp: 101,770 parameters, 0.10 million MACs an image\n")
    assert json.loads((folder / "train.json").read_text())["config"]["model"] == "mlp"
    assert (folder / "mistakes.png").read_bytes() != b"old"
    assert (folder / "notes.txt").read_text() == "old"


def test_command_line_is_read_without_the_heavy_imports() -> None:
    code = (
        "import argparse, sys; from edgedigits_train import cli; cli.configure(argparse.ArgumentParser()); "
        "print([name for name in ('tensorflow', 'keras', 'numpy', 'matplotlib') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
