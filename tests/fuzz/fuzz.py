"""Feed a target with what Atheris makes up: ``python tests/fuzz/fuzz.py TARGET [options of libFuzzer]``.

What is new goes into ``build/fuzz/TARGET``, what fails into ``build/fuzz``. What fails is mended, and goes into the
corpus with a test.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["edgedigits", "edgedigits_export", "zipfile", "json", "PIL"]):
    import targets

HERE = Path(__file__).parent
NEW = Path("build/fuzz")
_LONGEST = 20_000  # bytes of an input: the largest of the corpus has 18,520


def main(name: str, *options: str) -> None:
    """Fuzz a target until it fails or the options' time is over."""
    corpus, new = HERE / "corpus" / name, NEW / name
    for folder in (corpus, new):
        folder.mkdir(parents=True, exist_ok=True)
    limits = ["-timeout=10", "-rss_limit_mb=1024", f"-max_len={_LONGEST}", f"-artifact_prefix={NEW}/{name}-"]
    words = [sys.argv[0], *limits, *options, str(new), str(corpus)]
    atheris.Setup(words, lambda data: targets.run(name, data))
    atheris.Fuzz()


if __name__ == "__main__":
    os.environ.setdefault("PYTHONHASHSEED", "0")
    main(*sys.argv[1:])
