from __future__ import annotations

import hashlib
import json
import shutil

import numpy as np
import pytest

from edgedigits.bundle import SHIPPED, Bundle, find_bundle, shipped_bundles, split_variant
from edgedigits.errors import BundleError


def test_nothing_said_means_the_bundle_in_the_package(shipped):
    assert Bundle.load().path == SHIPPED / "small"
    assert Bundle.load("small").id == shipped.id == shipped.manifest.id
    assert "small" in shipped_bundles()
    assert shipped_bundles() == sorted(shipped_bundles())


def test_a_path_is_loaded_as_text_or_path(bundle_copy, shipped):
    assert Bundle.load(bundle_copy).id == shipped.id
    assert Bundle.load(str(bundle_copy)).path == bundle_copy


def test_a_folder_here_goes_before_a_shipped_name(bundle_copy, monkeypatch):
    bundle_copy.rename(bundle_copy.parent / "small")
    monkeypatch.chdir(bundle_copy.parent)
    assert find_bundle("small").resolve() == bundle_copy.parent / "small"


@pytest.mark.parametrize(
    ("name", "found"),
    [("nothing", "no such file or folder"), ("empty", "empty without a manifest.json in it"),
     ("file", "file without a manifest.json in it")],
)  # fmt: skip
def test_a_place_without_a_bundle_is_refused_with_what_could_be_said(tmp_path, name, found):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(BundleError) as caught:
        Bundle.load(tmp_path / name)
    assert str(caught.value) == (
        f"{tmp_path / name}: expected a bundle's folder, a .tflite or .onnx file, or one of the shipped bundles "
        f"({', '.join(shipped_bundles())}), found {found}"
    )


def test_every_file_is_read_once_its_hash_is_right(shipped):
    for file in (*shipped.manifest.files, shipped.manifest.golden.file):
        assert shipped.read(file) == (shipped.path / file.path).read_bytes()
    for file in shipped.manifest.files:
        assert len(shipped.read(file)) == file.bytes


