"""What MkDocs calls while it builds the site (mkdocs.yml, `hooks`)."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from latex2mathml.converter import convert
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from benchmarks.publish.site.commands import commands_text
from benchmarks.publish.site.exit_codes import exit_codes_text
from benchmarks.publish.site.manifest import manifest_text
from benchmarks.publish.site.metrics import metrics_text
from benchmarks.publish.site.records import with_fields
from benchmarks.publish.site.repository import OUTSIDE, Repository

# What is made of the code itself, and stands in a page in place of `<!-- made: NAME -->` to `<!-- /made -->`.
MADE: dict[str, Callable[[], str]] = {
    "commands": commands_text,
    "manifest": manifest_text,
    "exit-codes": exit_codes_text,
    "metrics": metrics_text,
}
_MADE = re.compile(r"^<!-- made: (?P<name>[\w-]+) -->$.*?^<!-- /made -->$", re.MULTILINE | re.DOTALL)
# Between such marks stands what `make readme` writes. Beside a comment Markdown sees no table.
_MARK = re.compile(r"^<!-- /?[\w-]+(?:: make readme)? -->$", re.MULTILINE)
# What pymdownx.arithmatex makes of a formula.
_FORMULA = re.compile(r"<(?P<tag>span|div) class=\"arithmatex\">\\[(\[](?P<formula>.*?)\\[)\]]</(?P=tag)>", re.DOTALL)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that stand outside docs/."""
    repository = Repository(_root(config))
    for path, page in OUTSIDE.items():
        files.append(File.generated(config, page, content=repository.text(path)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001
    """Give a page the links of the site, and what is made of the code where it asks for it."""
    repository = Repository(_root(config))
    if origin := repository.origin(page.file.src_uri):
        markdown = repository.with_links(markdown, page.file.src_uri, origin)
    markdown = _MADE.sub(lambda match: MADE[match["name"]](), markdown)
    return _MARK.sub("", with_fields(markdown))


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001
    """Write formulas as MathML, which browsers draw without a program or a font from elsewhere."""
    return _FORMULA.sub(_drawn, html)


def _root(config: MkDocsConfig) -> Path:
    return Path(config.config_file_path).parent


def _drawn(match: re.Match[str]) -> str:
    formula = match["formula"].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    if match["tag"] == "span":
        return convert(formula)
    return f'<div class="formula">{convert(formula, display="block")}</div>'
