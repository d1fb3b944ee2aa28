"""Whole runs: the folder, the record, a kill, a resumption; those that must be stopped are processes of their own."""

from __future__ import annotations

import errno
import json
import re
import shutil
import signal
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any, cast

import keras
import numpy as np
import pytest
from PIL import Image
from trained import DIGITS, EPOCHS, KILLED_AFTER, TEACHER, TrainedRun, start_training

from edgedigits.cli.main import main
from edgedigits.datasets import Splits
from edgedigits.errors import OutputError, UsageError
from edgedigits.verification.statistics import wilson
from edgedigits_train import run as run_module
from edgedigits_train.config import resolve
from edgedigits_train.data.training_set import TrainingSet
from edgedigits_train.models.build import count_macs
from edgedigits_train.run import PLOTS, begin_folder, train
from edgedigits_train.start import find_start
from edgedigits_train.training import backend, checkpoint
from edgedigits_train.training.checkpoint import EpochResult, Progress, save_atomic
from edgedigits_train.training.distillation import soften
from edgedigits_train.training.evaluation import mean_loss, predict
from edgedigits_train.training.loop import new_model

pytestmark = pytest.mark.tensorflow


@pytest.fixture(scope="module")
def record(trained_run: TrainedRun) -> dict[str, Any]:
    return json.loads((trained_run.folder / "train.json").read_text())  # type: ignore[no-any-return]


@pytest.fixture
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs here take no second: TensorFlow's threads stay as they are, and plots are not drawn."""
    monkeypatch.setattr(backend, "set_up", lambda threads: None)
    monkeypatch.setattr(run_module, "_draw_plots", lambda *_: {Path(name).stem: b"drawn" for name in PLOTS})


def weights(folder: Path) -> list[np.ndarray]:
    return keras.saving.load_model(folder / "model.keras").get_weights()  # type: ignore[no-any-return]


def test_folder_holds_model_record_report_and_plots_and_nothing_else(trained_run: TrainedRun) -> None:
    assert {path.name for path in trained_run.folder.iterdir()} == {"model.keras", "train.json", "report.html", *PLOTS}


def test_json_is_the_record_alone_and_progress_goes_to_standard_error(trained_run: TrainedRun) -> None:
    assert trained_run.out == (trained_run.folder / "train.json").read_text()
    lines = trained_run.err.splitlines()
    assert lines[0].startswith("training: model nano, ")
    assert lines[1].startswith("note: fewer than 20 images of '0', '1', ")
    assert lines[2].startswith("paper: drawing the synthetic images comes first")
    assert [line.split()[:2] for line in lines[3:]] == [["epoch", f"{n}/{EPOCHS}"] for n in range(1, EPOCHS + 1)]


def test_record_says_what_was_done(record: dict[str, Any], splits: Splits) -> None:
    config = record["config"]
    assert (config["model"], config["epochs"], config["batch_size"], config["seed"]) == ("nano", EPOCHS, 8, 3)
    assert (config["teacher"], config["ema"], config["elastic"]) == (str(TEACHER), 0.9, 0.02)
    assert (config["paper"], config["paper_share"], config["label_smoothing"]) == (True, 0.5, 0.1)
    assert (config["data"], config["threads"]) == (str(DIGITS), 1)
    assert record["versions"]["keras"] == keras.__version__
    assert set(record["versions"]) == {"python", "keras", "tensorflow", "numpy", "edgedigits"}
    assert record["data"]["train"] == {"count": 80, "sha256": splits.train.sha256()}
    assert record["data"]["test"] == {"count": 10, "sha256": splits.test.sha256()}
    assert record["data"]["labels"] == list("0123456789")
    assert [epoch["epoch"] for epoch in record["history"]] == list(range(1, EPOCHS + 1))
    assert record["history"][-1]["validation_accuracy"] == record["validation"]["accuracy"]
    assert 0 < record["seconds"]["epochs"] < record["seconds"]["process"]


@pytest.mark.parametrize("part", ["validation", "test"])
def test_recorded_figures_are_those_of_the_saved_model(
    trained_run: TrainedRun, record: dict[str, Any], splits: Splits, part: str
) -> None:
    data = getattr(splits, part)
    model = keras.saving.load_model(trained_run.folder / "model.keras")
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


def test_plots_are_images(trained_run: TrainedRun) -> None:
    for name in PLOTS:
        with Image.open(trained_run.folder / name) as image:
            image.load()
            assert image.format == "PNG"
            assert min(image.size) >= 200
            assert max(image.size) <= 2500
            assert len(image.convert("L").getcolors() or []) > 10, f"{name} is empty"


