"""The command `edgedigits bundle`: the store of this board, and the files that travel to it."""

from __future__ import annotations

import argparse
import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from edgedigits.console.options import add_engine_choice, add_output, add_signers, output_of
from edgedigits.console.progress import progress
from edgedigits.console.signed import signers_of
from edgedigits.console.tables import table
from edgedigits.errors import GateFailedError, UsageError
from edgedigits.files import refuse_existing, write_atomic

if TYPE_CHECKING:
    from edgedigits.bundle import Bundle

_CHANGED, _SLOWER, _MEMORY, _TIMEOUT_S = 3, "20%", "20%", 600


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verbs of the command and their options."""
    parser.epilog = "Each verb has --help; most of them print JSON with --json."
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB", title="verbs")
    bundle = {"metavar": "BUNDLE", "type": Path, "help": "a bundle's folder, or the .tar of pack"}

    install = verbs.add_parser("install", help="copy a bundle into the store of this board; nothing runs it yet")
    install.add_argument("place", **bundle)  # type: ignore[arg-type]
    add_signers(install)
    activate = verbs.add_parser("activate", help="make an installed bundle the active one if it passes its gates here")
    activate.add_argument("id", metavar="ID", help="its id, or the first characters of it")
    add_engine_choice(activate)
    activate.add_argument(
        "--pictures", type=Path, metavar="DIR",
        help="pictures of this board, in folders named by label or not (default: pictures in the store)",
    )  # fmt: skip
    activate.add_argument(
        "--max-changed", type=int, default=_CHANGED, metavar="N",
        help=f"how many pictures without a label may get another answer (default: {_CHANGED})",
    )  # fmt: skip
    activate.add_argument(
        "--max-slower", default=_SLOWER, metavar="PERCENT", help="allowed increase of latency (default: 20%%)"
    )
    activate.add_argument(
        "--max-memory", default=_MEMORY, metavar="PERCENT", help="allowed increase of memory (default: 20%%)"
    )
    activate.add_argument(
        "--timeout", type=int, default=_TIMEOUT_S, metavar="S", help=f"for all gates together (default: {_TIMEOUT_S})"
    )
    add_signers(activate)
    rollback = verbs.add_parser("rollback", help="make the bundle active that was before")
    rollback.add_argument("--why", metavar="TEXT", help="remember the bundle that is left as refused, for this reason")
    listed = verbs.add_parser("list", help="list the bundles in the store, the active one, and why others were refused")
    pack = verbs.add_parser("pack", help="write a bundle into one .tar, always the same bytes")
    pack.add_argument("place", **bundle)  # type: ignore[arg-type]
    pack.add_argument("-o", "--output", type=Path, metavar="FILE", required=True, help="the .tar to write")
    pack.add_argument("--overwrite", action="store_true", help="replace FILE if it exists")
    sign = verbs.add_parser("sign", help="sign a bundle's folder with a key of ssh-keygen")
    sign.add_argument("place", metavar="BUNDLE", type=Path, help="a bundle's folder")
    sign.add_argument(
        "--key", type=Path, required=True, help="a private key, or a public one whose other half the agent has"
    )
    sign.add_argument("--overwrite", action="store_true", help="replace a signature")
    verify = verbs.add_parser("verify", help="verify a bundle's hashes, and its signature if one is asked for")
    verify.add_argument("place", **bundle)  # type: ignore[arg-type]
    add_signers(verify)
    for verb in (install, activate, rollback, listed, verify):
        add_output(verb)


def run(args: argparse.Namespace) -> int:
    """Run one verb."""
    if args.verb in {"install", "activate", "rollback", "list", "verify"}:
        output_of(args).refuse_existing()
    verbs = {
        "install": _install, "activate": _activate, "rollback": _rollback, "list": _list,
        "pack": _pack, "sign": _sign, "verify": _verify,
    }  # fmt: skip
    return verbs[args.verb](args)


def _install(args: argparse.Namespace) -> int:
    from edgedigits.store.active import store_folder
    from edgedigits.store.contents import open_contents
    from edgedigits.store.store import install, locked

    store, contents = store_folder(), open_contents(args.place, signers_of(args))
    with locked(store):
        changed = install(store, contents)
    manifest = contents.manifest
    text = f"{manifest.name} {manifest.id[:12]} " + (f"installed in {store}" if changed else "is installed already")
    values = {"bundle": manifest.id, "name": manifest.name, "store": str(store), "changed": changed}
    output_of(args).give(values | {"signer": contents.signer}, text + _by(contents.signer))
    return 0


def _activate(args: argparse.Namespace) -> int:
    from edgedigits.records import to_plain
    from edgedigits.store.activate import Request, activate
    from edgedigits.store.active import store_folder
    from edgedigits.store.gates import Limits

    limits = Limits(args.max_changed, _share(args.max_slower, "--max-slower"), _share(args.max_memory, "--max-memory"))
    if args.timeout < 1 or args.max_changed < 0:
        raise UsageError("activate: expected --timeout from 1 and --max-changed from 0 on, found less")
    if args.pictures is not None and not args.pictures.is_dir():
        raise UsageError(f"--pictures {args.pictures}: expected a folder, found none")
    request = Request(args.id, args.variant, args.engine, args.pictures, limits, args.timeout)
    report = activate(store_folder(), request, progress, partial(_require_signed, args))
    done = "was active already" if not report.gates else "is active" if report.switched else "was refused"
    head = f"{report.name} {report.bundle[:12]}, {report.variant} in {report.engine}: {done}"
    rows = [
        [one.gate, one.outcome.upper() if one.outcome == "failed" else one.outcome, one.found] for one in report.gates
    ]
    text = f"{head}\n\n{table(['gate', '', 'found'], rows)}" if rows else head
    output_of(args).give({"schema": "edgedigits/activate/1", **to_plain(report)}, text)
    return GateFailedError.exit_code if report.refused else 0


def _require_signed(args: argparse.Namespace, bundle: Bundle) -> None:
    signers = signers_of(args)
    if signers is not None:
        from edgedigits.store.contents import signed_bundle

        signed_bundle(bundle, signers)


def _rollback(args: argparse.Namespace) -> int:
    from edgedigits.store.active import store_folder
    from edgedigits.store.store import locked, refuse, roll_back

    store = store_folder()
    with locked(store):
        left, now = roll_back(store)
        if args.why:
            refuse(store, left.bundle, args.why, left.report)
    text = f"{now.bundle[:12]} is active again" if now else "no bundle is active"
    values = {"left": left.bundle, "active": now.bundle if now else None, "why": args.why}
    output_of(args).give(values, f"{text}, {left.bundle[:12]} is not any more")
    return 0


def _list(args: argparse.Namespace) -> int:
    from datetime import UTC, datetime

    from edgedigits.records import to_plain
    from edgedigits.store.active import read_active, store_folder
    from edgedigits.store.store import entries

    store = store_folder()
    found, active = entries(store), read_active(store)
    rows = [
        [
            one.id[:12],
            one.name,
            f"{datetime.fromtimestamp(one.installed, UTC):%Y-%m-%d %H:%M}",
            one.state,
            one.why or "",
        ]
        for one in found
    ]
    text = table(["id", "name", "installed (UTC)", "state", "why"], rows) if rows else f"{store}: no bundles yet"
    values = {"store": str(store), "active": active.bundle if active else None, "bundles": to_plain(found)}
    output_of(args).give(values | {"activation": to_plain(active) if active else None}, text)
    return 0


def _pack(args: argparse.Namespace) -> int:
    refuse_existing(args.output, overwrite=args.overwrite)
    from edgedigits.store.archive import write_archive
    from edgedigits.store.contents import open_contents

    contents = open_contents(args.place, None)
    data = write_archive(dict(contents.files()))
    write_atomic(args.output, data)
    print(f"{args.output}: {contents.manifest.name} {contents.manifest.id[:12]}, {len(data):,} bytes")
    return 0


def _sign(args: argparse.Namespace) -> int:
    from edgedigits.bundle import MANIFEST
    from edgedigits.store.contents import open_contents
    from edgedigits.store.signature import SIGNATURE, sign

    if not args.place.is_dir():
        raise UsageError(f"{args.place}: expected a bundle's folder, found none; sign it before pack")
    refuse_existing(args.place / SIGNATURE, overwrite=args.overwrite)
    contents = open_contents(args.place, None)
    files = dict(contents.files())  # what does not fit the manifest is not signed
    write_atomic(args.place / SIGNATURE, sign(files[MANIFEST], args.key))
    print(f"{args.place / SIGNATURE}: {contents.manifest.name} {contents.manifest.id[:12]}")
    return 0


def _verify(args: argparse.Namespace) -> int:
    from edgedigits.store.contents import open_contents

    contents = open_contents(args.place, signers_of(args))
    names = [name for name, _ in contents.files()]
    manifest = contents.manifest
    text = f"{manifest.name} {manifest.id[:12]}: {len(names)} files as they were exported"
    values = {"bundle": manifest.id, "name": manifest.name, "files": names, "signer": contents.signer}
    output_of(args).give(values, text + _by(contents.signer))
    return 0


def _by(signer: str | None) -> str:
    return f", signed by {signer}" if signer else ""


def _share(text: str, option: str) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*%?", text.strip())
    if match is None:
        raise UsageError(f"{option}: expected percent such as 20%, found {text!r}")
    return float(match[1]) / 100
