from __future__ import annotations

import json
import shutil

import numpy as np

from edgedigits.bundle import Bundle
from edgedigits.datasets import Dataset
from edgedigits.engines import installed_engines
from edgedigits.trust.parity import pairs


def test_agreement_exits_0_and_is_told_row_by_row(proven, command, tmp_path):
    done = command("parity", proven.path, "--data", proven.data, "--json", "-o", tmp_path / "out.json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    bundle = Bundle.load(proven.path)
    assert told == json.loads((tmp_path / "out.json").read_bytes())
    assert (told["bundle"], told["passed"], told["count"]) == (bundle.id, True, len(proven.digits))
    assert [(row["file"], row["engine"]) for row in told["rows"]] == [
        (file.path, engine) for file, engine in pairs(bundle.manifest.files, installed_engines())
    ]
    assert all(row["failed"] == [] and row["comparison"]["flips"] == [] for row in told["rows"])
    assert done.stderr.splitlines() == [f"{row['file']} in {row['engine']}" for row in told["rows"]]


def test_without_data_said_those_of_the_export_are_taken(proven, command):
    done = command("parity", proven.path, "--variant", "int8.tflite")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"cnn, {len(proven.digits)} images of {proven.data}, Keras ")
    assert "passed" in done.stdout
    assert "FAILED" not in done.stdout


def test_a_reference_in_another_order_exits_1(proven, give_reference, command):
    data = Dataset(proven.digits.images, proven.digits.labels, proven.digits.names, str(proven.data))
    give_reference(proven.path, data, np.roll(proven.reference, 1, axis=1))
    done = command("parity", proven.path, "--variant", "int8.tflite")
    assert done.returncode == 1
    assert "FAILED" in done.stdout
    assert "cnn-int8.tflite in litert: agreement 0.0000% < 99.7000%" in done.stdout


def test_an_edited_manifest_exits_2(proven, command, refused):
    file = proven.path / "manifest.json"
    values = json.loads(file.read_bytes())
    values["reference"]["keras"]["correct"] += 1
    file.write_text(json.dumps(values))
    refused(command("parity", proven.path, "--data", proven.data), 2, "manifest.json", "it was edited")


def test_other_data_exit_2(proven, command, refused, tmp_path):
    np.savez(tmp_path / "other.npz", images=proven.digits.images[::-1], labels=proven.digits.labels)
    done = command("parity", proven.path, "--data", tmp_path / "other.npz")
    refused(done, 2, "its reference belongs to", "name the data it was exported with: --data")


def test_a_changed_model_file_fails_its_row_with_2(proven, command):
    data = bytearray((proven.path / "cnn-int8.tflite").read_bytes())
    data[-20] ^= 1
    (proven.path / "cnn-int8.tflite").write_bytes(data)
    done = command("parity", proven.path, "--engine", "litert", "--json")
    assert done.returncode == 2
    rows = {row["file"]: row for row in json.loads(done.stdout)["rows"]}
    assert "expected SHA-256" in rows["cnn-int8.tflite"]["error"]
    assert rows["cnn-float32.tflite"]["exit_code"] == 0


def test_old_and_new_list_the_digits_that_change(proven, command, edit_manifest, tmp_path):
    new = shutil.copytree(proven.path, tmp_path / "new")
    done = command("parity", proven.path, new, "--data", proven.data, "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["old"] == told["new"] == Bundle.load(new).id
    assert told["comparison"]["flips"] == []
    done = command("parity", proven.path, new, "--data", proven.data)
    assert f"{len(proven.digits)} images of {proven.data}: 0 answers change, accuracy " in done.stdout


def test_three_bundles_are_too_many(proven, command, refused):
    refused(command("parity", *[proven.path] * 3), 2, "expected one bundle, or OLD and NEW, found 3")
