from __future__ import annotations

import json
import os
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from edgedigits.cli.main import main
from edgedigits.console.output import Output
from edgedigits.console.requests import RemoteSelftestRequest
from edgedigits.engines import ENGINES, installed_engines
from edgedigits.errors import TargetError, UsageError
from edgedigits_export.cli import remote_selftest
from edgedigits_export.cli.remote_selftest import parse_engine
from edgedigits_export.emulation.boards import SYSTEMS
from edgedigits_export.emulation.python_environment import PythonEnvironment, clean_environment, copy_package
from edgedigits_export.emulation.qemu import _wrapper

pytestmark = pytest.mark.skipif(os.name == "nt", reason="emulated boards need Linux")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("auto", (None, None)),
        ("tflite-runtime", ("tflite-runtime", None)),
        ("tflite-runtime==2.14", ("tflite-runtime", "2.14")),
        ("tflite-runtime==2.14.0", ("tflite-runtime", "2.14.0")),
        ("ai-edge-litert==2.1.0", ("litert", "2.1.0")),
        ("onnxruntime==1.20.0", ("onnxruntime", "1.20.0")),
    ],
)
def test_engines_and_their_packages_may_be_named_with_a_release(text, expected):
    assert parse_engine(text) == expected


@pytest.mark.parametrize("text", ["auto==2", "torch==2", "tflite==", "tflite==new", "litert==2.1; rm", "litert==--pre"])
def test_what_is_no_release_of_an_engine_is_refused(text):
    with pytest.raises(UsageError, match="expected ENGINE or ENGINE==VERSION"):
        parse_engine(text)


@pytest.mark.parametrize(
    ("words", "code", "part"),
    [
        (["--os", "trixie"], 2, "expected --board, which they belong to"),
        (["--board", "pi4", "--os", "trixie", "--arch", "armhf"], 3, "expected a system that some engine has wheels"),
        (["--board", "pi4", "--os", "trixie", "--engine", "tflite-runtime"], 3, "expected a wheel for Python 3.13"),
        (["--board", "pi4", "--engine", "torch"], 2, "expected ENGINE"),
        (["nowhere", "--board", "pi4"], 2, "expected a bundle's folder"),
    ],
)
def test_impossible_wishes_are_refused_before_anything_is_fetched(command, refused, words, code, part):
    refused(command("selftest", *words), code, part)


def test_without_apt_the_command_says_what_it_needs_and_ends_with_3(command, tmp_path):
    if sys.platform != "linux" or os.uname().machine != "x86_64":
        pytest.skip("on other machines there is another reason")
    done = command("selftest", "--board", "pi4", env={"PATH": str(tmp_path)})
    assert done.returncode == 3
    assert done.stderr.splitlines()[-1].startswith("edgedigits: emulated boards: need apt-get")
    assert "MB to download" in done.stderr.splitlines()[0]


def _planned(monkeypatch, system, machine):
    monkeypatch.setattr(remote_selftest.sys, "platform", system)
    monkeypatch.setattr(remote_selftest.platform, "machine", lambda: machine)
    output = Output(json=True, file=None, overwrite=False)
    request = RemoteSelftestRequest(None, None, "auto", 1, "pi4", None, None, output)
    return remote_selftest._plan_board("pi4", request, None, None)


@pytest.mark.parametrize(("system", "machine"), [("darwin", "arm64"), ("linux", "riscv64"), ("win32", "AMD64")])
def test_another_kind_of_machine_is_told_that_it_cannot(monkeypatch, system, machine):
    with pytest.raises(TargetError, match="--board: expected Linux on an x86-64 or ARM processor"):
        _planned(monkeypatch, system, machine)


def test_on_arm_the_result_says_that_the_processor_is_not_restricted(monkeypatch):
    description = _planned(monkeypatch, "linux", "aarch64").description
    assert description["emulated"] is False
    assert "not restricted" in description["note"]


@pytest.fixture
def here(monkeypatch, tmp_path):
    """Put this Python in the place of a temporary one, which would need the network."""

    def use(python=sys.executable):
        @contextmanager
        def stand_in(engines, progress):
            folder = tmp_path / "environment"
            folder.mkdir()
            yield PythonEnvironment(Path(python), clean_environment(folder, [copy_package(folder / "package")]), folder)

        monkeypatch.setattr(remote_selftest, "temporary_venv", stand_in)

    return use


