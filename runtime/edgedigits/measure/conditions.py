"""Record the conditions that can disturb a measurement: load, steal time, throttling, temperature and governor."""

from __future__ import annotations

import time
from dataclasses import dataclass

from edgedigits.system_info.health import Health, read_health
from edgedigits.system_info.source import SystemSource
from edgedigits.system_info.text import ReadFile

# For how long the load is measured before the measurement begins.
MONITOR_SECONDS = 0.3
# Limits above which figures are doubtful: shares of the time of all processors, and a relative change of a clock.
BUSY, STOLEN, CLOCK_MOVED = 0.10, 0.02, 0.05
# Raspberry Pis slow down from 80 degrees on (https://www.raspberrypi.com/documentation/computers/processors.html).
HOT_C = 75.0


@dataclass(frozen=True, slots=True)
class Conditions:
    """The conditions of a measurement; a value is None where the machine does not report it.

    Attributes
    ----------
    before, after: the health of the machine before and after the measurement.
    busy: share of the time of all processors that other programs used just before the measurement.
    stolen: share of that time that the hypervisor gave to other machines during the measurement (steal time).

    """

    before: Health
    after: Health | None
    busy: float | None
    stolen: float | None

    def absent(self) -> list[str]:
        """Return the names of the conditions that the machine does not report."""
        names = {
            "governor": self.before.governor, "temperature": self.before.temperature_c,
            "throttling": self.before.throttling, "load": self.busy,
        }  # fmt: skip
        return [name for name, value in names.items() if value is None]

    def warnings(self) -> list[str]:
        """Return one sentence for each condition that makes the figures doubtful."""
        warnings = []
        if self.before.governor not in {None, "performance"}:
            warnings.append(
                f"the governor is {self.before.governor}, so the clock may follow the load; for repeatable figures: "
                "echo performance | sudo tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor"
            )
        if self.busy is not None and self.busy > BUSY:
            warnings.append(
                f"other programs used {self.busy:.0%} of the processors' time just before the measurement; "
                "stop them and measure again"
            )
        if self.stolen is not None and self.stolen > STOLEN:
            warnings.append(
                f"the hypervisor gave {self.stolen:.1%} of the processors' time to other machines "
                "during the measurement"
            )
        for health in (self.before, self.after):
            if health is not None and (throttling := _serious_throttling(health)):
                warnings.append(
                    f"the firmware reports: {', '.join(throttling)}; check the power supply and the cooling"
                )
                break
        hottest = max((h.temperature_c for h in (self.before, self.after) if h and h.temperature_c), default=0.0)
        if hottest > HOT_C:
            warnings.append(f"the processor was at {hottest:.0f} °C and slows down at 80 °C; cool it and measure again")
        return warnings


def _serious_throttling(health: Health) -> list[str]:
    """Return what is happening now, or has throttled the processor since the boot."""
    return [name for name in health.throttling or () if name.endswith("now") or "throttled" in name]


class ConditionsMonitor:
    """Records the conditions of a machine before and after a measurement."""

    def __init__(self, source: SystemSource) -> None:
        """Record the conditions before, and the load for a moment in which nothing of edgedigits runs."""
        self._source = source
        self._before = read_health(source.read, source.vcgencmd)
        first = _ticks(source.read)
        time.sleep(MONITOR_SECONDS)
        self._start = _ticks(source.read)
        self._busy = _share(first, self._start, ("busy", "stolen"))

    def end(self) -> Conditions:
        """Record the conditions after the measurement, and return all of them."""
        after = read_health(self._source.read, self._source.vcgencmd)
        return Conditions(self._before, after, self._busy, _share(self._start, _ticks(self._source.read), ("stolen",)))


Ticks = dict[str, int]


def _ticks(read: ReadFile) -> Ticks | None:
    """Return the ticks in the first line of ``/proc/stat``: user nice system idle iowait irq softirq steal.

    Source: man 5 proc_stat.
    """
    words = (read("/proc/stat") or "").partition("\n")[0].split()
    if len(words) < 9 or words[0] != "cpu":
        return None
    user, nice, system, idle, iowait, irq, softirq, steal = map(int, words[1:9])
    return {"busy": user + nice + system + irq + softirq, "idle": idle + iowait, "stolen": steal}


def _share(first: Ticks | None, second: Ticks | None, kinds: tuple[str, ...]) -> float | None:
    if first is None or second is None:
        return None
    elapsed = {kind: second[kind] - first[kind] for kind in first}
    total = sum(elapsed.values())
    return sum(elapsed[kind] for kind in kinds) / total if total > 0 else None
