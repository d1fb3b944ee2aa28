"""What `--shape` takes, and which shapes the inputs of a file then have."""

from __future__ import annotations

import pytest

from edgedigits.errors import UsageError
from edgedigits.input_shapes import InputShape, dimensions, parse_shapes, refuse_unknown_names, resolve_shapes
from edgedigits.manifest import TensorInfo


def ends(**shapes):
    return [TensorInfo(name, "float32", shape, None, None) for name, shape in shapes.items()]


@pytest.mark.parametrize(
    ("text", "name", "shape"),
    [
        ("images=1x3x320x320", "images", (1, 3, 320, 320)),
        ("x=7", "x", (7,)),
        ("x=2X3", "x", (2, 3)),
        ("serving_default_a=b:0=1x2", "serving_default_a=b:0", (1, 2)),
        ("two words=4x4", "two words", (4, 4)),
        ("größe=1", "größe", (1,)),
    ],
)
def test_a_shape_is_a_name_and_lengths(text, name, shape):
    assert parse_shapes([text]) == {name: shape}
    assert parse_shapes([str(InputShape(name, shape))]) == {name: shape}


@pytest.mark.parametrize(
    "text", ["", "x", "x=", "=1x2", "x=0", "x=1x0", "x=-1", "x=1x-1", "x=1,2", "x=1x", "x=1xx2", "x=a", "x=1.5", "x=01",
             "x= 1x2", "1x2", "x=1x2 ", "x=9999999999"],
)  # fmt: skip
def test_anything_else_is_refused_in_one_line(text):
    with pytest.raises(UsageError) as caught:
        parse_shapes(["a=1", text])
    assert str(caught.value) == (
        f"--shape: expected an input's name and whole numbers of at least 1, such as images=1x3x320x320, found {text!r}"
    )


def test_two_shapes_for_one_input_are_refused():
    with pytest.raises(UsageError, match="expected one shape for each input, found two for 'x'"):
        parse_shapes(["x=1", "y=1", "x=2"])


def test_fixed_inputs_need_no_shape():
    inputs = ends(image=(1, 28, 28, 1), rate=())
    assert resolve_shapes("f", inputs, {}) == (InputShape("image", (1, 28, 28, 1)), InputShape("rate", ()))
    assert resolve_shapes("f", [], {}) == ()
    assert resolve_shapes("f", inputs, {"image": (1, 28, 28, 1)}) == resolve_shapes("f", inputs, {})


def test_a_free_dimension_has_the_length_that_is_said():
    found = resolve_shapes("f", ends(a=(-1, 3), b=(2, -1, 4), c=(5,)), {"b": (2, 9, 4), "a": (7, 3)})
    assert found == (InputShape("a", (7, 3)), InputShape("b", (2, 9, 4)), InputShape("c", (5,)))


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        ({"images": (-1, 3, -1, -1)}, "'images' [free, 3, free, free]; say how long they are, for example "
         "--shape images=1x3x320x320"),
        ({"image": (1, -1, -1, 1)}, "'image' [1, free, free, 1]; say how long they are, for example "
         "--shape image=1x320x320x1"),
        ({"input": (-1, -1), "state": (2, -1, 128), "rate": ()}, "'input' [free, free], 'state' [2, free, 128]; say "
         "how long they are, for example --shape input=1x320 --shape state=2x1x128"),
        ({"my input": (-1,)}, "'my input' [free]; say how long they are, for example --shape 'my input=1'"),
    ],
)  # fmt: skip
def test_a_dimension_of_which_nothing_is_said_is_asked_for_with_the_line_to_type(shapes, message):
    with pytest.raises(UsageError) as caught:
        resolve_shapes("f.onnx", ends(**shapes), {})
    assert str(caught.value) == f"f.onnx: expected the length of every dimension, found free ones in {message}"
    example = dict(zip(shapes, [None] * len(shapes), strict=True))
    words = [word.strip("'") for word in str(caught.value).partition("for example ")[2].split("--shape ")[1:]]
    asked = parse_shapes([word.strip().strip("'") for word in words])
    assert asked.keys() <= example.keys()
    assert all(-1 not in one.shape for one in resolve_shapes("f.onnx", ends(**shapes), asked))


def test_only_what_stays_free_is_asked_for():
    with pytest.raises(UsageError, match=r"found free ones in 'b' \[free\]; "):
        resolve_shapes("f", ends(a=(-1,), b=(-1,)), {"a": (1,)})


@pytest.mark.parametrize("asked", [(1, 4, 5), (1, 3), (1, 3, 5, 1), (2, 3, 5)])
def test_a_shape_that_does_not_fit_is_refused(asked):
    with pytest.raises(UsageError) as caught:
        resolve_shapes("f.onnx", ends(x=(1, 3, -1)), {"x": asked})
    assert str(caught.value) == f"--shape: expected 'x' of f.onnx to be [1, 3, free], found {list(asked)}"


def test_an_input_without_dimensions_may_have_any_since_its_rank_may_be_unknown():
    assert resolve_shapes("f", ends(x=()), {"x": (2, 3)}) == (InputShape("x", (2, 3)),)


def test_a_batch_is_the_length_of_a_first_dimension_that_alone_is_free():
    inputs = ends(image=(-1, 28, 28, 1), size=(1, 2))
    assert resolve_shapes("f", inputs, {}, 8) == (InputShape("image", (8, 28, 28, 1)), InputShape("size", (1, 2)))
    with pytest.raises(UsageError, match=r"found free ones in 'x' \[free, free\]"):
        resolve_shapes("f", ends(x=(-1, -1)), {}, 1)


@pytest.mark.parametrize("shape", [(1, 28), (), (1, -1)])
def test_a_batch_where_no_first_dimension_is_free_is_refused(shape):
    with pytest.raises(UsageError) as caught:
        resolve_shapes("f", ends(x=shape), {}, 4)
    assert str(caught.value) == (f"f: expected a free first dimension for a batch of 4, found 'x' {dimensions(shape)}")


def test_an_input_that_no_file_has_is_refused_with_those_that_there_are():
    refuse_unknown_names({"b": (1,)}, ends(a=(-1,), b=(-1,)))
    with pytest.raises(UsageError, match=r"^--shape: expected an input out of a, b, found 'c'$"):
        refuse_unknown_names({"a": (1,), "c": (1,)}, ends(a=(-1,), b=(-1,)))
    with pytest.raises(UsageError, match=r"expected an input out of none, found 'c'"):
        refuse_unknown_names({"c": (1,)}, [])
