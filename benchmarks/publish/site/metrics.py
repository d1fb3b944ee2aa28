"""The reference page of the service's metrics, made by a service's metrics themselves."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

from prometheus_client.parser import text_string_to_metric_families

from benchmarks.publish.site.records import escaped
from edgedigits.images.judge import Reason
from edgedigits.serve.metrics import BUCKETS, Metrics
from edgedigits.system_info.health import THROTTLING
from edgedigits.system_info.source import this_machine

# A board that reports everything, for metrics that only such a board has.
_BOARD = {
    "/sys/class/thermal/thermal_zone0/temp": "50000",
    "/sys/devices/platform/soc/soc:firmware/get_throttled": "0",
}


def metrics_text() -> str:
    """Return what the page has of them."""
    metrics = Metrics(replace(this_machine(), read=_BOARD.get))
    metrics.count_request("/v1/classify", 200)
    metrics.count_rejection("ambiguous")
    metrics.observe({"infer": 1.0})
    lines = ["| metric | kind | labels | meaning |", "|---|---|---|---|"]
    for family in text_string_to_metric_families(metrics.text().decode()):
        name = f"{family.name}_total" if family.type == "counter" else family.name
        labels = dict.fromkeys(label for sample in family.samples for label in sample.labels if label != "le")
        told = ", ".join(f"`{label}`" for label in labels)
        lines.append(f"| `{name}` | {family.type} | {told} | {escaped(family.documentation)} |")
    return "\n".join(lines) + _tail()


def _tail() -> str:
    reasons = ", ".join(f"`{reason}`" for reason in get_args(Reason))
    limits, conditions = ", ".join(f"{bucket:g}" for bucket in BUCKETS), ", ".join(THROTTLING.values())
    return f"""

Labels of `edgedigits_requests_total` are the path, `other` for those that the service does not have, and the status of
HTTP. `reason` is one of {reasons}: see [refusal reasons](glossary.md#refusal-reasons). `stage` is `decode`,
`preprocess` and `infer` of a classification, or `decode`, `locate` and `classify` of a page; the limits of its
histogram are {limits} seconds. `what` is one of {conditions}.
The temperature, the throttling and the figures of the process are missing where the system does not report them.
"""
