"""What could have disturbed a measurement: load, steal, clock, throttling, temperature, governor."""

from __future__ import annotations

import time
from dataclasses import dataclass

from edgedigits.system_info.health import Health, read_health
from edgedigits.system_info.source import SystemSource
from edgedigits.system_info.text import ReadFile

# How long the processors are watched before the measurement begins.
WATCH_SECONDS = 0.3
# Shares of all processors' time, degrees, and changes of a clock, above which a figure is not to be trusted.
BUSY, STOLEN, CLOCK_MOVED = 0.10, 0.02, 0.05
# Raspberry Pis begin to slow down at 80 degrees (https://www.raspberrypi.com/documentation/computers/processors.html).
HOT_C = 75.0


@dataclass(frozen=True, slots=True)
class Conditions:
    """How the machine fared before, during and after; None where it does not tell.

    Attributes
    ----------
    busy: share of all processors' time that others used just before the measurement.
    stolen: share of it during the measurement that the hypervisor gave to other machines.

    """

    before: Health
    after: Health | None
    busy: float | None
    stolen: float | None

    def absent(self) -> list[str]:
        """What this machine does not offer."""
        names = {
            "governor": self.before.governor, "temperature": self.before.temperature_c,
            "throttling": self.before.throttling, "load": self.busy,
        }  # fmt: skip
        return [name for name, value in names.items() if value is None]

    def warnings(self) -> list[str]:
        """Plain sentences about what makes the figures doubtful."""
        found = []
        if self.before.governor not in {None, "performance"}:
            found.append(
                f"the governor is {self.before.governor}, so the clock may follow the load; for a figure that repeats: "
                "echo performance | sudo tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor"
            )
        if self.busy is not None and self.busy > BUSY:
            found.append(
                f"other programs used {self.busy:.0%} of the processors just before; stop them and measure again"
            )
        if self.stolen is not None and self.stolen > STOLEN:
            found.append(f"the hypervisor gave {self.stolen:.1%} of the processors' time to other machines meanwhile")
        for health in (self.before, self.after):
            if health is not None and (named := _serious(health)):
                found.append(f"the firmware says: {', '.join(named)}; mind the power supply and the cooling")
                break
        hottest = max((h.temperature_c for h in (self.before, self.after) if h and h.temperature_c), default=0.0)
        if hottest > HOT_C:
            found.append(f"the processor was at {hottest:.0f} °C, and slows down at 80; cool it and measure again")
        return found


def _serious(health: Health) -> list[str]:
    return [bit for bit in health.throttling or () if bit.endswith("now") or "throttled" in bit]


class Watch:
    """Looks at the machine before a measurement and after it."""

    def __init__(self, source: SystemSource) -> None:
        """Watch the processors for a moment; nothing of our own runs meanwhile."""
        self._source = source
        self._before = read_health(source.read, source.vcgencmd)
        first = _ticks(source.read)
        time.sleep(WATCH_SECONDS)
        self._start = _ticks(source.read)
        self._busy = _share(first, self._start, ("busy", "stolen"))

    def end(self) -> Conditions:
        """What was seen."""
        after = read_health(self._source.read, self._source.vcgencmd)
        return Conditions(self._before, after, self._busy, _share(self._start, _ticks(self._source.read), ("stolen",)))


Ticks = dict[str, int]


def _ticks(read: ReadFile) -> Ticks | None:
    """The first line of ``/proc/stat`` (man 5 proc_stat): user nice system idle iowait irq softirq steal."""
    words = (read("/proc/stat") or "").partition("\n")[0].split()
    if len(words) < 9 or words[0] != "cpu":
        return None
    user, nice, system, idle, iowait, irq, softirq, steal = map(int, words[1:9])
    return {"busy": user + nice + system + irq + softirq, "idle": idle + iowait, "stolen": steal}


def _share(first: Ticks | None, second: Ticks | None, of: tuple[str, ...]) -> float | None:
    if first is None or second is None:
        return None
    passed = {name: second[name] - first[name] for name in first}
    whole = sum(passed.values())
    return sum(passed[name] for name in of) / whole if whole > 0 else None
