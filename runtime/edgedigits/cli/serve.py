"""The command `edgedigits serve`."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from edgedigits.console.options import add_model
from edgedigits.console.progress import note
from edgedigits.console.signed import model_options
from edgedigits.errors import UsageError
from edgedigits.quiet import quiet_descriptor

if TYPE_CHECKING:
    from edgedigits.classifier import DigitClassifier
    from edgedigits.serve.service import Service

_LOOPBACK = ("http://127.", "http://[::1]")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help="address to listen on; 0.0.0.0 serves the whole network (default: 127.0.0.1, this machine alone)",
    )
    parser.add_argument("--port", type=int, default=8000, help="port to listen on; 0 takes a free one (default: 8000)")
    parser.add_argument(
        "--camera", metavar="CAMERA", help="also show what this camera sees: camera:0 or camera:/dev/video0"
    )
    parser.add_argument(
        "--name", action="append", default=[], metavar="HOST", help="another host name of the service (repeatable)"
    )
    parser.add_argument(
        "--cors",
        action="append",
        default=[],
        metavar="ORIGIN",
        help="allow requests from pages of this origin, such as https://another.example (repeatable)",
    )
    parser.add_argument(
        "--formats",
        metavar="FORMAT,...",
        help="also take pictures of these formats: BMP, GIF, PPM, TIFF (default: JPEG, PNG and WebP alone)",
    )
    parser.add_argument(
        "--print-systemd-unit",
        action="store_true",
        help="print a systemd unit that serves with the other options, and exit",
    )
    add_model(parser)


def run(args: argparse.Namespace) -> int:
    """Serve until a signal ends the service."""
    if args.print_systemd_unit:
        _print_unit(args)
        return 0
    from edgedigits.serve.addresses import urls_of
    from edgedigits.serve.app import make_app
    from edgedigits.serve.memory_tuning import return_freed_memory
    from edgedigits.serve.reload import Reloader
    from edgedigits.serve.server import listen, serve

    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # a terminal that closes does not end a service
    with listen(args.host, args.port) as listening:
        service = _service(args)
        return_freed_memory()

        def ready() -> None:
            Reloader(service, lambda: _classifier(args), note).listen()
            note(_banner(urls_of(listening), service))

        try:
            ended_by = serve(make_app(service, args.name, args.cors), service, listening, ready)
        finally:
            service.close()
    if ended_by == signal.SIGINT:
        raise KeyboardInterrupt
    return 0


def _print_unit(args: argparse.Namespace) -> None:
    from edgedigits.serve.systemd_unit import inaccessible_folder, unit_for
    from edgedigits.store.active import ACTIVE, store_folder

    # The service's user has no data of its own in which the active bundle could be.
    store = store_folder().absolute() if args.bundle == ACTIVE else None
    print(unit_for(_options(args), camera=args.camera is not None, store=store), end="")
    if folder := inaccessible_folder():
        note(f"edgedigits serve: expected a folder that the service's user may enter, found {folder}; install in /opt")


def _service(args: argparse.Namespace) -> Service:
    from edgedigits.images.camera import frames
    from edgedigits.serve.camera import Camera
    from edgedigits.serve.limits import LIMITS
    from edgedigits.serve.metrics import Metrics
    from edgedigits.serve.service import Service, verify
    from edgedigits.system_info.source import this_machine

    formats = _formats(args.formats)
    if args.camera is not None:
        frames(args.camera).close()  # raises now if the name is wrong or a program for it is missing
    with quiet_descriptor(2):
        classifier = _classifier(args)
    verified = verify(classifier)
    service = Service(classifier, Metrics(this_machine()), LIMITS, verified_inputs=verified, formats=formats)
    if args.camera is not None:
        service.camera = Camera(args.camera, service.read_frame, service.worker)
    return service


def _formats(named: str | None) -> tuple[str, ...]:
    from edgedigits.images.formats import FORMATS
    from edgedigits.serve.decoders import DEFAULT_FORMATS

    more = [word.strip().upper() for word in named.split(",")] if named is not None else []
    if unknown := [word for word in more if word not in FORMATS]:
        raise UsageError(f"--formats: expected some of {', '.join(FORMATS)}, found {unknown[0] or 'nothing'}")
    return tuple(sorted({*DEFAULT_FORMATS, *more}))


def _classifier(args: argparse.Namespace) -> DigitClassifier:
    from edgedigits.classifier import DigitClassifier
    from edgedigits.serve.limits import LIMITS

    return DigitClassifier(**model_options(args), max_pixels=LIMITS.pixels)


def _banner(urls: list[str], service: Service) -> str:
    """Return a line with the first URL and what answers there, and one with each other URL."""
    model, engine = service.classifier.model_id, service.classifier.engine_id
    verified = f", verified on {service.verified_inputs} golden inputs" if service.verified_inputs else ""
    open_to = "open to the whole network, without a password"
    if urls[0].startswith(_LOOPBACK):
        open_to = "for this machine alone, --host 0.0.0.0 for the network"
    unlimited = "" if sys.platform == "linux" else "; this system does not limit the memory of what decodes pictures"
    runs = f"{urls[0]} runs {model.name} {model.variant or ''} in {engine.name}"
    said = f"edgedigits serve: {runs}{verified}; {open_to}{unlimited}"
    return "\n".join([said, *(f"  {url}" for url in urls[1:])])


def _options(args: argparse.Namespace) -> list[str]:
    """Return the options as words for the unit, with absolute paths and without those that were not given."""
    bundle = str(Path(args.bundle).resolve()) if args.bundle and Path(args.bundle).exists() else args.bundle
    given = {"--camera": args.camera, "--bundle": bundle, "--variant": args.variant}
    files = {"--require-signature": args.require_signature, "--revoked": args.revoked}
    given |= {option: str(file.absolute()) for option, file in files.items() if file is not None}
    several = [("--formats", args.formats)] if args.formats is not None else []
    several += [("--name", name) for name in args.name] + [("--cors", origin) for origin in args.cors]
    always = {"--host": args.host, "--port": str(args.port), "--engine": args.engine, "--threads": str(args.threads)}
    words = [*always.items(), *((option, value) for option, value in given.items() if value is not None), *several]
    return [word for pair in words for word in pair]
