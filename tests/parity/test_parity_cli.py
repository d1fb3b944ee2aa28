from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from edgedigits.bundle import Bundle
from edgedigits.datasets import Dataset
from edgedigits.engines import installed_engines
from edgedigits.verification.parity import pairs

pytestmark = pytest.mark.slow


@pytest.fixture
def engine() -> str:
    """One that is installed: the command tells the same of each, and test_parity.py runs all."""
    return installed_engines()[0]


def test_agreement_exits_0_and_is_reported_row_by_row(proven, command, tmp_path):
    done = command("parity", proven.path, "--data", proven.data, "--json", "-o", tmp_path / "out.json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    bundle = Bundle.load(proven.path)
    assert report == json.loads((tmp_path / "out.json").read_bytes())
    assert (report["bundle"], report["passed"], report["count"]) == (bundle.id, True, len(proven.digits))
    assert [(row["file"], row["engine"]) for row in report["rows"]] == [
        (file.path, engine) for file, engine in pairs(bundle.manifest.files, installed_engines())
    ]
    assert all(row["verdict"]["outcome"] == "passed" and row["verdict"]["reasons"] == [] for row in report["rows"])
    assert (report["not_compared"], report["saved"]) == (None, [])
    for row in report["rows"]:
        figures = row["comparison"]
        assert figures["drop_ci95"][0] <= figures["drop"] <= figures["drop_ci95"][1] <= 0.2
        assert 0 <= figures["mcnemar_p"] <= 1
        assert figures["kl"] >= 0
        assert [one["label"] for one in figures["per_class"]] == list(range(10))
        assert all(len(flip["answer"]) == len(flip["reference"]) == 10 for flip in figures["flips"])
    assert done.stderr.splitlines() == [f"{row['file']} in {row['engine']}" for row in report["rows"]]


def test_without_data_said_those_of_the_export_are_taken(proven, run_here):
    done = run_here("parity", proven.path, "--variant", "int8.tflite")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"small, {len(proven.digits):,} images of {proven.data}, Keras ")
    said, then = done.stdout.splitlines()[-2:]
    assert said.startswith("all passed: at most ")
    assert then == f"next: edgedigits bench {proven.path} --recommend"
    assert "FAILED" not in done.stdout
    assert max(map(len, done.stdout.splitlines()[2:])) <= 120


def test_a_reference_in_another_order_exits_1(proven, give_reference, run_here):
    data = Dataset(proven.digits.images, proven.digits.labels, proven.digits.names, str(proven.data))
    give_reference(proven.path, data, np.roll(proven.reference, 1, axis=1))
    done = run_here("parity", proven.path, "--variant", "int8.tflite")
    assert done.returncode == 1
    assert "FAILED" in done.stdout
    assert (
        "small-int8.tflite in litert, small-int8.tflite in tflite-runtime: agreement 0.0000% < 99.7000%" in done.stdout
    )


@pytest.fixture
def few(proven, give_reference):
    """The same bundle with a reference for its first 90 digits."""

    def keep(change=lambda reference: reference):
        data = proven.digits.take(np.arange(90))
        np.savez(proven.data, images=data.images, labels=data.labels)
        named = Dataset(data.images, data.labels, data.names, str(proven.data))
        return give_reference(proven.path, named, change(proven.reference[:90].copy()))

    return keep


def test_too_few_digits_are_told_with_how_many_are_needed_and_exit_with_4_if_strict(proven, few, run_here):
    few()
    done = run_here("parity", proven.path, "--variant", "int8.tflite")
    assert done.returncode == 0, done.stderr
    assert run_here("parity", proven.path, "--variant", "int8.tflite", "--strict").returncode == 4
    assert "UNDECIDED" in done.stdout
    files = "small-int8.tflite in litert, small-int8.tflite in tflite-runtime"
    assert f"{files}: too few images to tell: 90, where int8 needs at least 1,917" in done.stdout
    report = json.loads(run_here("parity", proven.path, "--json").stdout)
    assert report["passed"] is False
    for row in report["rows"]:
        decided = row["precision"] == "float32"
        assert (row["exit_code"], row["verdict"]["outcome"]) == (0, "passed" if decided else "undecided")


