"""Names with escape sequences, of files and in manifests, do nothing to a terminal: they are shown escaped."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgedigits.errors import ImageError
from edgedigits.printable import printable

pytestmark = pytest.mark.slow

# It clears the screen, sets the window's title, goes to the line's start, and turns the direction of writing round.
EVIL = "a\x1b[2J\x1b]0;title\x07\r\x9b31m\u202eb"
SHOWN = r"a\x1b[2J\x1b]0;title\x07\r\x9b31m\u202eb"
CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def harmless(done) -> str:
    told = done.stdout + done.stderr
    assert not CONTROLS.search(told), repr(told)
    return told


@pytest.fixture
def evil_bundle(bundle_copy, edit_manifest):
    """A bundle whose labels, tools and variants that were left out have names that steer a terminal."""

    def spoil(values):
        values["labels"][3] = EVIL
        values["tools"][EVIL] = EVIL

    edit_manifest(bundle_copy, spoil)
    return bundle_copy


@pytest.mark.parametrize("words", [("show",), ("selftest",), ("check", "--target", EVIL), ("parity", "--data", EVIL)])
def test_what_a_manifest_says_is_shown_escaped(run_here, evil_bundle, words):
    told = harmless(run_here(words[0], str(evil_bundle), *words[1:]))
    assert told


def test_a_label_is_shown_escaped(run_here, evil_bundle, pictures):
    assert SHOWN in harmless(run_here("show", str(evil_bundle)))
    for verb in ("classify", "read"):
        harmless(run_here(verb, "--bundle", str(evil_bundle), *map(str, pictures)))


@pytest.mark.parametrize("verb", ["classify", "read"])
def test_a_picture_s_name_is_shown_escaped(run_here, pictures, tmp_path, verb):
    (tmp_path / f"{EVIL}.png").write_bytes(pictures[0].read_bytes())
    (tmp_path / "b.png").write_bytes(pictures[0].read_bytes())
    assert SHOWN in harmless(run_here(verb, f"{EVIL}.png", "b.png"))
    assert SHOWN in harmless(run_here(verb, f"{EVIL}.nothing", "b.png"))


@pytest.mark.parametrize("verb", ["show", "check", "bench", "selftest"])
def test_a_model_s_name_is_shown_escaped(run_here, shipped, tmp_path, verb):
    model = tmp_path / f"{EVIL}.tflite"
    model.write_bytes((shipped.path / "small-int8.tflite").read_bytes()[:1000])
    assert SHOWN in harmless(run_here(verb, str(model)))
    assert SHOWN in harmless(run_here(verb, str(tmp_path / f"no{EVIL}.tflite")))


def test_words_of_a_command_line_are_shown_escaped(run_here):
    assert SHOWN in harmless(run_here("classify", f"--{EVIL}", "x"))
    assert SHOWN in harmless(run_here("serve", "--bundle", EVIL))


def test_an_error_of_the_package_is_printable():
    assert str(ImageError(f"{EVIL}: no\nimage")) == f"{SHOWN}: no image"


@given(st.text())
def test_printable_text_has_no_controls_and_keeps_the_rest(text):
    shown = printable(text)
    assert not CONTROLS.search(shown)
    assert "\n" not in shown
    assert printable(shown) == shown
    if not (CONTROLS.search(text) or "\n" in text or "\t" in text):
        assert shown == text
    assert printable(text, lines=True).count("\n") == text.count("\n")
