"""The exceptions of edgedigits; their tree is the table of the command's exit codes.

An error's text is one line: what was expected, what was found, what to do about it.

* EdgeDigitsError
    * GateFailedError (1)                a gate said no: parity, accuracy, a golden answer
        * GoldenMismatchError            a model answered its golden inputs wrongly
    * InputError (2)                wrong use, or unreadable, corrupt or mismatched input, or an I/O error
        * UsageError                options or arguments that make no sense together
        * DatasetError              images and labels for training, calibration, evaluation
        * ImageError                one image that cannot be read, or an array of the wrong kind
        * BundleError               a bundle or model file that is missing, broken or not what its manifest says
        * OutputError               a result that cannot be written, or is there already
    * TargetError (3)               this machine cannot run this file, or would compute wrongly, or cannot tell
        * EngineMissingError             no inference engine that reads this file is installed
        * ExtraMissingError              the verb needs packages of an extra that are not installed
        * ModelRejectedError             an engine refused the model file
    * MeasurementError (4)          the measurement is not valid, or there are too few data
"""

from __future__ import annotations

from typing import ClassVar


class EdgeDigitsError(Exception):
    """Base of all errors that edgedigits raises on purpose."""

    exit_code: ClassVar[int] = 2

    def __str__(self) -> str:
        """The text on one line, whatever a file's name holds."""
        return " ".join(super().__str__().splitlines())


class GateFailedError(EdgeDigitsError):
    """A gate said no (exit code 1)."""

    exit_code = 1


class GoldenMismatchError(GateFailedError):
    """A model answered its golden inputs differently from what its bundle promises."""


class InputError(EdgeDigitsError):
    """Wrong use, or input that is unreadable, corrupt or not what was promised (exit code 2)."""


class UsageError(InputError):
    """Options or arguments that make no sense together."""


class DatasetError(InputError):
    """A data set that cannot be read, or is not the one expected."""


class ImageError(InputError):
    """One image that cannot be read, or an array of a wrong shape, type or content."""


class BundleError(InputError):
    """A bundle or model file that is missing, broken, or not what its manifest says."""


class OutputError(InputError):
    """A result that cannot be written, or that exists already."""


class TargetError(EdgeDigitsError):
    """This machine cannot run the file, would compute wrongly, or the verdict is unknown (exit code 3)."""

    exit_code = 3


class EngineMissingError(TargetError):
    """No installed inference engine reads the file."""


class ExtraMissingError(TargetError):
    """The verb needs packages that are not installed."""


class ModelRejectedError(TargetError):
    """An engine refused to load or to run the model file."""


class MeasurementError(EdgeDigitsError):
    """The measurement is not valid, or there are too few data (exit code 4)."""

    exit_code = 4
