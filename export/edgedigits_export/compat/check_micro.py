"""Whether a .tflite file runs in TensorFlow Lite Micro, on a microcontroller: `micro.toml`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from edgedigits_export.compat.custom import PREFIX, custom_operator
from edgedigits_export.compat.op_signature import OpSignature
from edgedigits_export.compat.tflite_kernels import tflite_kernel_types
from edgedigits_export.compat.tflite_limits import tflite_limits
from edgedigits_export.compat.tflite_requirements import read_operator_uses
from edgedigits_export.compat.toml_table import read_table
from edgedigits_export.compat.verdict import ReleaseVerdict

NAME = "tflite-micro"
MICRO = Path(__file__).with_name("micro.toml")
_ALL = "*"
_BYTES = "in int8 with int8 ends, which it has for nearly all operators"


@dataclass(frozen=True, slots=True)
class MicroTables:
    """The content of `micro.toml`: for each operator, the types that run, are computed wrongly, and are refused.

    ``most_axes`` is how many an operator takes, where that is less than what was tried.
    """

    version: str
    most_axes: dict[str, int]
    runs: dict[str, tuple[str, ...]]
    wrong: dict[str, tuple[str, ...]]
    never: dict[str, tuple[str, ...]]


@cache
def micro_tables() -> MicroTables:
    """Return the table that ships in the package."""
    return read_table(MicroTables, MICRO)


def judge_micro(data: bytes) -> ReleaseVerdict:
    """Judge whether TensorFlow Lite Micro runs a .tflite file, by each operator's types.

    Memory is another question: a microcontroller must hold the file and an arena for its tensors.

    Raises
    ------
    BundleError: the bytes are no TFLite file, or are broken.

    """
    verdicts = [_judge(op) for op, _ in read_operator_uses(data)]
    for answer in ("cannot run", "computes wrongly", "unknown"):
        if found := next((verdict for verdict in verdicts if verdict.answer == answer), None):
            return found
    return ReleaseVerdict("runs", f"all operators and types are in {NAME} {micro_tables().version}", "")


def _judge(op: OpSignature) -> ReleaseVerdict:
    types = tflite_kernel_types(op)
    if op.name.startswith(PREFIX):
        known = custom_operator("tflite", op.name.removeprefix(PREFIX))
        why = f"{op.name.removeprefix(PREFIX)} is a custom operator; {known.has} have it"
        return ReleaseVerdict("cannot run", why, known.cure or "register it in the firmware's resolver")
    return _judge_kernel(op.name, types) or _judge_use(op, types) or ReleaseVerdict("runs", "", "")


def _judge_kernel(name: str, types: str) -> ReleaseVerdict | None:
    """Return the verdict on an operator's types; None where they run."""
    tables = micro_tables()
    never = tables.never.get(name, ())
    if _ALL in never:
        return ReleaseVerdict("cannot run", f"{NAME} has no {name}", f"make the model without {name}")
    if types in never:
        why = f"{name} has no kernel for {types} in {NAME}"
        return ReleaseVerdict("cannot run", why, f"export the model {_BYTES}")
    if types in tables.wrong.get(name, ()):
        why = f"{name} on {types} loads and answers wrongly in {NAME}"
        return ReleaseVerdict("computes wrongly", why, f"export the model {_BYTES}")
    return None if types in tables.runs.get(name, ()) else _unknown(f"{name} {types}".rstrip())


def _judge_use(op: OpSignature, types: str) -> ReleaseVerdict | None:
    """Return the verdict on an operator's shapes, options and quantization; None where they run."""
    most = micro_tables().most_axes.get(op.name)
    if most and max(map(op.rank, range(len(op.inputs))), default=0) > most:
        why = f"{op.name} takes {most} axes at most in {NAME}"
        return ReleaseVerdict("cannot run", why, f"make {op.name} with fewer axes")
    limits = tflite_limits(op, types)
    if limit := next((limit for limit in limits if limit.holds_everywhere), None):
        why = f"{op.name} with {limit.what} does not run in {NAME}, nor in any other engine"
        return ReleaseVerdict("cannot run", why, f"make {op.name} without it")
    if limits:
        return _unknown(f"{op.name} with {limits[0].what}, in which other engines differ")
    # Of operators with weights it is the bias.
    if "*" not in types and "INT64" in map(op.dtype, range(1, len(op.inputs))) and "INT64" not in types:
        return _unknown(f"{op.name} with int64 indices")
    return None


def _unknown(what: str) -> ReleaseVerdict:
    return ReleaseVerdict("unknown", f"never tried: {what}", f"run it in the wheel of {NAME}")
