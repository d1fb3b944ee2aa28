"""What Prometheus reads, on machines that tell of their health and on those that do not."""

from __future__ import annotations

import pytest
from machines.recorded import TEMPERATURE, THROTTLED, pi, x86

pytest.importorskip("prometheus_client", reason="prometheus_client is not installed: the extra [serve] is not there")

from edgedigits.serve.metrics import Metrics


def test_a_pi_tells_its_temperature_and_of_what_its_firmware_complains() -> None:
    hot = pi("pi4", "bookworm")
    hot.files.update({TEMPERATURE: "81234\n", THROTTLED: "50005\n"})
    text = Metrics(hot.source()).text().decode()
    assert "edgedigits_temperature_celsius 81.234\n" in text
    assert 'edgedigits_throttling{what="throttled now"} 1.0' in text
    assert 'edgedigits_throttling{what="under-voltage since boot"} 1.0' in text
    assert 'edgedigits_throttling{what="frequency capped now"} 0.0' in text


def test_a_machine_that_does_not_tell_is_not_made_up() -> None:
    text = Metrics(x86().source()).text().decode()
    assert "edgedigits_temperature" not in text
    assert "edgedigits_throttling" not in text
