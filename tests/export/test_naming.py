"""A model's file may have any name; its name in a bundle is made of letters and digits of all scripts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from edgedigits.cli.main import main
from edgedigits.errors import UsageError
from edgedigits_export.bundle.naming import default_name, require_name

STEMS = st.text(st.characters(exclude_characters="/\0"), min_size=1)


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("数字.keras", "数字"),
        ("größe.keras", "größe"),
        ("gro\u0308\u00dfe.keras", "größe"),
        ("my model (1).keras", "my-model-1"),
        ("-net.h5", "net"),
        ("...keras", "model"),
        ("🙂.keras", "model"),
        ("a\x1b[31mb.keras", "a-31mb"),
        ("runs/quick/model.keras", "quick"),
    ],
)
def test_a_name_keeps_what_can_be_read(file: str, name: str) -> None:
    assert default_name(Path(file), None) == name


@given(STEMS)
@example("model")
@example("字" * 100)
@example("\U00020000" * 100)
@example("a" * 199 + "字")
def test_every_file_gets_a_name_that_is_allowed_and_stays_as_it_is(stem: str) -> None:
    name = default_name(Path(f"{stem}.keras"), None)
    require_name(name)
    assert name == "model" or default_name(Path(f"{name}.keras"), None) == name


@given(st.text())
def test_what_a_record_says_is_made_a_name_too(text: str) -> None:
    require_name(default_name(Path("net.keras"), {"config": {"model": text}}))


@given(STEMS)
def test_no_name_that_is_allowed_leads_out_of_a_folder_or_hides_itself(name: str) -> None:
    try:
        require_name(name)
    except UsageError:
        return
    assert re.fullmatch(r"[^\W.-][\w.-]*", name)
    assert name.isprintable()
    assert Path(name).name == name


def test_a_name_that_is_refused_is_refused_before_anything_is_read(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main(["export", "absent.keras", "--calibration", "absent", "--name", "../net", "-o", str(out)]) == 2
    said = capfd.readouterr().err
    assert said.startswith("edgedigits: --name: expected at most 200 bytes of letters")
    assert said.endswith("found '../net'\n")
    assert not out.exists()