def test_a_margin_takes_the_place_of_the_gate_of_the_export(proven, few, run_here):
    """The shipped models' gate asks for 1,917 digits; 800 without a change keep half a point's margin."""
    few()
    done = run_here("parity", proven.path, "--variant", "int8.tflite", "--margin", "5")
    assert done.returncode == 0, done.stderr
    assert "UNDECIDED" not in done.stdout
    assert "passed" in done.stdout
    done = run_here("parity", proven.path, "--variant", "int8.tflite", "--margin", "0.5")
    assert "may fall by 4.09, margin 0.5; about 780 images would tell, 90 do not" in done.stdout


@pytest.mark.parametrize("margin", ["0", "-1", "100", "nan"])
def test_a_margin_that_is_none_is_refused(proven, run_here, refused, margin):
    refused(run_here("parity", proven.path, f"--margin={margin}"), 2, "--margin: expected percentage points above 0")


def test_a_failure_that_few_digits_show_exits_1(proven, few, run_here):
    few(lambda reference: np.roll(reference, 1, axis=1))
    done = run_here("parity", proven.path, "--variant", "int8.tflite")
    assert done.returncode == 1, done.stderr
    assert "agreement 0.0000%, at best 4.0936% < 99.7000%" in done.stdout


def test_a_failure_wins_over_too_few_in_one_run(proven, few, run_here):
    def one_wrong(reference):
        reference[0] = np.roll(reference[0], 1)
        return reference

    few(one_wrong)
    done = run_here("parity", proven.path, "--json", "--strict")
    outcomes = {row["precision"]: row["verdict"]["outcome"] for row in json.loads(done.stdout)["rows"]}
    assert outcomes == {"float32": "failed", "int8": "undecided"}
    assert done.returncode == 1


