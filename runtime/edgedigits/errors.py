"""The exceptions of edgedigits, whose tree is the table of the command's exit codes.

The message of an error is one line: what was expected, what was found, and what to do.

* EdgeDigitsError
    * GateFailedError (1)           a gate failed: parity, accuracy or a golden test
        * GoldenMismatchError       a model's outputs for its golden inputs differ from the recorded ones
    * InputError (2)                wrong use; unreadable, corrupt or mismatched input; or an I/O error
        * UsageError                options or arguments are invalid or do not go together
        * DatasetError              a data set cannot be read, or is not the expected one
        * ImageError                an image cannot be read, or an array is of the wrong kind
        * BundleError               a bundle or model file is missing, broken or not what its manifest says
        * OutputError               a result cannot be written, or exists already
    * TargetError (3)               this machine cannot run the file, would compute wrongly, or it is unknown
        * EngineMissingError        no installed inference engine reads the file
        * ExtraMissingError         packages of an extra, which the command needs, are not installed
        * ModelRejectedError        an engine refused the model file
    * MeasurementError (4)          the measurement is not valid, or there are too few data
"""

from __future__ import annotations

from typing import ClassVar

from edgedigits.printable import printable


class EdgeDigitsError(Exception):
    """The base class of all errors that edgedigits raises on purpose."""

    exit_code: ClassVar[int] = 2

    def __str__(self) -> str:
        """Return the message on one line of printable text, whatever a file's name has in it."""
        return printable(" ".join(super().__str__().split("\n")))


class GateFailedError(EdgeDigitsError):
    """A gate failed (exit code 1)."""

    exit_code = 1


class GoldenMismatchError(GateFailedError):
    """A model's outputs for its golden inputs differ from the recorded ones."""


class InputError(EdgeDigitsError):
    """The use is wrong, or input is unreadable, corrupt or mismatched (exit code 2)."""


class UsageError(InputError):
    """Options or arguments are invalid or do not go together."""


class DatasetError(InputError):
    """A data set cannot be read, or is not the expected one."""


class ImageError(InputError):
    """An image cannot be read, or an array has a wrong shape, type or content."""


class BundleError(InputError):
    """A bundle or model file is missing, broken, or not what its manifest says."""


class OutputError(InputError):
    """A result cannot be written, or exists already."""


class TargetError(EdgeDigitsError):
    """This machine cannot run the file, would compute wrongly, or it is unknown (exit code 3)."""

    exit_code = 3


class EngineMissingError(TargetError):
    """No installed inference engine reads the file."""


class ExtraMissingError(TargetError):
    """The command needs packages that are not installed."""


class ModelRejectedError(TargetError):
    """An engine refused to load or to run the model file."""


class MeasurementError(EdgeDigitsError):
    """The measurement is not valid, or there are too few data (exit code 4)."""

    exit_code = 4
