"""Which engine release introduced what: questions to the tables of this package."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from edgedigits_export.compat.onnx_tables import onnx_tables
from edgedigits_export.compat.targets import known_targets
from edgedigits_export.compat.tflite_tables import tflite_tables


@dataclass(frozen=True, slots=True, order=True)
class ReleasePoint:
    """A point in the order of releases, at which an operator version, a kernel or a file format was introduced.

    TensorFlow Lite's releases come first. LiteRT counts from 1.0 again; it began after the last tflite-runtime and has
    everything that came before.

    Attributes
    ----------
    line: 0 for TensorFlow Lite and for onnxruntime, 1 for LiteRT, 2 for never.
    numbers: the release as `release_numbers` gives it.

    """

    line: int
    numbers: tuple[int, ...]

    def __str__(self) -> str:
        """Return the number of the release, with LiteRT's name before it where it is one of LiteRT's."""
        number = ".".join(map(str, (*self.numbers, 0)[: max(2, len(self.numbers))]))
        return f"LiteRT {number}" if self.line == 1 else number

    def full(self) -> str:
        """Return the release with three numbers, as packages have it: ``2.14.0``."""
        return ".".join(map(str, (*self.numbers, 0, 0)[:3]))


STANDARD, ML = "ai.onnx", "ai.onnx.ml"
ALWAYS, NEVER = ReleasePoint(0, ()), ReleasePoint(2, ())


def release_numbers(version: str) -> tuple[int, ...]:
    """Return ``2.14.0`` as numbers that compare as releases do; zeros at the end do not count."""
    numbers = list(map(int, version.split(".")))
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)


def parse_point(text: str) -> ReleasePoint:
    """Return the point that the tables write as ``2.14.0``, ``litert 1.0.0``, ``always`` or ``never``."""
    if text in {"always", "never"}:
        return ALWAYS if text == "always" else NEVER
    return ReleasePoint(int(text.startswith("litert ")), release_numbers(text.removeprefix("litert ")))


def release_point(engine: str, version: str) -> ReleasePoint:
    """Return the point of an engine's release; the release has everything that was introduced until then."""
    return ReleasePoint(int(engine == "litert"), release_numbers(version))


def operator_introduced_at(operator: str, version: int) -> ReleasePoint:
    """Return when a version of a TFLite operator was introduced, `NEVER` where the table does not have it."""
    row = tflite_tables().operators.get(operator, ())
    return parse_point(row[version - 1]) if 0 < version <= len(row) else NEVER


def opset_introduced_at(opset: int, domain: str = STANDARD) -> ReleasePoint | None:
    """Return when onnxruntime introduced an opset of a domain, None where the table does not have it."""
    return _known_point(onnx_tables().opsets.get(domain, {}).get(str(opset)))


def ir_version_introduced_at(ir_version: int) -> ReleasePoint | None:
    """Return when onnxruntime introduced an IR version of the file format, None where the table does not have it."""
    return _known_point(onnx_tables().ir_versions.get(str(ir_version)))


def _known_point(text: str | None) -> ReleasePoint | None:
    return None if text is None else parse_point(text)


def smallest_tflite_releases(needs: Iterable[ReleasePoint]) -> dict[str, str]:
    """Return the smallest release of each TFLite engine that meets all needs; empty where none does.

    Of TensorFlow Lite it is the release of the sources; the first with a wheel of tflite-runtime is 2.7.
    """
    last = max(needs, default=NEVER)
    if last == NEVER:
        return {}
    first = known_targets().engines["litert"].first
    return {"tflite-runtime": last.full(), "litert": first} if last.line == 0 else {"litert": last.full()}


def smallest_onnxruntime_release(needs: Iterable[ReleasePoint]) -> dict[str, str]:
    """Return the smallest release of onnxruntime that meets all needs; empty where none does."""
    last = max(needs, default=NEVER)
    return {} if last == NEVER else {"onnxruntime": str(last)}
