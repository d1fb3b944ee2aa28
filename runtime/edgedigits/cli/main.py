"""The entry point of `edgedigits`, which imports the module of one command, runs it, and returns its exit code."""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from io import TextIOWrapper

from edgedigits import __version__
from edgedigits.cli.commands import COMMANDS
from edgedigits.cli.parser import Parser
from edgedigits.console.progress import clear_progress, note
from edgedigits.errors import EdgeDigitsError
from edgedigits.extras import require_extra
from edgedigits.printable import printable
from edgedigits.quiet import keep_engines_off_stdout

_EXIT_CODES = "Exit codes: 0 done, 1 a gate failed, 2 bad input, 3 cannot run here, 4 not measurable."
_INTERRUPTED = 130
_IO_ERROR = 2
_LAST_STANDARD = 2  # the descriptor of standard error

# The number of new objects before the first collection of garbage; with Python's own 700, imports alone cause 60.
_GARBAGE_THRESHOLD = 50_000


def process() -> int:
    """Run `main` with settings that make a short-lived process start and end quickly."""
    gc.set_threshold(_GARBAGE_THRESHOLD)
    # By default numpy starts a thread for each core, for matrix products that no command computes.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    keep_engines_off_stdout()
    code = main()
    gc.freeze()  # it saves the collection of garbage at the end, 15 ms once numpy is loaded
    return code


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    if not _has_output():
        return _IO_ERROR
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a file name may not be valid text, and a terminal may not know µ
            stream.reconfigure(errors="backslashreplace")
    try:
        code = _run(words)
        sys.stdout.flush()  # here, where an error of the disk or pipe can still be reported
        return code
    except EdgeDigitsError as error:
        note(f"edgedigits: {error}")
        return error.exit_code
    except KeyboardInterrupt:
        note("edgedigits: interrupted")
        return _INTERRUPTED
    except BrokenPipeError:  # `edgedigits ... | head`: the reader has closed the pipe
        _drop_output()
        return _IO_ERROR
    except OSError as error:
        told = printable(f"{error.filename or 'I/O'}: {error.strerror or error}")
        note(f"edgedigits: {told}")
        _drop_output()
        return _IO_ERROR
    finally:
        clear_progress()


def _has_output() -> bool:
    """Return whether standard output is open, after telling where it is not.

    Closed descriptors are given to the null device first: files would get their numbers, and native libraries, whose
    messages go to 1 and 2, would write into them.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= _LAST_STANDARD:
        pass
    os.close(descriptor)
    if sys.stderr is None:  # so Python marks a closed one, and print() would take standard output instead
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  it stays open to the end
    if sys.stdout is None:
        print("edgedigits: expected an open standard output, found it closed; open it, as in > FILE", file=sys.stderr)
    return sys.stdout is not None


def _drop_output() -> None:
    """Discard output that could not be written, or Python would try again at its end and print an error of its own."""
    with suppress(OSError, ValueError):  # a stream without a descriptor keeps no output
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run(words: list[str]) -> int:
    if words and words[0] in COMMANDS:
        args = command_parser(words[0]).parse_args(words[1:])
        command = COMMANDS[words[0]]
        if command.extra is not None:
            require_extra(words[0], command.extra)
        code: int = import_module(command.module).run(args)
        return code
    parser = top_parser()
    parser.parse_args(words)
    parser.print_help()
    return 0


def command_parser(name: str) -> argparse.ArgumentParser:
    """Return the parser of a command's options."""
    command = COMMANDS[name]
    text = f"{command.help[0].upper()}{command.help[1:]}."
    parser = Parser(f"edgedigits {name}", description=text)
    import_module(command.module).configure(parser)
    return parser


def top_parser() -> argparse.ArgumentParser:
    """Return the parser of what stands in place of a command."""
    parser = Parser(
        "edgedigits",
        usage="edgedigits COMMAND ... | edgedigits COMMAND --help",
        description="Classify and read digits on small boards, with models verified to compute there as on the host.",
        epilog=_command_list(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", nargs="?", choices=COMMANDS, metavar="COMMAND", help="one of the commands below")
    parser.add_argument("--version", action="version", version=f"edgedigits {__version__}")
    parser.add_argument("--completion", action=_Completion, choices=("bash", "zsh"), help="print a completion script")
    return parser


def _command_list() -> str:
    width = max(map(len, COMMANDS))
    lines: list[str] = []
    for group in dict.fromkeys(command.group for command in COMMANDS.values()):
        lines.append(f"{group}:")
        lines += [f"  {name:<{width}}  {one.help}" for name, one in COMMANDS.items() if one.group == group]
    return "\n".join([*lines, "", _EXIT_CODES])


class _Completion(argparse.Action):
    """The option that prints a completion script: commands, options, then file names."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,  # noqa: ARG002  the interface of argparse
        values: str | Sequence[object] | None,
        option_string: str | None = None,  # noqa: ARG002
    ) -> None:
        """Print the script for one shell and exit."""
        cases = "\n".join(f'    {name}) words="{" ".join(_options(name))}" ;;' for name in COMMANDS)
        if values == "zsh":
            print("autoload -U +X bashcompinit && bashcompinit")
        print(
            f'_edgedigits() {{\n  local words="{" ".join(COMMANDS)} --help --version"\n'
            f'  if [ "$COMP_CWORD" -gt 1 ]; then case "${{COMP_WORDS[1]}}" in\n{cases}\n  esac; fi\n'
            '  COMPREPLY=($(compgen -W "$words" -- "${COMP_WORDS[COMP_CWORD]}"))\n}\n'
            "complete -o default -F _edgedigits edgedigits"
        )
        parser.exit()


def _options(name: str) -> list[str]:
    return [word for action in command_parser(name)._actions for word in action.option_strings]  # noqa: SLF001


if __name__ == "__main__":
    raise SystemExit(process())
