"""`edgedigits export` as a user runs it: what the bundle holds, that it is whole, and what is refused."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import onnx
import pytest
from sharing import MadeOnce

from edgedigits.bundle import SHIPPED, Bundle, shipped_bundles
from edgedigits.cli.main import main
from edgedigits.datasets import load_splits
from edgedigits.manifest import PixelScaling
from edgedigits_export.bundle.schema import manifest_schema, schema_text
from edgedigits_export.lazy_imports import quiet

pytestmark = pytest.mark.tensorflow

ROOT = Path(__file__).parents[2]
ALL = {
    "net-float32.tflite", "net-float32.onnx", "net-float16.tflite", "net-dynamic-int8.tflite", "net-int8.tflite",
    "net-int8.onnx", "net-int16x8.tflite",
}  # fmt: skip


DIGITS = ROOT / "tests" / "data" / "digits.npz"
EVERY = ("--variants", "float32,float16,dynamic-int8,int8,int16x8")
EPOCH = "1700000000"


@pytest.fixture(scope="session")
def keras_file(cases: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("keras") / "net.keras"
    with quiet():
        cases["cnn"].frozen.model.save(file)
    return file


def words(keras_file: Path, output: Path, *more: str) -> list[str]:
    return ["export", str(keras_file), "--calibration", str(DIGITS), "-o", str(output), *more]


def export(capfd: Any, keras_file: Path, output: Path, *more: str) -> tuple[int, str, str]:
    """Export in this process, which has TensorFlow already; returns exit code, output and errors."""
    code = main(words(keras_file, output, *more))
    return code, *capfd.readouterr()


# A process of its own imports TensorFlow, converts seven files and runs each in every engine.
@pytest.fixture(scope="session")
def exported(keras_file: Path, made_once: MadeOnce) -> Path:
    """What the command makes, as a process of its own."""

    def run(folder: Path) -> None:
        command = [sys.executable, "-m", "edgedigits.cli.main", *words(keras_file, folder / "bundle", *EVERY)]
        environment = {**os.environ, "SOURCE_DATE_EPOCH": EPOCH}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        # Twenty digits judge: nothing is decided, which is told and stops nothing.
        assert done.returncode == 0, done.stdout + done.stderr
        (why,) = [line for line in done.stdout.splitlines() if "images would tell, 20 do not" in line]
        assert why.count(".tflite") + why.count(".onnx") == 7
        *_, verdict, last = done.stdout.splitlines()
        assert verdict.startswith("UNDECIDED: 7 of 7: ")
        assert re.fullmatch(r"next: give about [\d,]+ labelled images", last)
        assert "FAILED" not in done.stdout
        # What TensorFlow, Keras and the converters would say is no business of the user's.
        told = {line.split()[0] for line in done.stderr.splitlines()}
        assert told == {"asking", "note:", "fitting", "converting", "running"}

    return made_once("exported-net", run) / "bundle"


def test_the_bundle_holds_every_variant_with_hash_accuracy_and_requirements(exported: Path) -> None:
    manifest = Bundle.load(exported).manifest
    assert {file.path for file in manifest.files} == ALL
    assert {entry.name for entry in exported.iterdir()} == ALL | {"manifest.json", "golden.npz", "reference.npz"}
    for file in manifest.files:
        assert hashlib.sha256((exported / file.path).read_bytes()).hexdigest() == file.sha256
        assert (file.image.dtype, file.probabilities.dtype) == ("uint8", "float32")
        assert (file.image.name, file.probabilities.name) == ("image", "probabilities")
        assert file.accuracy.count == 10
        assert file.requirements.engines
    assert manifest.calibration.count == 80
    assert manifest.created == "2023-11-14T22:13:20Z"


def test_every_variant_passes_selftest_in_every_engine(exported: Path) -> None:
    assert main(["selftest", str(exported)]) == 0


def test_the_manifest_fits_the_committed_schema_which_is_that_of_its_types(exported: Path) -> None:
    committed = (ROOT / "runtime/edgedigits/manifest.schema.json").read_text()
    assert committed == schema_text()
    for bundle in (exported, *(SHIPPED / name for name in shipped_bundles())):
        jsonschema.validate(json.loads((bundle / "manifest.json").read_text()), json.loads(committed))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda values: values.pop("labels"),
        lambda values: values.update(surprise=1),
        lambda values: values.update(schema=1),
        lambda values: values["files"][0].update(sha256="0"),
        lambda values: values["files"][0].update(path="../net.tflite"),
        lambda values: values["files"][0].update(bytes=-1),
        lambda values: values["files"][0].update(precision="int4"),
        lambda values: values.update(image=[28, 28]),
    ],
)
def test_the_schema_refuses_what_is_no_manifest(exported: Path, spoil: Any) -> None:
    values = json.loads((exported / "manifest.json").read_text())
    spoil(values)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(values, manifest_schema())


def test_the_same_model_and_seed_give_the_same_bytes_in_another_process(
    exported: Path, keras_file: Path, tmp_path: Path, capfd: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    again = tmp_path / "again"
    monkeypatch.setenv("SOURCE_DATE_EPOCH", EPOCH)
    assert export(capfd, keras_file, again, *EVERY)[0] == 0
    for entry in exported.iterdir():
        assert entry.read_bytes() == (again / entry.name).read_bytes(), entry.name


def test_onnx_files_carry_labels_and_contract(exported: Path) -> None:
    model = onnx.load(exported / "net-int8.onnx")
    properties = {entry.key: entry.value for entry in model.metadata_props}
    assert json.loads(properties["labels"]) == list("0123456789")
    assert properties["precision"] == "int8"
    assert "uint8 [N, 28, 28, 1]" in properties["input"]


def test_golden_inputs_are_blends_digits_and_patterns_with_every_files_outputs(exported: Path) -> None:
    golden = Bundle.load(exported).golden()
    assert len(golden.images) == 10 + 32 + 3 + 2
    assert set(golden.expected) == ALL
    first = next(iter(golden.expected["net-float32.tflite"].values()))
    top = np.sort(first, axis=1)
    margins = top[:, -1] - top[:, -2]
    assert margins[:20:2].mean() < 0.5 * margins[1:20:2].mean()
    assert [int(image.max()) for image in golden.images[42:45]] == [0, 255, 255]
    kinds = sorted(data[:4] for data in golden.pictures.values())
    assert kinds == [b"\x89PNG", b"\xff\xd8\xff\xe0"]


def test_the_reference_is_keras_on_images_that_neither_calibrated_nor_judged(
    exported: Path, cases: dict[str, Any]
) -> None:
    bundle = Bundle.load(exported)
    splits = load_splits(str(DIGITS), lambda path: None)
    assert bundle.manifest.reference.dataset_sha256 == splits.test.sha256()
    np.testing.assert_allclose(bundle.reference(), cases["cnn"].frozen.predict(splits.test.images), atol=1e-6)


def test_an_existing_bundle_is_refused_before_any_work_and_left_alone(
    exported: Path, tmp_path: Path, capfd: Any
) -> None:
    kept = Path(shutil.copytree(exported, tmp_path / "kept"))
    code, _, told = export(capfd, tmp_path / "no-such.keras", kept)
    assert code == 2
    assert "exists already" in told
    assert {entry.name: entry.read_bytes() for entry in kept.iterdir()} == {
        entry.name: entry.read_bytes() for entry in exported.iterdir()
    }


# TensorFlow has to be imported in a process of its own, whose files may not grow.
def test_a_full_disk_leaves_no_bundle_and_an_older_one_whole(exported: Path, keras_file: Path, tmp_path: Path) -> None:
    kept = Path(shutil.copytree(exported, tmp_path / "kept"))
    before = (kept / "manifest.json").read_bytes()
    # A limit on the size of a file is what a full disk looks like to the process: writes fail half way.
    script = (
        "import resource, signal, sys; from edgedigits.cli.main import main;"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000));"
        "words, new, kept = sys.argv[3:], *sys.argv[1:3];"
        "print(main([*words, '-o', new]), main([*words, '-o', kept, '--overwrite']))"
    )
    # A measurement of coverage could not write its own file under that limit, and would say so.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    options = ["export", keras_file, "--calibration", DIGITS, "--variants", "float32.tflite"]
    command = [sys.executable, "-c", script, tmp_path / "new", kept, *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.stdout.splitlines()[-1] == "2 2", done.stderr
    for place in (tmp_path / "new", kept):
        assert f"\nedgedigits: {place}: cannot be written" in done.stderr
    assert "Traceback" not in done.stderr
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["kept"]
    assert (kept / "manifest.json").read_bytes() == before
    Bundle.load(kept)


def test_a_variant_that_fails_its_gate_is_told_with_exit_code_1(
    cases: dict[str, Any], tmp_path: Path, capfd: Any
) -> None:
    import keras

    # The weight of a pixel that is always black, 3,000 times the others: eight bits leave nothing for the rest.
    with quiet():
        model = keras.models.clone_model(cases["vector"].frozen.model)
        model.set_weights(cases["vector"].frozen.model.get_weights())
        kernel, bias = model.layers[0].get_weights()
        kernel[0] = 3000 * np.abs(kernel).max()
        model.layers[0].set_weights([kernel, bias])
        model.save(tmp_path / "spiked.keras")
    variants = ("--variants", "float32.tflite,int8.tflite", "--scale", "1/255", "--no-repair")
    code, said, told = export(capfd, tmp_path / "spiked.keras", tmp_path / "bundle", *variants)
    assert code == 1, told
    assert "spiked-int8.tflite: on 20 images accuracy changes by -" in said
    assert "take float16, or see with --variants dynamic-int8 whether the weights or the ranges are the cause" in said
    assert Bundle.load(tmp_path / "bundle").manifest.files


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--variants", "int4"], 2, "variant 'int4': expected float32, float16"),
        (["--variants", "float16.onnx"], 2, "expected float32 or int8 for ONNX, found float16"),
        (["--variants", ","], 2, "expected at least one of"),
        (["--labels", "three.txt"], 2, "three.txt: expected 10 labels, one for each class of the model, found 3"),
        (["--labels", "none.txt"], 2, "none.txt: expected a text file"),
        (["--calibration", "nowhere"], 2, "expected 'mnist', a folder with one sub-folder per label"),
        (["--calibration", "colour.npz"], 2, "expected images [28, 28, 1] for this model, found [32, 32, 3]"),
        (["--scale", "0"], 2, "--scale"),
        (["--opset", "3"], 2, "opset"),
    ],
)
def test_what_cannot_be_exported_is_refused_in_one_line(
    keras_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: Any,
    words: list[str],
    code: int,
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("three.txt").write_text("a\nb\nc\n")
    np.savez("colour.npz", images=np.zeros((20, 32, 32, 3), np.uint8), labels=np.arange(20) % 2)
    data = ["--calibration", str(DIGITS)]
    assert main(["export", str(keras_file), *data, "-o", "bundle", *words]) == code
    told = capfd.readouterr().err.strip().splitlines()[-1]
    assert told.startswith("edgedigits: ")
    assert said in told
    assert not Path("bundle").exists()


def test_a_model_that_needs_scaling_gets_it_from_the_options(cases: dict[str, Any], tmp_path: Path, capfd: Any) -> None:
    frozen = cases["separable"].frozen
    with quiet():
        frozen.model.save(tmp_path / "net.keras")
    scaling = ("--scale", "1/255", "--mean", "0.1307", "--std", "0.3081")
    code, _, told = export(capfd, tmp_path / "net.keras", tmp_path / "bundle", "--variants", "float32.tflite", *scaling)
    assert code == 0, told
    bundle = Bundle.load(tmp_path / "bundle")
    splits = load_splits(str(DIGITS), lambda path: None)
    np.testing.assert_allclose(bundle.reference(), frozen.predict(splits.test.images), atol=1e-5)
    # The bundle remembers it, so that its layers can be compared with the model's later.
    assert bundle.manifest.scaling == PixelScaling(1 / 255, (0.1307,), (0.3081,), bgr=False)
    parity = ["parity", tmp_path / "bundle", "--data", DIGITS, "--json", "--per-layer", tmp_path / "net.keras"]
    assert main(list(map(str, parity))) == 0
    assert json.loads(capfd.readouterr().out)["passed"]


def test_a_model_whose_outputs_are_nan_is_not_exported(keras_file: Path, tmp_path: Path, capfd: Any) -> None:
    import keras

    with quiet():
        model = keras.models.load_model(keras_file)
        kernel, bias = model.layers[-1].get_weights()
        model.layers[-1].set_weights([kernel, np.full_like(bias, np.nan)])
        model.save(tmp_path / "nan.keras")
    code, _, told = export(capfd, tmp_path / "nan.keras", tmp_path / "bundle", "--variants", "float32.tflite")
    assert code == 2
    assert "expected probabilities, found NaN in Keras' outputs for" in told.splitlines()[-1]
    assert not (tmp_path / "bundle").exists()
