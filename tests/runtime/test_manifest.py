from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgedigits.bundle import SHIPPED
from edgedigits.errors import BundleError
from edgedigits.manifest import SCHEMA, Preprocessing, bundle_id, canonical, read_manifest, write_manifest
from edgedigits.records import to_plain

REAL = json.loads((SHIPPED / "small" / "manifest.json").read_bytes())
# Values are free there: by file, operator, tool, engine, parameter, or whatever the trainer wrote.
FREE = ("operators", "declared", "engines", "tools", "parameters", "tolerance", "training")


def paths(value: object, place: tuple = ()) -> Iterator[tuple]:
    """Every declared field of a manifest, as a path of keys and indices."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield (*place, key)
            if key not in FREE:
                yield from paths(inner, (*place, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from paths(inner, (*place, index))


# The id is filled in when a manifest is written.
FIELDS = [path for path in paths(REAL) if isinstance(path[-1], str) and path != ("id",)]


def encode(values: dict) -> bytes:
    """As an exporter writes it, with the right id."""
    values = copy.deepcopy(values)
    values["id"] = bundle_id(values)
    return json.dumps(values).encode()


def changed(path: tuple, value: object = None, *, remove: bool = False) -> dict:
    values = copy.deepcopy(REAL)
    inner = values
    for step in path[:-1]:
        inner = inner[step]
    if remove:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return values


def test_the_real_manifest_is_read_and_written_back():
    manifest = read_manifest((SHIPPED / "small" / "manifest.json").read_bytes(), "m")
    assert to_plain(manifest) == REAL
    again = write_manifest(manifest)
    assert {**json.loads(again), "id": REAL["id"]} == REAL
    assert write_manifest(read_manifest(again, "m")) == again
    assert (manifest.schema, manifest.name, manifest.image) == (SCHEMA, "small", (28, 28, 1))
    assert manifest.labels == tuple("0123456789")


@pytest.mark.parametrize("value", [True, {"x": []}, "0" * 63])
def test_an_id_that_is_none_is_refused(value):
    with pytest.raises(BundleError, match="m: id: expected"):
        read_manifest(json.dumps(changed(("id",), value)).encode(), "m")


def test_a_manifest_without_an_id_is_refused():
    with pytest.raises(BundleError, match="m: field 'id' is missing"):
        read_manifest(json.dumps(changed(("id",), remove=True)).encode(), "m")


def test_every_precision_needs_its_golden_tolerance():
    limits = {"exact": None, "largest": 1e-4, "mean": 1e-5}
    with pytest.raises(BundleError) as caught:
        read_manifest(encode(changed(("golden", "tolerance"), {"float32": limits})), "m")
    assert str(caught.value) == "m: golden: tolerance: expected one for int8, found none"


@pytest.mark.parametrize("path", FIELDS, ids=lambda path: ".".join(map(str, path)))
def test_every_field_is_needed_and_no_other_is_known(path):
    with pytest.raises(BundleError, match=rf"m: .*(field {path[-1]!r} is missing|expected a manifest of schema)"):
        read_manifest(encode(changed(path, remove=True)), "m")
    with pytest.raises(BundleError, match=r"m: .*unknown field 'surprise'"):
        read_manifest(encode(changed((*path[:-1], "surprise"), 1)), "m")


@pytest.mark.parametrize(
    "path",
    [path for path in FIELDS if path not in {("training",), ("scaling", "bgr")}],
    ids=lambda p: ".".join(map(str, p)),
)
@pytest.mark.parametrize("wrong", [True, {"x": []}, [None]], ids=["bool", "object", "list"])
def test_every_field_has_its_type(path, wrong):
    with pytest.raises(BundleError, match=r"m: .*(expected|unknown field|missing)"):
        read_manifest(encode(changed(path, wrong)), "m")


@pytest.mark.parametrize(
    "path",
    [("golden", "file", "sha256"), ("files", 0, "sha256"), ("calibration", "dataset_sha256"),
     ("calibration", "indices_sha256"), ("reference", "dataset_sha256")],
)  # fmt: skip
@pytest.mark.parametrize("value", ["", "abc", "A" * 64])
def test_a_bad_hash_is_refused(path, value):
    with pytest.raises(BundleError, match=r"sha256: expected text like \^\[0-9a-f\]\{64\}\$, found"):
        read_manifest(encode(changed(path, value)), "m")


@pytest.mark.parametrize(
    ("path", "value"),
    [(("files", 0, "path"), "../../etc/passwd"), (("name",), "a/b"), (("golden", "file", "path"), "/golden.npz"),
     (("files", 0, "format"), "pb"), (("files", 0, "precision"), "int4"), (("preprocessing", "id"), "digit/1"),
     (("files", 0, "bytes"), -1), (("files", 0, "requirements", "operators"), {"CONV_2D": -1}),
     (("parameters",), -1)],
)  # fmt: skip
def test_values_outside_the_contract_are_refused(path, value):
    with pytest.raises(BundleError, match=r"m: .*expected"):
        read_manifest(encode(changed(path, value)), "m")


@pytest.mark.parametrize("version", [0, 6, 8, "7", None, 6.5])
def test_another_schema_version_is_told_before_anything_else(version):
    with pytest.raises(BundleError) as caught:
        read_manifest(json.dumps({"schema": version}).encode(), "m")
    assert str(caught.value) == f"m: expected a manifest of schema 7, found {version!r}; export the model again"


@pytest.mark.parametrize("data", [b"[]", b"3", b"null", b'"text"'])
def test_json_that_is_no_object_has_no_schema(data):
    with pytest.raises(BundleError, match="m: expected a manifest of schema 7, found None"):
        read_manifest(data, "m")


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-1e999"])
def test_what_json_does_not_know_is_not_read(number):
    values = copy.deepcopy(REAL)
    values["confidence"]["temperature"] = "here"
    with pytest.raises(BundleError, match=r"m: expected a JSON manifest, found .* \(a number beyond 64 bits"):
        read_manifest(json.dumps(values).replace('"here"', number).encode(), "m")


@pytest.mark.parametrize("temperature", [0, -1.5])
def test_a_temperature_is_above_zero(temperature):
    with pytest.raises(BundleError) as caught:
        read_manifest(encode(changed(("confidence", "temperature"), temperature)), "m")
    assert str(caught.value) == f"m: confidence: expected a temperature above 0, found {float(temperature)}"


@pytest.mark.parametrize("data", [b"", b"\x89PNG\r\n", b"{", b"[" * 100_000, b"\xff\xfe", b"{'a': 1}"])
def test_what_is_no_json_is_refused(data):
    with pytest.raises(BundleError, match="m: expected a JSON manifest, found something else"):
        read_manifest(data, "m")


@given(st.binary(max_size=60))
def test_no_bytes_make_it_fail_otherwise(data):
    with pytest.raises(BundleError, match=r"^m: "):
        read_manifest(data, "m")


def leaves(value: object, place: tuple = ()) -> Iterator[tuple]:
    """Every number and text, wherever it stands."""
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(inner, (*place, key))
    elif value is not None:
        yield place


@given(st.sampled_from([path for path in leaves(REAL) if path not in {("id",), ("created",)}]))
def test_any_edit_by_hand_is_noticed(path):
    values = REAL
    for step in path:
        values = values[step]
    other = values + ("0" if isinstance(values, str) else 1)
    with pytest.raises(BundleError):
        read_manifest(json.dumps(changed(path, other)).encode(), "m")


def test_the_message_about_an_edit_tells_both_ids():
    edited = changed(("parameters",), REAL["parameters"] + 1)
    with pytest.raises(BundleError) as caught:
        read_manifest(json.dumps(edited).encode(), "m")
    found = bundle_id(edited)
    assert str(caught.value) == (f"m: its id is {REAL['id'][:12]}, its content hashes to {found[:12]}: it was edited")


def test_the_day_it_was_made_is_no_part_of_its_identity():
    assert read_manifest(json.dumps(changed(("created",), "later")).encode(), "m").id == REAL["id"]
    assert bundle_id(changed(("id",), "0" * 64)) == REAL["id"]


@pytest.mark.parametrize(
    ("path", "value"),
    [(("files",), []), (("golden", "reference_engines"), []), (("labels",), ["1"]), (("image",), [28, 0, 1])],
)
def test_a_bundle_with_nothing_to_do_is_refused(path, value):
    with pytest.raises(BundleError) as caught:
        read_manifest(encode(changed(path, value)), "m")
    assert str(caught.value) == "m: expected a model file, a reference engine, two labels and an image size, found less"


def test_two_labels_and_a_pixel_are_enough():
    values = changed(("labels",), ["no", "yes"]) | {"image": [1, 1, 1]}
    assert read_manifest(encode(values), "m").labels == ("no", "yes")


def test_the_canonical_form_is_one_and_the_id_its_hash():
    values = {"b": [1, 2.5, None], "a": {"y": "é", "x": True}}
    assert canonical(values) == b'{"a":{"x":true,"y":"\\u00e9"},"b":[1,2.5,null]}'
    assert bundle_id(values | {"id": "x", "created": "y"}) == hashlib.sha256(canonical(values)).hexdigest()


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_json_does_not_know_is_not_written(value):
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical({"a": value})
    manifest = read_manifest(encode(REAL), "m")
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_manifest(manifest._replace(training={"loss": value}))


def test_a_whole_number_where_a_real_one_is_declared_does_not_change_the_id_when_written_again():
    manifest = read_manifest(encode(REAL), "m")
    written = write_manifest(manifest._replace(preprocessing=Preprocessing("digit/2", None, {"margin": 1})))
    again = read_manifest(written, "m")
    assert json.loads(write_manifest(again))["id"] == again.id


def test_a_manifest_that_no_reader_would_take_is_not_written():
    manifest = read_manifest(encode(REAL), "m")
    with pytest.raises(BundleError, match="manifest: name: expected text like"):
        write_manifest(manifest._replace(name="../small"))


def test_the_written_file_is_for_people_to_read():
    text = write_manifest(read_manifest(encode(REAL), "m")).decode()
    assert text.startswith('{\n "calibration": {\n')
    assert text.endswith("\n}\n")
