"""The systemd unit: systemd itself has nothing to say against it."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgedigits.serve import systemd_unit
from edgedigits.serve.systemd_unit import unit_for


@pytest.fixture(
    params=[
        (),
        ("--camera", "camera:0"),
        ("--host", "0.0.0.0", "--port", "80", "--bundle", "small"),  # noqa: S104
        ("--bundle", "active"),
    ]
)
def unit(request, command, tmp_path: Path) -> Path:
    done = command("serve", "--print-systemd-unit", *request.param)
    assert done.returncode == 0
    assert (
        not done.stderr or "expected a folder that the service's user may enter" in done.stderr
    )  # pytest's own is not
    file = tmp_path / "edgedigits.service"
    file.write_text(done.stdout)
    return file


def systemd_analyze(*words: object) -> subprocess.CompletedProcess[str]:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not installed here")
    environment = {**os.environ, "SYSTEMD_LOG_LEVEL": "warning"}
    return subprocess.run([program, *map(str, words)], capture_output=True, text=True, check=False, env=environment)


def test_systemd_understands_every_line(unit: Path) -> None:
    done = systemd_analyze("verify", unit)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_systemd_calls_it_safe(unit: Path) -> None:
    done = systemd_analyze("security", "--offline=true", "--threshold=30", unit)
    assert done.returncode == 0, done.stdout + done.stderr


def test_it_has_what_a_service_on_a_board_needs(unit: Path) -> None:
    lines = unit.read_text().splitlines()
    for line in (
        "Type=notify", "Restart=on-failure", "DynamicUser=yes", "ProtectSystem=strict", "NoNewPrivileges=yes",
    ):  # fmt: skip
        assert line in lines
    assert any(line.startswith("MemoryMax=") for line in lines)
    with_camera = any("--camera" in line for line in lines)
    assert ("SupplementaryGroups=video" in lines) is with_camera
    assert ("PrivateDevices=yes" in lines) is not with_camera


def test_it_starts_this_very_installation_with_the_options_given(unit: Path) -> None:
    started = next(line for line in unit.read_text().splitlines() if line.startswith("ExecStart="))
    words = shlex.split(started.removeprefix("ExecStart="))
    assert os.access(words[0], os.X_OK)
    assert words[0].startswith(sys.prefix)
    assert "serve" in words
    done = subprocess.run([*words, "--help"], capture_output=True, text=True, check=False)
    assert "--print-systemd-unit" in done.stdout


@pytest.fixture
def open_place() -> Iterator[Path]:
    """A folder that everybody may enter, unlike pytest's own."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_the_active_bundle_is_of_the_store_of_whoever_prints_the_unit(command, tmp_path: Path) -> None:
    store = {"EDGEDIGITS_STORE": "of two words"}
    lines = command("serve", "--bundle", "active", "--print-systemd-unit", env=store).stdout.splitlines()
    assert f'Environment="EDGEDIGITS_STORE={tmp_path}/of two words"' in lines
    (program,) = (line for line in lines if line.startswith("ExecStart="))
    assert " --bundle active" in program
    assert "ExecReload=/bin/kill -HUP $MAINPID" in lines


def test_a_home_that_others_may_not_enter_is_said(open_place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = open_place / "home" / "bin" / "edgedigits"
    program.parent.mkdir(parents=True)
    program.touch()
    monkeypatch.setattr(systemd_unit.sysconfig, "get_path", lambda _: str(program.parent))
    assert systemd_unit.inaccessible_folder() is None
    (open_place / "home").chmod(0o700)
    assert systemd_unit.inaccessible_folder() == open_place / "home"


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("plain", "plain"), ("100%", "100%%"), ("$HOME", "$$HOME"), ("my bundle", '"my bundle"'), ("", '""'),
        ('a"b', '"a\\"b"'), ("a\\b", '"a\\\\b"'),
    ],
)  # fmt: skip
def test_words_are_quoted_as_systemd_reads_them(word: str, told: str) -> None:
    assert f" serve --bundle {told}\n" in unit_for(["--bundle", word], camera=False)
