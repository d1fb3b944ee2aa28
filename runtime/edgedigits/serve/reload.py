"""Taking another bundle while the service runs: on SIGHUP, if its golden inputs give what was recorded."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable

from edgedigits.classifier import DigitClassifier
from edgedigits.errors import EdgeDigitsError
from edgedigits.serve.service import Service, verify

Tell = Callable[[str], object]


class Reloader:
    """It loads the bundle anew beside the one that answers, and puts it in its place once it is verified.

    A request that has begun ends with the classifier that it began with, whose memory is free after the last of them.
    """

    def __init__(self, service: Service, load: Callable[[], DigitClassifier], tell: Tell) -> None:
        """``load`` makes the classifier anew; ``tell`` prints a line."""
        self._service, self._load, self._tell = service, load, tell
        self._running: asyncio.Task[None] | None = None
        self._again = False

    def listen(self) -> None:
        """Reload on SIGHUP from now on; this is called in the service's event loop."""
        if hasattr(signal, "SIGHUP"):  # Windows has none
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self.reload)

    def reload(self) -> None:
        """Begin to reload; a signal that comes meanwhile makes it load once more."""
        if self._running is not None and not self._running.done():
            self._again = True
        else:
            self._running = asyncio.get_running_loop().create_task(self._reload())

    async def _reload(self) -> None:
        while True:
            self._again = False
            try:
                # In a thread of its own: requests are answered meanwhile.
                classifier, verified = await asyncio.to_thread(self._verified)
            except (EdgeDigitsError, OSError, MemoryError) as error:
                self._tell(f"edgedigits serve: stays with {self._name()}: {error}")
            else:
                self._service.classifier, self._service.verified_inputs = classifier, verified
                self._tell(f"edgedigits serve: runs {self._name()}")
            if not self._again:
                return

    def _verified(self) -> tuple[DigitClassifier, int | None]:
        classifier = self._load()
        return classifier, verify(classifier)

    def _name(self) -> str:
        model, engine = self._service.classifier.model_id, self._service.classifier.engine_id
        return f"{model.name} {model.variant or ''} {(model.bundle or model.sha256)[:12]} in {engine.name}"
