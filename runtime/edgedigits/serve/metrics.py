"""The metrics of the service and of the board, in Prometheus' text format 0.0.4."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from edgedigits.system_info.health import THROTTLING, read_health
from edgedigits.system_info.source import SystemSource

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
# In seconds, from a decoded digit on a fast machine to a page on a slow one.
BUCKETS = (5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 5e-2, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """The metrics of one service, in a registry of their own."""

    def __init__(self, source: SystemSource) -> None:
        """Register all metrics; ``source`` gives the board's temperature and throttling."""
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "edgedigits_requests", "Responses by path and status.", ("path", "status"), registry=self._registry
        )
        self._rejections = Counter(
            "edgedigits_rejections", "Rejected predictions by reason.", ("reason",), registry=self._registry
        )
        self._stages = Histogram(
            "edgedigits_stage_seconds", "Time of each stage of a prediction or reading.", ("stage",), buckets=BUCKETS,
            registry=self._registry,
        )  # fmt: skip
        ProcessCollector(registry=self._registry)  # process_resident_memory_bytes and others
        self._registry.register(_Board(source))
        # Finding a counter by its labels takes longer than counting.
        self._request = cache(lambda path, status: self._requests.labels(path, str(status)))
        self._stage = cache(self._stages.labels)

    def count_request(self, path: str, status: int) -> None:
        """Count a response; ``path`` must be one of a few, or a scanner could fill the memory."""
        self._request(path, status).inc()

    def count_rejection(self, reason: str) -> None:
        """Count a prediction that was rejected for ``reason``."""
        self._rejections.labels(reason).inc()

    def observe(self, stages_ms: Mapping[str, float]) -> None:
        """Record the time of each stage of a prediction or reading."""
        for stage, milliseconds in stages_ms.items():
            self._stage(stage).observe(milliseconds / 1000)

    def text(self) -> bytes:
        """Return all metrics as text; this reads the board's sensors."""
        return generate_latest(self._registry)


class _Board(Collector):
    """The board's temperature and throttling, where it reports them."""

    def __init__(self, source: SystemSource) -> None:
        self._source = source

    def collect(self) -> Iterator[Metric]:
        health = read_health(self._source.read, self._source.vcgencmd)
        if health.temperature_c is not None:
            yield GaugeMetricFamily(
                "edgedigits_temperature_celsius", "Temperature of the processor.", health.temperature_c
            )
        if health.throttling is not None:
            bits = GaugeMetricFamily(
                "edgedigits_throttling", "1 for each condition that the firmware reports.", labels=["what"]
            )
            for name in THROTTLING.values():
                bits.add_metric([name], float(name in health.throttling))
            yield bits

    def describe(self) -> Iterator[Metric]:
        return iter(())
