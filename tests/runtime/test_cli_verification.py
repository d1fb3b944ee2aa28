from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest

from edgedigits.bundle import Bundle
from edgedigits.cli.half_blocks import draw
from edgedigits.console.output import Output
from edgedigits.console.tables import table
from edgedigits.engines import ENGINES, installed_engines
from edgedigits.errors import OutputError
from edgedigits.verification.parity import pairs

pytestmark = pytest.mark.slow


def test_show_prints_the_model_card(command, shipped, tmp_path):
    done = command("show")
    assert (done.returncode, done.stderr) == (0, "")
    for part in (
        shipped.id[:12],
        "uint8 [N, 28, 28, 1], raw pixels; digit/2",
        "float32 [N, 10]: 0, 1, 2",
        "calibrated on",
    ):
        assert part in done.stdout
    for file in shipped.manifest.files:
        assert f"{file.bytes:,}" in done.stdout
        assert f"{file.accuracy.top1:.2%}" in done.stdout
    done = command("show", "small", "--json", "-o", tmp_path / "out")
    assert json.loads(done.stdout) == json.loads((shipped.path / "manifest.json").read_bytes())
    assert json.loads((tmp_path / "out").read_bytes()) == json.loads(done.stdout)


def test_show_of_a_model_trained_elsewhere_says_so(run_here, bundle_copy, edit_manifest):
    edit_manifest(bundle_copy, lambda values: values.update(training=None))
    assert "training: unknown" in run_here("show", bundle_copy).stdout
    for training, told in (
        (
            {"config": {"batch_size": 3}, "validation": {"accuracy": 0.5}},
            "trained with batch size 3; validation 50.00%",
        ),
        ({"config": [1], "validation": {"accuracy": "good"}}, "trained with an unknown configuration"),
    ):
        edit_manifest(bundle_copy, lambda values, training=training: values.update(training=training))
        assert run_here("show", bundle_copy).stdout.splitlines()[-1] == told


def test_show_of_a_lone_file_tells_its_tensors(run_here, shipped, engine):
    path = shipped.path / f"small-int8.{ENGINES[engine].format}"
    told = json.loads(run_here("show", path, "--json").stdout)
    assert told["bytes"] == path.stat().st_size
    assert [(one["name"], one["dtype"]) for one in told["inputs"] + told["outputs"]] == [
        ("image", "uint8"), ("probabilities", "float32"),
    ]  # fmt: skip
    text = run_here("show", path).stdout
    assert "in   image  uint8 [" in text
    assert "labels, accuracy and golden outputs are not known" in text


def test_show_of_a_bundle_with_a_changed_file_is_refused(run_here, bundle_copy, refused):
    (bundle_copy / "small-int8.onnx").write_bytes(b"other")
    refused(run_here("show", bundle_copy), 2, "small-int8.onnx: expected SHA-256")


def test_selftest_answers_the_golden_inputs_everywhere(command, shipped, tmp_path):
    done = command("selftest", "--json", "-o", tmp_path / "out")
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    assert told == json.loads((tmp_path / "out").read_bytes())
    assert told["bundle"] == shipped.id
    rows = [(row["file"], row["engine"]) for row in told["rows"]]
    assert rows == [(file.path, engine) for file, engine in pairs(shipped.manifest.files, installed_engines())]
    assert all(row["result"]["wrong"] == [] and row["error"] is None for row in told["rows"])


def test_selftest_of_one_variant_in_one_engine(run_here, engine):
    done = run_here("selftest", "--variant", "int8", "--engine", engine)
    assert done.returncode == 0
    exact, said, then = done.stdout.splitlines()
    assert exact == "1 of 1 give the recorded outputs exactly"
    assert said.startswith(
        f"all passed: 1 file in 1 engine ({engine}) answer 47 golden inputs and 2 pictures as recorded"
    )
    assert then == "next: edgedigits classify PICTURE"