def test_outputs_saved_without_a_reference_are_compared_where_one_is(proven, run_here, tmp_path, engine):
    board = shutil.copytree(proven.path, tmp_path / "board")
    (board / "reference.npz").unlink()
    words = ("--data", proven.data, "--engine", engine)
    done = run_here("parity", board, *words, "--save-outputs", "saved", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["passed"] is None
    assert "holds no reference.npz to compare with" in report["not_compared"]
    assert report["saved"] == [f"saved/{row['file']}.{engine}.npz" for row in report["rows"]]
    assert all(row["comparison"] is row["verdict"] is None for row in report["rows"])
    on_host = run_here("parity", proven.path, "--outputs", *report["saved"], "--json")
    assert on_host.returncode == 0, on_host.stderr
    assert on_host.stderr == ""
    here = run_here("parity", proven.path, *words, "--json")
    machine = json.loads(here.stdout)["machine"]
    wanted = [row | {"machine": machine} for row in json.loads(here.stdout)["rows"]]
    assert json.loads(on_host.stdout)["rows"] == wanted


def test_saved_files_are_listed_and_not_replaced(proven, run_here, refused, tmp_path):
    words = ("parity", proven.path, "--variant", "int8.tflite", "--engine", "litert", "--save-outputs", "saved")
    done = run_here(*words)
    assert done.returncode == 0, done.stderr
    assert "passed" in done.stdout
    assert done.stdout.splitlines()[-4] == "outputs: saved/small-int8.tflite.litert.npz"
    refused(run_here(*words), 2, "saved/small-int8.tflite.litert.npz: exists already")
    assert run_here(*words, "--overwrite").returncode == 0
    (tmp_path / "file").write_text("")
    done = run_here(*words[:-1], "file")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("edgedigits: file/small-int8.tflite.litert.npz: cannot be written")


def test_outputs_for_other_data_are_saved_but_not_compared_with_the_reference(proven, run_here, refused, tmp_path):
    np.savez(tmp_path / "other.npz", images=proven.digits.images[::-1], labels=proven.digits.labels[::-1])
    words = ("--variant", "int8.tflite", "--engine", "litert", "--save-outputs", "saved")
    done = run_here("parity", proven.path, "--data", "other.npz", *words)
    assert done.returncode == 0, done.stderr
    assert "nothing was compared: " in done.stdout
    done = run_here("parity", proven.path, "--outputs", "saved/small-int8.tflite.litert.npz")
    refused(done, 2, "outputs for 'other.npz'", "run both with the same data")


def test_outputs_of_another_model_are_refused(proven, run_here, refused, tmp_path, edit_manifest):
    words = ("--variant", "int8.tflite", "--engine", "litert", "--save-outputs", "saved")
    assert run_here("parity", proven.path, *words).returncode == 0
    new = shutil.copytree(proven.path, tmp_path / "new")

    def change(values):
        for file in values["files"]:
            file["sha256"] = "0" * 64

    edit_manifest(new, change)
    done = run_here("parity", new, "--outputs", "saved/small-int8.tflite.litert.npz")
    refused(done, 2, "outputs of small-int8.tflite", "the given bundle has 000000000000 under that name")


def test_a_file_that_holds_no_outputs_is_refused(proven, run_here, refused):
    refused(run_here("parity", proven.path, "--outputs", proven.data), 2, "expected outputs that parity --save-outputs")


@pytest.mark.parametrize("words", [["--save-outputs", "b"], ["--variant", "int8"], ["--engine", "litert"]])
def test_outputs_and_a_run_exclude_each_other(proven, run_here, refused, words):
    refused(
        run_here("parity", proven.path, "--outputs", "a.npz", *words), 2, "--outputs runs nothing: expected no --save"
    )


@pytest.mark.parametrize("option", ["--save-outputs", "--outputs"])
def test_two_bundles_have_no_outputs(proven, run_here, refused, option):
    refused(run_here("parity", proven.path, proven.path, option, "a"), 2, "expected OLD NEW alone, or one bundle with")


def test_an_edited_manifest_exits_2(proven, run_here, refused):
    file = proven.path / "manifest.json"
    values = json.loads(file.read_bytes())
    values["reference"]["accuracy"]["correct"] += 1
    file.write_text(json.dumps(values))
    refused(run_here("parity", proven.path, "--data", proven.data), 2, "manifest.json", "it was edited")


def test_other_data_exit_2(proven, run_here, refused, tmp_path):
    np.savez(tmp_path / "other.npz", images=proven.digits.images[::-1], labels=proven.digits.labels)
    done = run_here("parity", proven.path, "--data", tmp_path / "other.npz")
    refused(done, 2, "its reference belongs to", "give the data of its export (--data), or its Keras model")


def test_a_changed_model_file_fails_its_row_with_2(proven, run_here):
    data = bytearray((proven.path / "small-int8.tflite").read_bytes())
    data[-20] ^= 1
    (proven.path / "small-int8.tflite").write_bytes(data)
    done = run_here("parity", proven.path, "--engine", "litert", "--json")
    assert done.returncode == 2
    rows = {row["file"]: row for row in json.loads(done.stdout)["rows"]}
    assert "expected SHA-256" in rows["small-int8.tflite"]["error"]
    assert rows["small-float32.tflite"]["exit_code"] == 0


def test_old_and_new_list_the_digits_that_change(proven, run_here, edit_manifest, tmp_path):
    new = shutil.copytree(proven.path, tmp_path / "new")
    done = run_here("parity", proven.path, new, "--data", proven.data, "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["old"] == report["new"] == Bundle.load(new).id
    assert report["comparison"]["flips"] == []
    done = run_here("parity", proven.path, new, "--data", proven.data)
    assert f"{len(proven.digits)} images of {proven.data}: 0 labels change, accuracy " in done.stdout


def test_three_bundles_are_too_many(proven, run_here, refused):
    refused(run_here("parity", *[proven.path] * 3), 2, "expected one bundle, or OLD and NEW, found 3")
