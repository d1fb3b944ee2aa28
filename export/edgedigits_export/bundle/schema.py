"""Make the manifest's JSON Schema from the manifest's types, so that the two cannot differ.

Write the committed file with `python -m edgedigits_export.bundle.schema > runtime/edgedigits/manifest.schema.json`.
Source: JSON Schema draft 2020-12.
"""

from __future__ import annotations

import json
import types
from typing import Annotated, Any, Literal, get_args, get_origin

from edgedigits.manifest import SCHEMA, Manifest
from edgedigits.records import UNIONS, Check, field_types, is_record

_SCALARS = {str: "string", int: "integer", float: "number", bool: "boolean"}


def manifest_schema() -> dict[str, Any]:
    """Return the schema of a manifest."""
    schema = _object(Manifest)
    schema["properties"]["schema"] = {"const": SCHEMA}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "edgedigits bundle manifest",
        **schema,
    }


def schema_text() -> str:
    """Return the content of the committed schema file."""
    return json.dumps(manifest_schema(), indent=1) + "\n"


def _object(kind: Any) -> dict[str, Any]:
    hints = field_types(kind)
    properties = {name: _schema(hint) for name, hint in hints.items()}
    return {"type": "object", "properties": properties, "required": list(hints), "additionalProperties": False}


def _schema(hint: Any) -> dict[str, Any]:
    origin = get_origin(hint)
    if origin is Annotated:
        inner, *checks = get_args(hint)
        return _schema(inner) | {key: value for check in checks for key, value in _limits(check).items()}
    if origin in UNIONS:
        return {"anyOf": [_schema(arg) for arg in get_args(hint) if arg is not types.NoneType] + [{"type": "null"}]}
    if origin is Literal:
        return {"enum": list(get_args(hint))}
    if origin is tuple:
        return _array(get_args(hint))
    if origin is dict:
        return {"type": "object", "additionalProperties": _schema(get_args(hint)[1])}
    return _object(hint) if is_record(hint) else _scalar(hint)


def _scalar(hint: Any) -> dict[str, Any]:
    return {} if hint is Any else {"type": _SCALARS[hint]}


def _array(hints: tuple[Any, ...]) -> dict[str, Any]:
    if hints[-1] is Ellipsis:
        return {"type": "array", "items": _schema(hints[0])}
    return {"type": "array", "prefixItems": [_schema(hint) for hint in hints], "items": False, "minItems": len(hints)}


def _limits(check: Check) -> dict[str, Any]:
    found = {"pattern": check.pattern, "minimum": check.minimum}
    return {key: value for key, value in found.items() if value is not None}


if __name__ == "__main__":
    print(schema_text(), end="")