def test_selftest_exits_with_the_worst_of_its_rows(run_here, bundle_copy):
    (bundle_copy / "small-int8.tflite").write_bytes(b"other")
    done = run_here("selftest", bundle_copy)
    assert done.returncode == 2
    tflite = [name for name in installed_engines() if ENGINES[name].format == "tflite"]
    count = len(pairs(Bundle.load(bundle_copy).manifest.files, installed_engines()))
    names = ", ".join(f"small-int8.tflite in {name}" for name in tflite)
    assert done.stdout.splitlines()[-1] == f"FAILED: {len(tflite)} of {count}: {names}"
    assert done.stdout.count("expected SHA-256") == len(tflite)
    assert "passed" not in done.stdout


def test_selftest_lays_out_what_answers_otherwise_and_says_it_last(run_here, bundle_copy, edit_manifest):
    """Other outputs are recorded than the files give: what failed has a row with figures."""
    file = Bundle.load(bundle_copy).manifest.files[0]
    golden = dict(np.load(bundle_copy / "golden.npz"))
    for name in [name for name in golden if name.endswith(file.path)]:
        golden[name] = np.roll(golden[name], 1, axis=1)
    np.savez(bundle_copy / "golden.npz", **golden)
    digest = hashlib.sha256((bundle_copy / "golden.npz").read_bytes()).hexdigest()
    edit_manifest(bundle_copy, lambda values: values["golden"]["file"].update(sha256=digest))
    done = run_here("selftest", bundle_copy)
    assert done.returncode == 1
    head, _, row, *_, said, cure = done.stdout.splitlines()
    assert head.split()[:3] == ["file", "engine", "wrong"]
    assert row.split()[0] == file.path
    assert said.startswith("FAILED: ")
    assert cure.startswith("do not use on this machine what failed")


def test_a_variant_that_no_chosen_engine_reads_exits_3(run_here, refused, engine):
    other = "onnx" if ENGINES[engine].format == "tflite" else "tflite"
    done = run_here("selftest", "--variant", f"int8.{other}", "--engine", engine)
    refused(done, 3, f"expected an engine that reads small-int8.{other}, found {engine}")


@pytest.mark.parametrize("name", ["selftest", "parity", "bench"])
def test_a_variant_that_is_not_there_exits_2(name, run_here, refused, proven):
    words = ["--data", proven.data] if name == "parity" else []
    refused(run_here(name, proven.path, "--variant", "float16", *words), 2, "expected a variant float16, found only")


def test_a_table_reads_without_colour():
    text = table(["name", "size"], [["a", "1,000"], ["long name", "7"]])
    assert text == "name        size\n---------  -----\na          1,000\nlong name      7"
    assert table(["a", "b"], []) == "a  b\n-  -"


def output(path, *, json_=False, overwrite=False):
    return Output(json=json_, file=path, overwrite=overwrite)


def test_a_result_is_printed_for_eyes_or_as_json_and_stored(tmp_path, capsys):
    output(tmp_path / "a").give({"x": 1}, "text")
    assert capsys.readouterr().out == "text\n"
    assert json.loads((tmp_path / "a").read_text()) == {"x": 1}
    output(None, json_=True).give({"x": 1}, "text")
    assert capsys.readouterr().out == '{"x": 1}\n'
    with pytest.raises(OutputError, match="exists already"):
        output(tmp_path / "a").refuse_existing()
    output(tmp_path / "a", overwrite=True).refuse_existing()
    output(None).refuse_existing()


def test_an_odd_last_row_is_drawn_on_black():
    lines = draw(np.full((3, 2), 200, np.uint8)).splitlines()
    assert len(lines) == 2
    assert lines[1].count("\x1b[38;2;200;200;200;48;2;0;0;0m▀") == 2
    colour = np.zeros((2, 1, 3), np.uint8)
    colour[0, 0] = (1, 2, 3)
    assert draw(colour) == "\x1b[38;2;1;2;3;48;2;0;0;0m▀\x1b[0m"


def test_the_number_of_threads_reaches_the_engine(run_here, proven):
    name = installed_engines()[0]
    for words in (["selftest", proven.path], ["parity", proven.path, "--data", proven.data]):
        done = run_here(*words, "--engine", name, "--threads", "0")
        assert done.returncode == 2
        assert "expected at least 1 thread, found 0" in done.stdout