@pytest.mark.slow
def test_the_self_test_there_is_told_as_the_one_here_with_what_ran_it(here, capsys, shipped, tmp_path):
    here()
    engine = installed_engines()[0]
    words = ["selftest", "--engine", f"{engine}==1.2.3", "--variant", "int8", "--json", "-o", str(tmp_path / "stored")]
    assert main(words) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == json.loads((tmp_path / "stored").read_text())
    assert told["bundle"] == shipped.id
    assert told["emulated"] is False
    assert [row["engine"] for row in told["rows"]] == [engine]
    assert {"python", "numpy", ENGINES[engine].distribution} <= told["versions"].keys()


@pytest.mark.slow
def test_a_bundle_that_answers_wrongly_there_fails_with_its_exit_code(
    here, capsys, bundle_copy, rewrite_arrays, shipped
):
    with np.load(shipped.path / "golden.npz") as stored:
        arrays = dict(stored)
    for name in [name for name in arrays if arrays[name].dtype.kind == "f"]:
        arrays[name] = arrays[name][:, ::-1].copy()
    rewrite_arrays(bundle_copy, "golden", arrays)
    here()
    engine = installed_engines()[0]
    assert main(["selftest", str(bundle_copy), "--engine", f"{engine}==1", "--variant", "int8"]) == 1
    assert "FAILED" in capsys.readouterr().out


def test_a_python_that_crashes_there_is_told_with_its_signal(here, capsys, tmp_path):
    script = tmp_path / "python"
    script.write_text(f'#!/bin/sh\ncase "$1" in -c) exec {sys.executable} "$@";; esac\nkill -SEGV $$\n')
    script.chmod(0o755)
    here(script)
    assert main(["selftest", "--engine", f"{installed_engines()[0]}==1"]) == 3
    assert "died there of SIGSEGV" in capsys.readouterr().err.splitlines()[-1]


def test_another_python_sees_nothing_of_this_processs_environment(monkeypatch, tmp_path):
    for name in ("PYTHONPATH", "PYTHONSTARTUP", "LD_PRELOAD", "QEMU_CPU", "OMP_NUM_THREADS"):
        monkeypatch.setenv(name, "")
    environment = PythonEnvironment(Path(sys.executable), clean_environment(tmp_path, [tmp_path]), tmp_path)
    seen = set(json.loads(environment.run(["-c", "import json, os; print(json.dumps(list(os.environ)))"]).stdout))
    assert not seen & {"PYTHONSTARTUP", "LD_PRELOAD", "QEMU_CPU", "OMP_NUM_THREADS"}
    assert environment.environment["PYTHONPATH"] == str(tmp_path)


def test_a_python_that_does_not_start_is_told(tmp_path):
    script = tmp_path / "python"
    script.write_text("#!/bin/sh\necho no libc >&2\nexit 127\n")
    script.chmod(0o755)
    with pytest.raises(TargetError, match="expected a Python that starts, found: no libc"):
        PythonEnvironment(script, {}, tmp_path).versions([])


def test_the_guests_python_starts_itself_again_whatever_its_folder_is_called(tmp_path):
    qemu, folder = tmp_path / "a cache" / "qemu", tmp_path / "a place"
    loader = qemu / "lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"
    for made in (loader.parent, folder):
        made.mkdir(parents=True)
    loader.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    loader.chmod(0o755)
    python = folder / "python"
    python.write_text(_wrapper(qemu, tmp_path / "debian", folder / "root", "cortex-a72", SYSTEMS["bookworm-arm64"]))
    python.chmod(0o755)
    words = PythonEnvironment(python, {"PATH": "/usr/bin:/bin"}, folder).run(["-c", "two words"]).stdout.splitlines()
    assert words[words.index("-0") + 1] == str(python)
    assert words[words.index("-cpu") + 1] == "cortex-a72"
    assert words[words.index("-L") + 1] == str(folder / "root")
    assert words[-3:] == [str(tmp_path / "debian/usr/bin/python3.11"), "-c", "two words"]
