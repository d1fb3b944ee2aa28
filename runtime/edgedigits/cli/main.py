"""Entry point of `edgedigits`: find the verb, import what it needs and nothing else, turn errors into exit codes."""

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
from edgedigits.errors import EdgeDigitsError
from edgedigits.extras import require_extra

_EXIT_CODES = "Exit codes: 0 done, 1 a gate failed, 2 bad input, 3 cannot run here, 4 not measurable."
_INTERRUPTED = 130
_IO_ERROR = 2


# Objects made before young ones are searched for cycles; Python's own 700 has imports alone do that 60 times.
_YOUNG = 50_000


def process() -> int:
    """`main` in a process of its own, which is in a hurry to begin and to end."""
    gc.set_threshold(_YOUNG)
    os.environ.setdefault(
        "OPENBLAS_NUM_THREADS", "1"
    )  # numpy starts a thread a core for products that no verb asks for
    code = main()
    gc.freeze()  # Python searches all there is for cycles before it ends: 15 ms after numpy
    return code


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a file name may be no text, a terminal may know no µ
            stream.reconfigure(errors="backslashreplace")
    try:
        code = _run(words)
        sys.stdout.flush()  # here, where a full disk or a closed pipe can still be told
        return code
    except EdgeDigitsError as error:
        print(f"edgedigits: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("edgedigits: interrupted", file=sys.stderr)
        return _INTERRUPTED
    except BrokenPipeError:  # `edgedigits ... | head`: the reader has seen enough
        _drop_output()
        return _IO_ERROR
    except OSError as error:
        print(f"edgedigits: {error.filename or 'I/O'}: {error.strerror or error}", file=sys.stderr)
        _drop_output()
        return _IO_ERROR


def _drop_output() -> None:
    """What could not be written must not be tried again when Python ends, with a message and exit code of its own."""
    with suppress(OSError, ValueError):  # a stream without a descriptor has nothing to try again
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run(words: list[str]) -> int:
    if words and words[0] in COMMANDS:
        parser = _verb_parser(words[0])
        args = parser.parse_args(words[1:])
        verb = COMMANDS[words[0]]
        if verb.extra is not None:
            require_extra(words[0], verb.extra)
        code: int = import_module(verb.module).run(args)
        return code
    parser = _top_parser()
    parser.parse_args(words)
    parser.print_help()
    return 0


def _verb_parser(name: str) -> argparse.ArgumentParser:
    verb = COMMANDS[name]
    text = f"{verb.help[0].upper()}{verb.help[1:]}."
    parser = argparse.ArgumentParser(f"edgedigits {name}", description=text, allow_abbrev=False)
    import_module(verb.module).configure(parser)
    return parser


def _top_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "edgedigits",
        usage="edgedigits VERB ... | edgedigits VERB --help",
        description="Digit classifiers, proved to answer on the board as they did on the desk.",
        epilog=_verb_list(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("verb", nargs="?", choices=COMMANDS, metavar="VERB", help="one of the verbs below")
    parser.add_argument("--version", action="version", version=f"edgedigits {__version__}")
    parser.add_argument("--completion", action=_Completion, choices=("bash", "zsh"), help="print a completion script")
    return parser


def _verb_list() -> str:
    width = max(map(len, COMMANDS))
    lines: list[str] = []
    for group in dict.fromkeys(verb.group for verb in COMMANDS.values()):
        lines.append(f"{group}:")
        lines += [f"  {name:<{width}}  {verb.help}" for name, verb in COMMANDS.items() if verb.group == group]
    return "\n".join([*lines, "", _EXIT_CODES])


class _Completion(argparse.Action):
    """Print a completion script and leave: verbs and options, then file names."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,  # noqa: ARG002  the interface of argparse
        values: str | Sequence[object] | None,
        option_string: str | None = None,  # noqa: ARG002
    ) -> None:
        """Write the script for the shell named."""
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
    return [word for action in _verb_parser(name)._actions for word in action.option_strings]  # noqa: SLF001


if __name__ == "__main__":
    raise SystemExit(process())