def test_page_needs_no_other_file_and_tells_the_record(trained_run: TrainedRun, record: dict[str, Any]) -> None:
    page = (trained_run.folder / "report.html").read_text()
    assert page.count("<img ") == page.count('src="data:image/png;base64,') == len(PLOTS)
    assert not re.search(r"(src|href)=\"(?!data:)", page)
    assert f"{100 * record['test']['accuracy']:.2f} %" in page
    assert page.count("<tr>") == 1 + len(record["test"]["per_class"])
    for name, value in record["config"].items():
        assert f"{name}: {value}" in page
    assert record["data"]["sha256"] in page


# In a process of its own, which first imports TensorFlow; and the run to compare with is another.
def test_killed_and_resumed_run_ends_with_the_same_weights(
    trained_run: TrainedRun, record: dict[str, Any], tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(trained_run.killed, folder)
    # The whole run drew the synthetic images and asked the teacher; here both come from the cache.
    shutil.copytree(trained_run.cache, tmp_path / "cache")
    assert not (folder / "train.json").exists()
    progress = checkpoint.read_progress(folder)
    assert progress is not None
    assert [epoch.epoch for epoch in progress.history] == list(range(1, KILLED_AFTER + 1))
    # Only what the run was started with is needed to go on: no other option is repeated.
    process = start_training(["-o", folder, "--resume"], environment={"EDGEDIGITS_CACHE": str(tmp_path / "cache")})
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert err.startswith(f"going on after epoch {KILLED_AFTER} of {EPOCHS}: model nano, ")
    assert re.findall(r"^epoch (\d+)/", err, re.MULTILINE) == [str(n) for n in range(KILLED_AFTER + 1, EPOCHS + 1)]
    for own, expected in zip(weights(folder), weights(trained_run.folder), strict=True):
        np.testing.assert_array_equal(own, expected)
    resumed = json.loads((folder / "train.json").read_text())
    for figure in ("loss", "accuracy", "validation_loss", "validation_accuracy"):
        assert [epoch[figure] for epoch in resumed["history"]] == [epoch[figure] for epoch in record["history"]]
    for part in ("config", "data", "validation", "test", "paper", "teacher_sha256"):
        assert resumed[part] == record[part], part
    assert {path.name for path in folder.iterdir()} == {path.name for path in trained_run.folder.iterdir()}
    assert out.startswith(f"nano: {resumed['parameters']:,} parameters, 0.13 million MACs an image\n")
    assert "\n  on paper    " in out
    assert "\n  no digits   mean confidence " in out


def test_a_student_s_outputs_are_as_sure_as_what_it_learned_is_softened(
    trained_run: TrainedRun, record: dict[str, Any], splits: Splits
) -> None:
    outputs = predict(keras.saving.load_model(trained_run.folder / "model.keras"), splits.validation.images)
    assert mean_loss(outputs, splits.validation.labels) == pytest.approx(record["validation"]["loss"], rel=1e-4)
    # What was learned, epoch by epoch, is the same with the temperature taken back.
    learned = soften(np.log(outputs), record["config"]["temperature"])
    expected = record["history"][-1]["validation_loss"]
    assert mean_loss(learned, splits.validation.labels) == pytest.approx(expected, rel=1e-4)
    assert expected != pytest.approx(record["validation"]["loss"], rel=0.01)


# A process of its own, which first imports TensorFlow.
def test_interrupt_keeps_the_last_epoch_and_says_how_to_go_on(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    process = start_training(["--model", "mlp", "--epochs", 2000, "-o", folder])
    assert process.stderr is not None
    assert any(line.startswith("epoch    1/2000") for line in process.stderr)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=120)
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


def test_a_run_that_ended_before_its_first_checkpoint_refuses_nothing(tmp_path: Path) -> None:
    (tmp_path / ".checkpoint.keras.abcd1234.part.keras").touch()
    assert find_start(tmp_path, {}, resume=False, overwrite=False).progress is None


def test_an_older_run_stays_until_the_new_one_has_a_checkpoint(trained_run: TrainedRun, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(trained_run.folder, tmp_path / "run"))
    before = sorted(file.name for file in folder.iterdir())
    progress = Progress(resolve({}), "", ())

    class FullDisk:
        def save(self, _: Path) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OutputError, match="No space left"):
        begin_folder(folder, cast("keras.Model", FullDisk()), progress)
    assert sorted(file.name for file in folder.iterdir()) == before


