"""Which engine release brought what: questions to the tables of `targets.toml`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from edgedigits_export.compat.targets import known


@dataclass(frozen=True, slots=True, order=True)
class Since:
    """A place in the row of releases.

    TensorFlow Lite's come first; LiteRT, which counts anew, began after the last tflite-runtime and carries on.

    Attributes
    ----------
    row: 0 TensorFlow Lite or onnxruntime, 1 LiteRT, 2 never.

    """

    row: int
    release: tuple[int, ...]

    def __str__(self) -> str:
        """``tflite-runtime 2.13`` and the like have no name here: the number alone, or LiteRT's."""
        number = ".".join(map(str, (*self.release, 0)[: max(2, len(self.release))]))
        return f"LiteRT {number}" if self.row == 1 else number


ALWAYS, NEVER = Since(0, ()), Since(2, ())


def release(version: str) -> tuple[int, ...]:
    """``2.14.0`` as numbers that compare as releases do; zeros at the end do not count."""
    numbers = list(map(int, version.split(".")))
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)


def since(text: str) -> Since:
    """Read ``2.14.0``, ``litert 1.0.0``, ``always`` or ``never``."""
    if text in {"always", "never"}:
        return ALWAYS if text == "always" else NEVER
    return Since(int(text.startswith("litert ")), release(text.removeprefix("litert ")))


def place(engine: str, version: str) -> Since:
    """Where an engine's release stands: it has what came until then."""
    return Since(int(engine == "litert"), release(version))


def version_since(operator: str, version: int) -> Since:
    """When a version of a TFLite operator came, never where the table does not say."""
    row = known().operators.get(operator, ())
    return since(row[version - 1]) if 0 < version <= len(row) else NEVER


def opset_since(opset: int) -> Since | None:
    """The onnxruntime release that brought a standard opset, None where the table does not say."""
    text = known().opsets.get(str(opset))
    return None if text is None else since(text)


def ir_since(ir_version: int) -> Since | None:
    """The onnxruntime release that brought a version of the file format, None where the table does not say."""
    text = known().ir_versions.get(str(ir_version))
    return None if text is None else since(text)


def tflite_engines(needs: Iterable[Since]) -> dict[str, str]:
    """The smallest release of each engine that meets all needs; empty where none does.

    Of TensorFlow Lite it is the release of the sources; the first with a wheel of tflite-runtime is 2.7.
    """
    last = max(needs, default=NEVER)
    if last == NEVER:
        return {}
    first = known().engines["litert"].first
    return {"tflite-runtime": _full(last), "litert": first} if last.row == 0 else {"litert": _full(last)}


def onnxruntime_engines(needs: Iterable[Since]) -> dict[str, str]:
    """The same for onnxruntime."""
    last = max(needs, default=NEVER)
    return {} if last == NEVER else {"onnxruntime": str(last)}


def _full(when: Since) -> str:
    return ".".join(map(str, (*when.release, 0, 0)[:3]))
