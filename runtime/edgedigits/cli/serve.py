"""`edgedigits serve`."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from edgedigits.cli.options import add_model
from edgedigits.console.progress import progress
from edgedigits.quiet import quiet_descriptor

if TYPE_CHECKING:
    from edgedigits.serve.service import Service

_LOOPBACK = ("http://127.", "http://localhost", "http://[::1]")


def configure(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    parser.add_argument("--host", default="127.0.0.1", help="0.0.0.0 for the whole network (default: this machine)")
    parser.add_argument("--port", type=int, default=8000, help="0 for any that is free (default: 8000)")
    parser.add_argument("--camera", metavar="CAMERA", help="show it on the page: camera:0 or camera:/dev/video0")
    parser.add_argument(
        "--name", action="append", default=[], help="a host name that it is reached by, besides this machine's own"
    )
    parser.add_argument(
        "--cors", action="append", default=[], metavar="ORIGIN", help="let pages of https://another.example ask it, too"
    )
    parser.add_argument(
        "--print-systemd-unit", action="store_true", help="print a unit that serves with the other options, and end"
    )
    add_model(parser)


def run(args: argparse.Namespace) -> int:
    """Serve until told to end."""
    if args.print_systemd_unit:
        _print_unit(args)
        return 0
    from edgedigits.serve.app import make_app
    from edgedigits.serve.memory_tuning import be_frugal
    from edgedigits.serve.server import listen, serve, url_of

    with listen(args.host, args.port) as listening:
        service = _service(args)
        be_frugal()

        def ready() -> None:
            print(_opening(url_of(listening), service), file=sys.stderr, flush=True)

        ended_by = serve(make_app(service, args.name, args.cors), service, listening, ready)
        service.close()
    if ended_by == signal.SIGINT:
        raise KeyboardInterrupt
    return 0


def _print_unit(args: argparse.Namespace) -> None:
    from edgedigits.serve.systemd_unit import closed_to_others, unit_for

    print(unit_for(_options(args), camera=args.camera is not None), end="")
    if closed := closed_to_others():
        progress(f"edgedigits serve: {closed} is closed to others, the service's user among them; install in /opt")


def _service(args: argparse.Namespace) -> Service:
    from edgedigits.classifier import DigitClassifier
    from edgedigits.images.camera import frames
    from edgedigits.serve.camera import Camera
    from edgedigits.serve.limits import LIMITS
    from edgedigits.serve.metrics import Metrics
    from edgedigits.serve.service import Service, prove
    from edgedigits.system_info.source import here

    if args.camera is not None:
        frames(args.camera).close()  # says now what is wrong with its name, or missing for it
    with quiet_descriptor(2):
        classifier = DigitClassifier(
            args.bundle, variant=args.variant, engine=args.engine, num_threads=args.threads, max_pixels=LIMITS.pixels
        )
    service = Service(classifier, Metrics(here()), LIMITS, proved=prove(classifier))
    if args.camera is not None:
        service.camera = Camera(args.camera, classifier.read, service.worker)
    return service


def _opening(url: str, service: Service) -> str:
    model, engine = service.classifier.model_id, service.classifier.engine_id
    proof = f", proved on {service.proved} golden inputs" if service.proved else ""
    open_to = "" if url.startswith(_LOOPBACK) else "; open to the whole network, without a password"
    return f"edgedigits serve: {url} answers with {model.name} {model.variant or ''} in {engine.name}{proof}{open_to}"


def _options(args: argparse.Namespace) -> list[str]:
    """The options again, as words, without those that are as by default; paths from the root."""
    bundle = str(Path(args.bundle).resolve()) if args.bundle and Path(args.bundle).exists() else args.bundle
    given = {"--camera": args.camera, "--bundle": bundle, "--variant": args.variant}
    several = [("--name", name) for name in args.name] + [("--cors", origin) for origin in args.cors]
    always = {"--host": args.host, "--port": str(args.port), "--engine": args.engine, "--threads": str(args.threads)}
    told = [*always.items(), *((option, value) for option, value in given.items() if value is not None), *several]
    return [word for pair in told for word in pair]
