"""The reference page of the manifest, made of its types, of which its JSON Schema is made as well."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.publish.site.records import fields, record_in, summary, table
from edgedigits.manifest import Manifest
from edgedigits.records import field_types


def manifest_text() -> str:
    """Return what the page has of them."""
    return "\n\n".join(_sections(Manifest, "")) + "\n"


def _sections(record: type, prefix: str) -> Iterator[str]:
    """Yield a section for the record, and one for each record inside it."""
    heading = f"`{prefix.removesuffix('.')}`" if prefix else "The whole"
    yield f"## {heading}\n\n{summary(record)}\n\n{table(fields(record, prefix, nested=False))}"
    for name, hint in field_types(record).items():
        inner, ending = record_in(hint)
        if inner is not None:
            yield from _sections(inner, f"{prefix}{name}{ending}.")
