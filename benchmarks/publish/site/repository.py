"""Which file of the repository is which page of the site, and links that lead right on both."""

from __future__ import annotations

import logging
import os
import re
from pathlib import Path, PurePosixPath

# Pages that stand outside docs/, where GitHub and package indexes look for them.
OUTSIDE = {
    "README.md": "index.md",
    "models/README.md": "explanation/family.md",
    "ARCHITECTURE.md": "explanation/architecture.md",
    "examples/README.md": "examples.md",
    "CHANGELOG.md": "project/changelog.md",
    "CONTRIBUTING.md": "project/contributing.md",
    "RELEASE.md": "project/release.md",
    "SECURITY.md": "project/security.md",
    "runtime/edgedigits/bundles/NOTICE.md": "project/notice.md",
}
_DOCS, _PROGRAMS = "docs", "examples/*.py"
# Code, which is left alone; then a link or a picture of Markdown; then an attribute of HTML.
_FENCE = r"^(?P<fence>[ ]*(?:```|~~~))[\s\S]*?^(?P=fence)"
_LINK = r"(?P<mark>!?)\[(?P<text>(?:[^\[\]]|!?\[[^\[\]]*\]\([^()]*\))*)\]\((?P<target>[^\s()]+)\)"
_ATTRIBUTE = r"(?P<name>\b(?:src|srcset|href)=\")(?P<address>[^\"]+)(?=\")"
_PARTS = re.compile(rf"{_FENCE}|``.*?``|`[^`]*`|{_LINK}|{_ATTRIBUTE}", re.MULTILINE)
_ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:|//|#")

log = logging.getLogger("mkdocs.hooks.site")


class Repository:
    """The repository at ``root``, whose files appear on the site under other paths."""

    def __init__(self, root: Path) -> None:
        """Take the folder with README.md in it."""
        self.root = root
        server, name = (os.environ.get(f"GITHUB_{what}") for what in ("SERVER_URL", "REPOSITORY"))
        # Where the project is published is known to GitHub's machines alone; elsewhere no address is made up.
        self.address = f"{server}/{name}/blob/main" if server and name else None

    def origin(self, page: str) -> str | None:
        """Return the path in the repository of a page of the site; None for pages that are made."""
        for path, known in OUTSIDE.items():
            if known == page:
                return path
        path = f"{_DOCS}/{page}"
        return path if (self.root / path).is_file() else None

    def text(self, path: str) -> str:
        """Return the text of a page that stands outside docs/; that of the examples has the programs in it."""
        text = (self.root / path).read_text()
        if path != "examples/README.md":
            return text
        programs = sorted(self.root.glob(_PROGRAMS))
        return text + "".join(f"\n## {one.name}\n\n```python\n{one.read_text()}```\n" for one in programs)

    def page(self, path: str) -> str | None:
        """Return the path on the site of a file of the repository; None where the site has none."""
        if path in OUTSIDE:
            return OUTSIDE[path]
        if PurePosixPath(path).match(_PROGRAMS):
            return f"{OUTSIDE['examples/README.md']}#{PurePosixPath(path).name.replace('.', '')}"
        return path.removeprefix(f"{_DOCS}/") if path.startswith(f"{_DOCS}/") else None

    def with_links(self, text: str, page: str, origin: str) -> str:
        """Return the text of a page of the site whose links are those of ``origin``, a path in the repository.

        A link to a file that the site does not have leads to the published repository where its address is known; else
        its text alone remains. What leads nowhere is a warning, which a strict build does not forgive.
        """

        def replaced(match: re.Match[str]) -> str:
            found = match.groupdict()
            if found["name"]:
                return f"{found['name']}{self._moved(found['address'], page, origin) or '#'}"
            if not found["target"]:
                return match[0]
            words = _PARTS.sub(replaced, found["text"])
            to = self._moved(found["target"], page, origin)
            return words if to is None else f"{found['mark']}[{words}]({to})"

        return _PARTS.sub(replaced, text)

    def _moved(self, target: str, page: str, origin: str) -> str | None:
        """Return where a link of ``origin`` leads from ``page``, or None where it can lead nowhere."""
        if _ELSEWHERE.match(target):
            return target
        path, _, anchor = target.partition("#")
        there = os.path.normpath(PurePosixPath(origin).parent / path)
        if there.startswith(("..", "/")) or not (self.root / there).exists():
            log.warning("%s: a link leads to %s, which the repository does not have", origin, target)
            return None
        if to := self.page(there):
            moved = os.path.relpath(to, PurePosixPath(page).parent)
            return f"{moved}#{anchor}" if anchor else moved
        return f"{self.address}/{there}" if self.address else None