def test_a_checkpoint_is_not_written_through_a_planted_link(tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("kept")
    for name in (".checkpoint.part.keras", "checkpoint.keras"):
        (tmp_path / name).symlink_to("victim")

    class Model:
        def save(self, part: Path) -> None:
            zipfile.ZipFile(part, "w").close()

    save_atomic(tmp_path / "checkpoint.keras", cast("keras.Model", Model()), {"a": "b"})
    assert (tmp_path / "victim").read_text() == "kept"
    assert zipfile.ZipFile(tmp_path / "checkpoint.keras").namelist() == ["a"]


def test_finished_run_is_not_resumed(trained_run: TrainedRun) -> None:
    with pytest.raises(UsageError, match="this run is finished"):
        find_start(trained_run.folder, {}, resume=True, overwrite=False)


def test_resuming_nothing_starts_at_the_beginning(tmp_path: Path) -> None:
    start = find_start(tmp_path / "run", {"epochs": 3}, resume=True, overwrite=False)
    assert start.progress is None
    assert start.config == resolve({"epochs": 3})


def test_resuming_with_other_options_is_refused(tmp_path: Path, splits: Splits) -> None:
    config = resolve({"model": "mlp", "epochs": 2000})
    checkpoint.save_checkpoint(
        tmp_path, new_model(config, TrainingSet.of(splits.train)), Progress(config, "0" * 64, ())
    )
    assert find_start(tmp_path, {"model": "mlp"}, resume=True, overwrite=False).config.epochs == 2000
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(UsageError, match=r"started with --model mlp \(asked: small\), --seed 0 \(asked: 1\)"):
        find_start(tmp_path, {"model": "small", "seed": 1}, resume=True, overwrite=False)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.usefixtures("in_this_process")
@pytest.mark.parametrize("other", ["data", "teacher"])
def test_resuming_with_other_data_or_another_teacher_is_refused(tmp_path: Path, splits: Splits, other: str) -> None:
    files = {"data": tmp_path / "digits.npz", "teacher": tmp_path / "teacher.keras"}
    files["data"].write_bytes(DIGITS.read_bytes())
    files["teacher"].write_bytes(TEACHER.read_bytes())
    folder, seen = tmp_path / "run", []
    given = {"model": "mlp", "epochs": 4, **{name: str(path) for name, path in files.items()}}

    def stop(result: EpochResult, _: object) -> None:
        seen.append(result.epoch)
        raise KeyboardInterrupt

    for epoch in (1, 2):
        start = find_start(folder, given, resume=epoch > 1, overwrite=False)
        with pytest.raises(KeyboardInterrupt):
            train(folder, start, stop, print)
        assert seen[-1] == epoch
    if other == "data":
        data = splits.train
        np.savez(files["data"], images=255 - data.images, labels=data.labels, names=np.array(data.names))
    else:
        files["teacher"].write_bytes(TEACHER.read_bytes() + b"other")
    with pytest.raises(UsageError, match=rf"--resume: {files['data']} or .* is not what this run was started with"):
        train(folder, find_start(folder, {}, resume=True, overwrite=False), stop, print)
    assert seen == [1, 2]


@pytest.mark.usefixtures("in_this_process")
def test_run_that_dies_after_its_last_epoch_is_finished_by_resuming(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, splits: Splits
) -> None:
    folder, seen = tmp_path / "run", []

    def die(*_: object) -> bytes:
        raise MemoryError

    start = find_start(
        folder, {"model": "mlp", "epochs": 1, "data": splits.train.source}, resume=False, overwrite=False
    )
    with monkeypatch.context() as broken:
        broken.setattr(run_module, "_draw_plots", die)
        with pytest.raises(MemoryError):
            train(folder, start, lambda result, config: seen.append(result.epoch), print)
    assert not (folder / "train.json").exists()
    start = find_start(folder, {}, resume=True, overwrite=False)
    finished = train(folder, start, lambda result, config: seen.append(result.epoch), print)
    assert seen == [1]
    assert json.loads((folder / "train.json").read_text())["test"]["correct"] == finished.test.correct


@pytest.mark.usefixtures("in_this_process")
def test_overwriting_replaces_the_run_and_leaves_what_is_not_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    for name in ("train.json", "mistakes.png", "notes.txt"):
        (folder / name).write_text("old")
    words = ["train", "--model", "mlp", "--epochs", "1", "--data", str(DIGITS), "-o", str(folder)]
    assert main(words) == 2
    assert {path.read_text() for path in folder.iterdir()} == {"old"}
    assert main([*words, "--overwrite"]) == 0
    assert capsys.readouterr().out.startswith("mlp: 101,770 parameters, 0.10 million MACs an image\n")
    assert json.loads((folder / "train.json").read_text())["config"]["model"] == "mlp"
    assert (folder / "mistakes.png").read_bytes() == b"drawn"
    assert (folder / "notes.txt").read_text() == "old"


def test_command_line_is_read_without_the_heavy_imports() -> None:
    code = (
        "import argparse, sys; from edgedigits_train import cli; cli.configure(argparse.ArgumentParser()); "
        "print([name for name in ('tensorflow', 'keras', 'numpy', 'matplotlib') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
