"""The reference page of the commands, made of the parsers that parse their words."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from functools import partial

from benchmarks.publish.site.records import escaped
from edgedigits.cli.commands import COMMANDS
from edgedigits.cli.main import command_parser, top_parser

# What each group of commands is for.
_GROUPS = {
    "Read": "Digits of pictures, cameras, archives, and on the network.",
    "Trust": "What a file needs, and whether it answers here as it did where it was made.",
    "Make": "From pictures to a trained model, and from a model to files for a board.",
    "Measure": "How long it takes on this machine.",
}
_WIDTH = 84  # of what a page shows without scrolling


def commands_text() -> str:
    """Return what the page has of them."""
    parts = [_options_of_all()]
    for group in dict.fromkeys(command.group for command in COMMANDS.values()):
        parts.append(f"## {group} {{#group-{group.lower()}}}\n\n{_GROUPS[group]}\n\n")
        for name, command in COMMANDS.items():
            if command.group == group:
                parser = command_parser(name)
                parts += [f"### {name}\n\n", *_about(parser), *_extra(command.extra), *_verbs(parser)]
    return "".join(parts)


def _options_of_all() -> str:
    return f"```text\nedgedigits COMMAND ...\n```\n\n{_table(top_parser(), skip=('command',))}"


def _about(parser: argparse.ArgumentParser) -> Iterator[str]:
    """Yield the description, the usage, all options, and what is said at the end."""
    parser.formatter_class = partial(argparse.HelpFormatter, width=_WIDTH)
    usage = parser.format_usage().removeprefix("usage: ")
    yield f"{_plain(parser.description)}\n\n```text\n{usage}```\n\n{_table(parser)}"
    if parser.epilog:
        yield f"{_plain(parser.epilog)}\n\n"


def _extra(extra: str | None) -> Iterator[str]:
    if extra is not None:
        yield f"Needs the [extra](glossary.md#extra) `{extra}`.\n\n"


def _verbs(parser: argparse.ArgumentParser) -> Iterator[str]:
    for action in parser._actions:  # noqa: SLF001  argparse has no other way to its own options
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            helps = {choice.dest: choice.help for choice in action._choices_actions}  # noqa: SLF001
            for name, verb in action.choices.items():
                verb.description = verb.description or f"{_sentence(helps.get(name))}"
                yield f"#### {parser.prog.partition(' ')[2]} {name}\n\n"
                yield from _about(verb)


def _table(parser: argparse.ArgumentParser, skip: tuple[str, ...] = ("help",)) -> str:
    rows = [
        f"| {escaped(_words(action))} | {escaped(_help(parser, action))} |\n"
        for action in parser._actions  # noqa: SLF001
        if action.dest not in skip and (action.help or action.option_strings) and action.help != argparse.SUPPRESS
    ]
    return "| option | meaning |\n|---|---|\n" + "".join(rows) + "\n" if rows else ""


def _words(action: argparse.Action) -> str:
    """Return an option as it is typed, or an argument by its name."""
    choices = "{" + ",".join(map(str, action.choices)) + "}" if action.choices else ""
    value = "" if action.nargs == 0 else action.metavar or choices or action.dest.upper()
    shown = " ".join(value) if isinstance(value, tuple) else value
    return ", ".join(f"`{f'{option} {shown}'.strip()}`" for option in action.option_strings or [""])


def _help(parser: argparse.ArgumentParser, action: argparse.Action) -> str:
    """Return the meaning, with the default where there is one that is not told already."""
    text = parser._get_formatter()._expand_help(action) if action.help else ""  # noqa: SLF001
    plain = action.default is None or action.default is argparse.SUPPRESS or action.default in (False, [], ())
    if not plain and "default" not in text:
        text += f" (default: {action.default})"
    return _plain(text)


def _sentence(text: str | None) -> str:
    words = _plain(text)
    return f"{words[0].upper()}{words[1:]}".rstrip(".") + "." if words else ""


def _plain(text: str | None) -> str:
    """Return a help text with its options as code, and nothing else that Markdown would take for marks."""
    told = " ".join((text or "").split()).replace("%%", "%")
    told = re.sub(r"[*_<>\[\]]", r"\\\g<0>", told)
    return re.sub(r"(?<![\w`-])--[a-z][a-z-]*", r"`\g<0>`", told)
