"""Bundles whose signature an option asks for."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgedigits.errors import UsageError

if TYPE_CHECKING:
    from edgedigits.store.signature import Signers


def signers_of(args: argparse.Namespace) -> Signers | None:
    """Return whose signatures count; None where the options ask for none.

    Raises
    ------
    UsageError: revoked keys are named, but none that count.

    """
    if args.require_signature is None:
        if args.revoked is not None:
            raise UsageError("--revoked: expected --require-signature with it, found none; add it")
        return None
    from edgedigits.store.signature import Signers

    return Signers(args.require_signature, args.revoked)


def model_options(args: argparse.Namespace) -> dict[str, Any]:
    """Return what `DigitClassifier` takes for the options of `add_model`.

    Where a signature is asked for, that is the bundle itself, as it was verified.

    Raises
    ------
    GateFailedError: it is not signed as it should be.

    """
    bundle, variant, engine = args.bundle, args.variant, args.engine
    if signers := signers_of(args):
        from edgedigits.bundle import Bundle
        from edgedigits.model import is_model_file
        from edgedigits.store.active import ACTIVE, active_bundle
        from edgedigits.store.contents import signed_bundle

        if bundle is not None and is_model_file(bundle):
            raise UsageError(f"--require-signature: expected a bundle, found the file {bundle}, which has no signature")
        if bundle == ACTIVE and not Path(ACTIVE).exists():
            bundle, variant, engine = active_bundle(variant, engine)
        bundle = signed_bundle(Bundle.load(bundle), signers)
    return {"bundle": bundle, "variant": variant, "engine": engine, "num_threads": args.threads}