def test_one_changed_bit_is_refused_with_the_numbers(bundle_copy):
    bundle = Bundle.load(bundle_copy)
    file = bundle.manifest.files[0]
    place = bundle_copy / file.path
    data = bytearray(place.read_bytes())
    data[len(data) // 2] ^= 1
    place.write_bytes(data)
    with pytest.raises(BundleError) as caught:
        bundle.read(file)
    text = str(caught.value)
    assert text.startswith(f"{place}: expected SHA-256 {file.sha256[:16]}..., found ")
    assert text.endswith(
        f"... over {len(data)} bytes; the file is not the one that was exported: copy or export the bundle again"
    )


@pytest.mark.parametrize("name", ["small-int8.tflite", "golden.npz"])
def test_a_file_that_is_gone_is_told(bundle_copy, name):
    bundle = Bundle.load(bundle_copy)
    (bundle_copy / name).unlink()
    (bundle_copy / name).mkdir()
    ask = bundle.golden if name == "golden.npz" else lambda: bundle.read(bundle.pick("int8.tflite", ["tflite"]))
    with pytest.raises(BundleError) as caught:
        ask()
    assert str(caught.value) == f"{bundle_copy / name}: cannot be read (Is a directory); is the bundle whole?"


def test_a_broken_manifest_is_named_by_its_path(bundle_copy):
    (bundle_copy / "manifest.json").write_text("{")
    with pytest.raises(BundleError) as caught:
        Bundle.load(bundle_copy)
    assert str(caught.value).startswith(f"{bundle_copy / 'manifest.json'}: expected a JSON manifest")


@pytest.mark.parametrize(
    ("variant", "formats", "path"),
    [
        (None, ["tflite", "onnx"], "small-int8.tflite"),
        (None, ["onnx", "tflite"], "small-int8.onnx"),
        (None, ["onnx"], "small-int8.onnx"),
        ("int8", ["tflite", "onnx"], "small-int8.tflite"),
        ("int8", ["onnx"], "small-int8.onnx"),
        ("int8.onnx", ["tflite", "onnx"], "small-int8.onnx"),
        ("int8.tflite", ["onnx", "tflite"], "small-int8.tflite"),
        ("float32", ["onnx", "tflite"], "small-float32.tflite"),
        ("float32.tflite", ["tflite"], "small-float32.tflite"),
        ("static_wi8_ai8", ["tflite"], "small-int8.tflite"),
        ("static_wi8_ai8.onnx", ["tflite", "onnx"], "small-int8.onnx"),
    ],
)
def test_a_variant_is_picked_in_the_first_format_that_has_it(shipped, variant, formats, path):
    assert shipped.pick(variant, formats).path == path


@pytest.mark.parametrize(
    ("variant", "formats", "asked"),
    [
        ("float16", ["tflite", "onnx"], "float16 as tflite or onnx"),
        ("float32", ["onnx"], "float32 as onnx"),
        ("int8.onnx", ["tflite"], "int8.onnx as tflite"),
        ("dynamic_wi8_afp32", ["tflite"], "dynamic_wi8_afp32 as tflite"),
    ],
)
def test_a_variant_that_is_not_there_is_answered_with_those_that_are(shipped, variant, formats, asked):
    with pytest.raises(BundleError) as caught:
        shipped.pick(variant, formats)
    there = [file.precision + "." + file.format for file in shipped.manifest.files]
    assert str(caught.value) == f"{shipped.path}: expected a variant {asked}, found only {', '.join(there)}"


def test_without_int8_the_first_file_of_the_format_is_the_default(bundle_copy, edit_manifest):
    def drop(values):
        values["files"] = [file for file in values["files"] if file["path"] != "small-int8.onnx"]

    assert edit_manifest(bundle_copy, drop).pick(None, ["tflite"]).path == "small-int8.tflite"
    with pytest.raises(BundleError, match=r"expected a variant int8 as onnx, found only int8.tflite, float32.tflite"):
        Bundle.load(bundle_copy).pick(None, ["onnx"])

    def keep_float(values):
        values["files"] = [file for file in values["files"] if file["precision"] == "float32"]

    assert edit_manifest(bundle_copy, keep_float).pick(None, ["onnx", "tflite"]).path == "small-float32.tflite"


@pytest.mark.parametrize(
    ("variant", "parts"),
    [
        ("int8", ("int8", None)), ("int8.onnx", ("int8", "onnx")), ("dynamic-int8.tflite", ("dynamic-int8", "tflite")),
        ("int16x8", ("int16x8", None)), ("float16", ("float16", None)), ("float32.onnx", ("float32", "onnx")),
        ("dynamic_wi8_afp32", ("dynamic-int8", None)), ("static_wi8_ai8.tflite", ("int8", "tflite")),
        ("static_wi8_ai16", ("int16x8", None)),
    ],
)  # fmt: skip
def test_a_variant_is_a_precision_with_or_without_a_format(variant, parts):
    assert split_variant(variant) == parts


@pytest.mark.parametrize("variant", ["", "int4", "INT8", "int8.pb", "int-8", ".onnx", "int8.tflite.onnx"])
def test_a_misspelt_variant_is_not_guessed(variant):
    with pytest.raises(BundleError) as caught:
        split_variant(variant)
    assert str(caught.value) == (
        f"variant {variant!r}: expected float32, float16, dynamic-int8, int8, int16x8, with or without .tflite or .onnx"
    )


def test_golden_inputs_come_with_every_witnesss_answers_with_every_file(shipped):
    golden = shipped.golden()
    count = shipped.manifest.golden.file.count
    assert golden.images.shape == (count, 28, 28, 1)
    assert golden.images.dtype == np.uint8
    assert set(golden.expected) == {file.path for file in shipped.manifest.files}
    for file in shipped.manifest.files:
        told = golden.expected[file.path]
        engines = ["litert", "tflite-runtime"] if file.format == "tflite" else ["onnxruntime"]
        assert [reference.engine for reference in told] == engines
        for answers in told.values():
            assert answers.shape == (count, 10)
            assert answers.min() >= 0
            assert answers.sum(axis=1).max() <= 1 + 1e-5
    assert golden.pictures
    assert all(0 <= index < count and isinstance(data, bytes) for index, data in golden.pictures.items())
    assert {data[:4] for data in golden.pictures.values()} <= {b"\x89PNG", b"\xff\xd8\xff\xe0"}


def test_the_reference_is_read_or_left_out(bundle_copy, shipped, edit_manifest):
    if (shipped.path / "reference.npz").exists():  # a wheel has none
        assert shipped.reference().shape == (shipped.manifest.reference.accuracy.count, 10)
    bundle = edit_manifest(bundle_copy, lambda values: values["reference"].update(file=None))
    assert bundle.reference() is None


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("images", None, "images [{n}, 28, 28, 1], found nothing"),
        ("images", np.zeros((2, 28, 28, 1), np.uint8), "images [{n}, 28, 28, 1], found [2, 28, 28, 1]"),
        ("images", np.zeros((0, 28, 28, 1), np.uint8), "images [{n}, 28, 28, 1], found [0, 28, 28, 1]"),
        ("expected/2/small-int8.onnx", None, "expected/0/small-int8.onnx [{n}, 10], found nothing"),
        (
            "expected/2/small-int8.onnx",
            np.zeros((2, 9), np.float32),
            "expected/2/small-int8.onnx [{n}, 10], found [2, 9]",
        ),
    ],
)
def test_golden_arrays_that_are_not_what_the_manifest_says_are_told(bundle_copy, edit_manifest, key, value, expected):
    with np.load(bundle_copy / "golden.npz") as archive:
        arrays = {**archive, key: value}
    if value is None:
        del arrays[key]
    np.savez(bundle_copy / "golden.npz", **arrays)
    sha256 = hashlib.sha256((bundle_copy / "golden.npz").read_bytes()).hexdigest()
    bundle = edit_manifest(bundle_copy, lambda values: values["golden"]["file"].update(sha256=sha256))
    with pytest.raises(BundleError) as caught:
        bundle.golden()
    count = bundle.manifest.golden.file.count
    assert str(caught.value) == f"{bundle_copy / 'golden.npz'}: expected {expected.format(n=count)}"


