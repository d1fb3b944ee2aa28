from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys

import pytest

from edgedigits import __version__, extras
from edgedigits.cli import main as module
from edgedigits.cli.commands import COMMANDS
from edgedigits.cli.main import main
from edgedigits.errors import EdgeDigitsError, GateFailedError, MeasurementError, ModelRejectedError, UsageError


def leave(words):
    """The exit code of a command that argparse ends."""
    with pytest.raises(SystemExit) as caught:
        main(words)
    return caught.value.code


def test_help_lists_every_verb_in_its_group(capsys):
    assert leave(["--help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    groups = [line for line in lines if line in {"Read:", "Trust:", "Make:", "Measure:"}]
    assert groups == ["Read:", "Trust:", "Make:", "Measure:"]
    for name, command in COMMANDS.items():
        (at,) = [i for i, line in enumerate(lines) if line.split(maxsplit=1) == [name, command.help]]
        above = [line for line in lines[:at] if line in groups]
        assert above[-1] == f"{command.group}:"
    assert lines[-1] == module._EXIT_CODES


def test_no_words_at_all_mean_help(capsys):
    assert main([]) == 0
    told = capsys.readouterr().out
    leave(["--help"])
    assert told == capsys.readouterr().out


def test_the_version_is_the_packages(capsys):
    assert leave(["--version"]) == 0
    assert capsys.readouterr().out == f"edgedigits {__version__}\n"


@pytest.mark.parametrize("words", [["clasify"], ["--verison"], ["--vers"], ["classify"], ["bench", "--second", "1"]])
def test_wrong_use_is_told_with_2_and_not_guessed(words, capsys):
    assert leave(words) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "error: " in captured.err.splitlines()[-1]
    assert "Traceback" not in captured.err


def test_an_unknown_verb_is_answered_with_the_verbs_there_are(command):
    done = command("clasify", "x.png")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    last = done.stderr.splitlines()[-1]
    assert "clasify" in last
    assert all(name in last for name in COMMANDS)


@pytest.mark.parametrize(
    ("words", "meant"),
    [(["classfy", "x.png"], "classify, not classfy"), (["Classify", "x.png"], "classify, not Classify"),
     (["bnech"], "bench, not bnech"), (["--verison"], "--version, not --verison"),
     (["classify", "x.png", "--bundel", "tiny"], "--bundle, not --bundel"),
     (["classify", "--josn=1", "x.png"], "--json, not --josn"),
     (["compare", "--outptu", "x"], "--output, not --outptu"),  # words that are missing are told first
     (["train", "--sede", "1"], "--seed, not --sede")],
)  # fmt: skip
def test_a_mistyped_word_is_answered_with_the_one_that_is_meant(words, meant, capsys):
    assert leave(words) == 2
    assert capsys.readouterr().err.splitlines()[-1].endswith(f"; did you mean {meant}?")


@pytest.mark.parametrize("words", [["xyzzy"], ["classify", "--xyzzy", "x.png"], ["classify"], ["bench", "--seconds"]])
def test_nothing_is_suggested_for_a_word_that_is_like_none_or_right(words, capsys):
    assert leave(words) == 2
    assert "did you mean" not in capsys.readouterr().err


@pytest.mark.parametrize(
    "name", [name for name, command in COMMANDS.items() if command.module.startswith("edgedigits.")]
)
def test_every_command_explains_itself(name, capsys):
    assert leave([name, "--help"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert told.startswith(f"usage: edgedigits {name} ")
    assert COMMANDS[name].help[1:] in told
    assert ("--json" in told) is (name != "serve")  # which answers in JSON, over the network


@pytest.mark.parametrize(
    ("error", "code"),
    [(GateFailedError("x"), 1), (UsageError("x"), 2), (ModelRejectedError("x"), 3), (MeasurementError("x"), 4),
     (EdgeDigitsError("x"), 2)],
)  # fmt: skip
def test_each_kind_of_error_has_its_code_and_line(monkeypatch, capsys, error, code):
    def fail(words):
        raise error

    monkeypatch.setattr(module, "_run", fail)
    assert main(["x"]) == code
    assert capsys.readouterr().err == "edgedigits: x\n"


def test_an_error_of_the_system_is_one_line_too(monkeypatch, capsys):
    def fail(words):
        raise OSError(28, "No space left on device", "/tmp/x")  # noqa: S108

    monkeypatch.setattr(module, "_run", fail)
    assert main(["x"]) == 2
    assert capsys.readouterr().err == "edgedigits: /tmp/x: No space left on device\n"


def test_an_interrupt_leaves_with_130(monkeypatch, capsys):
    def fail(words):
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "_run", fail)
    assert main(["x"]) == 130
    assert capsys.readouterr().err == "edgedigits: interrupted\n"


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_a_real_ctrl_c_leaves_with_130_and_no_traceback(tmp_path):
    # Standard input that never ends: the command waits there for its image.
    code = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    code += "from edgedigits.cli.main import main; raise SystemExit(main())"
    waiting = subprocess.Popen(
        [sys.executable, "-c", code, "classify", "x.png", "-", "--json", "-o", tmp_path / "out.json"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert '"error"' in waiting.stdout.readline()  # the first image is done with
    waiting.send_signal(signal.SIGINT)
    _, told = waiting.communicate()
    assert waiting.returncode == 130
    assert told.splitlines()[-1] == "edgedigits: interrupted"
    assert "Traceback" not in told
    assert not (tmp_path / "out.json").exists()


@pytest.mark.slow
def test_a_terminal_that_knows_no_greek_gets_it_spelt(command):
    done = command(
        "bench", "--variant", "int8", "--processes", "5", "--seconds", "0", env={"PYTHONIOENCODING": "ascii"}
    )
    assert done.returncode == 0, done.stderr
    assert "first \\xb5s" in done.stdout


@pytest.mark.skipif(os.name == "nt", reason="pipes")
def test_a_reader_who_has_seen_enough_is_no_traceback(command):
    read, write = os.pipe()
    os.close(read)
    done = command("show", stdout=write)
    os.close(write)
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    assert done.returncode != 0


CLOSED = "edgedigits: expected an open standard output, found it closed; open it, as in > FILE\n"


@pytest.mark.skipif(os.name == "nt", reason="descriptors")
@pytest.mark.parametrize(
    ("closed", "code", "told"),
    [((1,), 2, CLOSED), ((0, 1), 2, CLOSED), ((1, 2), 2, ""), ((0, 1, 2), 2, ""), ((2,), 2, ""), ((0, 2), 2, "")],
)
def test_closed_streams_are_a_line_and_2_and_get_nothing_written(closed, code, told, tmp_path):
    # Of the words one is wrong: with standard error closed that is said nowhere, not on standard output.
    words = [sys.executable, "-m", "edgedigits.cli.main", "show", *(["nothing"] if 1 not in closed else [])]
    done = subprocess.run(
        words, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
        preexec_fn=lambda: [os.close(descriptor) for descriptor in closed],
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (code, "", told)


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_completion_is_a_valid_script_that_knows_verbs_and_options(shell, command, tmp_path):
    done = command("--completion", shell)
    if done.returncode == 3:
        pytest.skip("the commands of other packages cannot be imported here")
    assert done.returncode == 0, done.stderr
    assert ("bashcompinit" in done.stdout) == (shell == "zsh")
    if shutil.which("bash") is None:
        pytest.skip("bash is not installed")
    (tmp_path / "script").write_text(done.stdout.replace("autoload -U +X bashcompinit && bashcompinit\n", ""))
    assert subprocess.run(["bash", "-n", tmp_path / "script"], check=False).returncode == 0
    ask = 'source ./script; COMP_WORDS=(edgedigits {}); COMP_CWORD={}; _edgedigits; echo "${{COMPREPLY[@]}}"'

    def complete(words, at):
        return subprocess.run(
            ["bash", "-c", ask.format(words, at)], cwd=tmp_path, capture_output=True, text=True, check=True
        ).stdout.split()

    assert complete("cl", 1) == ["classify"]
    assert complete("classify --mn", 2) == ["--mnist"]
    assert set(COMMANDS) <= set(complete('""', 1))


def test_a_verb_whose_extra_is_missing_is_answered_with_the_pip_line(monkeypatch, capsys):
    monkeypatch.setattr(module, "command_parser", lambda name: type("P", (), {"parse_args": lambda *_: None}))
    monkeypatch.setattr(extras, "find_spec", lambda package: None if package in {"onnx", "flatbuffers"} else object())
    assert main(["check", "x"]) == 3
    told = capsys.readouterr().err
    assert told.startswith(
        'edgedigits: check: needs flatbuffers, onnx, not installed; install it with: pip install "ai-edge-litert>='
    )
    assert '"flatbuffers<' in told
    assert '"onnx>=' in told
    assert told.count("\n") == 1


@pytest.mark.parametrize("name", ["train", "export", "report", "check"])
def test_help_and_refusal_of_a_command_with_an_extra_need_none_of_it(name, tmp_path):
    names = {package for packages in extras.PACKAGES.values() for package in packages}
    deny = (
        "import importlib.util, sys\nfrom edgedigits import extras as m\nreal = m.find_spec\n"
        f"m.find_spec = lambda name: None if name in {names!r} else real(name)\n"
        "class Deny:\n    def find_spec(self, name, path=None, target=None):\n"
        f"        if name.split('.')[0] in {names!r}: raise ImportError(name)\n"
        "sys.meta_path.insert(0, Deny())\nfrom edgedigits.cli.main import main\nraise SystemExit(main())"
    )
    if importlib_misses(COMMANDS[name].module):
        pytest.skip(f"{COMMANDS[name].module} is not there")
    done = subprocess.run([sys.executable, "-c", deny, name, "--help"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def importlib_misses(name):
    from importlib.util import find_spec

    return find_spec(name) is None
