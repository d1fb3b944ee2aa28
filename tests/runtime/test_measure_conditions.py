from __future__ import annotations

from dataclasses import replace

import pytest
from machines.recorded import GOVERNOR, TEMPERATURE, THROTTLED, pi, x86
from measured import QUIET

from edgedigits.measure import conditions
from edgedigits.measure.conditions import Conditions, ConditionsMonitor


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(conditions, "MONITOR_SECONDS", 0)


def stat(user=0, nice=0, system=0, idle=0, iowait=0, irq=0, softirq=0, steal=0):
    """``/proc/stat`` in ticks since the boot."""
    return f"cpu  {user} {nice} {system} {idle} {iowait} {irq} {softirq} {steal} 0 0\ncpu0 1 2 3 4 5 6 7 8 0 0\n"


def watched(recorded, *stats, after=None):
    """What is seen on a machine whose ``/proc/stat`` says this in turn, and whose files change until the end."""
    texts, files = iter(stats), dict(recorded.files)
    read = lambda path: next(texts, None) if path == "/proc/stat" else files.get(path)  # noqa: E731
    monitor = ConditionsMonitor(replace(recorded.source(), read=read))
    files.update(after or {})
    return monitor.end()


BEGIN = stat(user=1000, system=500, idle=8000, steal=100)


@pytest.mark.parametrize(
    ("before", "end", "busy", "stolen"),
    [
        (stat(1000, 0, 500, 8100, steal=100), stat(2000, 0, 500, 8100, steal=100), 0, 0),
        (stat(1030, 0, 500, 8070, steal=100), stat(1030, 0, 500, 8970, steal=200), 0.3, 0.1),
        (stat(1001, 2, 503, 8070, 5, 6, 7, 106), stat(1001, 2, 503, 8170, 5, 6, 7, 106), 0.25, 0),
        (stat(1000, 0, 500, 8000, 100, steal=100), stat(1000, 0, 500, 8000, 100, steal=150), 0, 1),
    ],
)
def test_shares_are_of_all_processors_before_and_of_stolen_time_meanwhile(before, end, busy, stolen):
    found = watched(x86(), BEGIN, before, end)
    assert found.busy == pytest.approx(busy)
    assert found.stolen == pytest.approx(stolen)


@pytest.mark.parametrize("text", [None, "", "cpu 1 2 3\n", "intr 1 2 3 4 5 6 7 8 9\n"])
def test_a_load_that_the_machine_does_not_report_is_absent(text):
    found = watched(x86(), text, text, text)
    assert (found.busy, found.stolen) == (None, None)
    assert "load" in found.absent()


def test_a_clock_that_stood_still_gives_no_share():
    assert watched(x86(), BEGIN, BEGIN, BEGIN).busy is None


def test_what_a_machine_does_not_offer_is_listed():
    idle = stat(1000, 0, 500, 8100, steal=100)
    assert watched(x86(), BEGIN, idle, idle).absent() == ["governor", "temperature", "throttling"]
    assert watched(pi("pi4", "bookworm"), BEGIN, idle, idle).absent() == []
    assert watched(pi("pi4", "bookworm").without("/"), None, None, None).absent() == [
        "governor", "temperature", "throttling", "load",
    ]  # fmt: skip


def test_throttling_comes_from_vcgencmd_where_the_kernel_has_no_file_for_it():
    recorded = replace(pi("pi4", "bookworm").without(THROTTLED), vcgencmd="throttled=0x50000\n")
    found = watched(recorded, None)
    assert found.before.throttling == found.after.throttling == ("under-voltage since boot", "throttled since boot")


def test_a_quiet_machine_is_no_reason_to_warn():
    assert Conditions(QUIET, QUIET, 0.1, 0.02).warnings() == []
    assert (
        Conditions(replace(QUIET, governor=None, temperature_c=None, throttling=None), None, None, None).warnings()
        == []
    )
    assert Conditions(QUIET, replace(QUIET, temperature_c=75.0), 0.0, 0.0).warnings() == []


@pytest.mark.parametrize("governor", ["ondemand", "powersave", "schedutil"])
def test_a_governor_that_follows_the_load_is_warned_of_with_the_cure(governor):
    (line,) = Conditions(replace(QUIET, governor=governor), QUIET, 0, 0).warnings()
    assert line == (
        f"the governor is {governor}, so the clock may follow the load; for repeatable figures: "
        "echo performance | sudo tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor"
    )


def test_other_programs_and_other_machines_are_warned_of_with_their_share():
    busy, stolen = Conditions(QUIET, QUIET, 0.101, 0.021).warnings()
    assert busy == (
        "other programs used 10% of the processors' time just before the measurement; stop them and measure again"
    )
    assert stolen == "the hypervisor gave 2.1% of the processors' time to other machines during the measurement"


@pytest.mark.parametrize(
    ("bits", "named"),
    [
        ("1", "under-voltage now"), ("2", "frequency capped now"), ("4", "throttled now"),
        ("8", "soft temperature limit now"), ("40000", "throttled since boot"),
        ("50005", "under-voltage now, throttled now, throttled since boot"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("meanwhile", [False, True])
def test_what_the_firmware_complains_of_is_named_before_and_after(bits, named, meanwhile):
    recorded = replace(pi("pi4", "bookworm"))
    files = recorded.files | {GOVERNOR: "performance\n"} | ({} if meanwhile else {THROTTLED: bits})
    found = watched(replace(recorded, files=files), None, after={THROTTLED: bits})
    assert found.warnings() == [f"the firmware reports: {named}; check the power supply and the cooling"]


@pytest.mark.parametrize("bits", ["0", "10000", "20000", "80000"])
def test_what_was_wrong_at_the_boot_alone_is_no_reason_to_warn(bits):
    recorded = pi("pi4", "bookworm")
    files = recorded.files | {GOVERNOR: "performance\n", THROTTLED: bits}
    assert watched(replace(recorded, files=files), None).warnings() == []


@pytest.mark.parametrize(("before", "after"), [(48_000, 79_600), (79_600, 48_000), (76_000, 79_600)])
def test_the_hottest_moment_is_warned_of(before, after):
    recorded = pi("pi4", "bookworm")
    files = recorded.files | {GOVERNOR: "performance\n", TEMPERATURE: f"{before}\n"}
    found = watched(replace(recorded, files=files), None, after={TEMPERATURE: f"{after}\n"})
    assert found.warnings() == ["the processor was at 80 °C and slows down at 80 °C; cool it and measure again"]