def test_no_golden_inputs_at_all_prove_nothing_and_are_refused(bundle_copy, rewrite_arrays):
    arrays = {"images": np.zeros((0, 28, 28, 1), np.uint8)}
    arrays |= {f"expected/0/{file.path}": np.zeros((0, 10)) for file in Bundle.load(bundle_copy).manifest.files}
    with pytest.raises(BundleError, match="expected images"):
        rewrite_arrays(bundle_copy, "golden", arrays).golden()


@pytest.mark.parametrize("arrays", [{"other": np.zeros((3, 10))}, {"probabilities": np.zeros((3, 9))}])
def test_a_reference_that_is_none_is_told(bundle_copy, rewrite_arrays, arrays):
    bundle = rewrite_arrays(bundle_copy, "reference", arrays)
    with pytest.raises(BundleError, match=r"reference.npz: expected probabilities \[3, 10\], found (nothing|\[3, 9\])"):
        bundle.reference()


def test_a_file_of_arrays_that_is_none_is_told(bundle_copy, edit_manifest):
    for data in (b"", b"text", (bundle_copy / "golden.npz").read_bytes()[:300]):
        (bundle_copy / "golden.npz").write_bytes(data)
        sha256 = hashlib.sha256(data).hexdigest()
        bundle = edit_manifest(
            bundle_copy, lambda values, sha256=sha256: values["golden"]["file"].update(sha256=sha256)
        )
        with pytest.raises(BundleError, match=r"golden.npz: expected an .npz of arrays, found: "):
            bundle.golden()


def test_a_manifest_of_another_bundle_is_noticed_by_its_files(bundle_copy, tmp_path):
    other = shutil.copytree(bundle_copy, tmp_path / "other")
    (other / "small-int8.tflite").write_bytes((other / "small-float32.tflite").read_bytes())
    bundle = Bundle.load(other)
    assert bundle.id == json.loads((bundle_copy / "manifest.json").read_bytes())["id"]
    with pytest.raises(BundleError, match="expected SHA-256"):
        bundle.read(bundle.pick("int8.tflite", ["tflite"]))
