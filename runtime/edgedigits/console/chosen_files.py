"""The files and engines of a command that by default uses all of them."""

from __future__ import annotations

from edgedigits.bundle import Bundle, split_variant
from edgedigits.engines import choose_engine
from edgedigits.errors import BundleError, EngineMissingError
from edgedigits.manifest import ModelFile
from edgedigits.verification.parity import pairs


def choose_files(bundle: Bundle, variant: str | None, engine: str) -> tuple[list[ModelFile], list[str]]:
    """Return the bundle's files of ``variant`` (None: all) and the engines that ``engine`` stands for.

    Raises
    ------
    BundleError: there is no such variant.
    EngineMissingError: no installed engine reads any of the files.

    """
    engines = choose_engine(engine)
    files = list(bundle.manifest.files)
    if variant is not None:
        precision, format_ = split_variant(variant)
        files = [file for file in files if file.precision == precision and format_ in {None, file.format}]
        if not files:
            present = ", ".join(file.path for file in bundle.manifest.files)
            raise BundleError(f"{bundle.path}: expected a variant {variant}, found only {present}")
    if not pairs(files, engines):
        raise EngineMissingError(
            f"expected an engine that reads {', '.join(file.path for file in files)}, found {', '.join(engines)}; "
            "take another --variant or --engine, or install one"
        )
    return files, engines
