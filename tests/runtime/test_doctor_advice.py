from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from machines.recorded import THROTTLED, X86_AVX2, Recorded, pi, pi_zero, x86
from packaging.requirements import Requirement
from packaging.version import Version

from edgedigits import __version__
from edgedigits.cli.doctor import describe
from edgedigits.doctor.advice import advise
from edgedigits.doctor.blockers import find_blocker
from edgedigits.doctor.examine import examine
from edgedigits.doctor.probe import BASE_PACKAGES
from edgedigits.doctor.wheels import NEWEST, WHEELS
from edgedigits.engines import ENGINES
from edgedigits.records import to_plain
from edgedigits.system_info.python import RunningPython
from edgedigits.system_info.source import Package, SystemSource

VENV = "python3 -m venv ~/edgedigits && . ~/edgedigits/bin/activate"
SHARED = VENV.replace("venv ~", "venv --system-site-packages ~")
OURS = f"pip install --no-deps ./edgedigits-{__version__}-py3-none-any.whl"
APT = "sudo apt install python3-numpy python3-pil"


def advice_for(recorded, **failing):
    """The advice for a machine on which the parts named fail."""
    return advise(examine(recorded.source(), failing.get), __version__)


@pytest.mark.parametrize("board", ["zero2w", "pi3", "pi4", "pi5"])
@pytest.mark.parametrize("release", ["bookworm", "trixie"])
def test_a_fresh_64_bit_pi_gets_a_virtual_environment_and_litert(board, release):
    advice = advice_for(pi(board, release))
    assert advice.commands == (VENV, "pip install numpy pillow ai-edge-litert", OURS)
    assert (advice.working, advice.reason, advice.warnings) == ((), None, ())


def test_inside_a_virtual_environment_only_what_is_missing_is_installed():
    inside = pi("pi4", "bookworm").in_venv()
    assert advice_for(inside).commands == ("pip install numpy pillow ai-edge-litert",)
    assert advice_for(inside.having(numpy="1.26.4")).commands == ("pip install pillow ai-edge-litert",)
    assert advice_for(inside.having(numpy="2.1.0", PIL="11.0")).commands == ("pip install ai-edge-litert",)


def test_pip_is_called_as_the_running_python_has_it():
    recorded = x86().on(pip="/opt/py/bin/python -m pip")
    assert advice_for(recorded).commands == ("/opt/py/bin/python -m pip install numpy pillow ai-edge-litert",)


@pytest.mark.parametrize("kernel", ["aarch64", "armv7l"])
def test_32_bit_bookworm_takes_numpy_and_pillow_from_the_distribution(kernel):
    recorded = pi("pi4", "bookworm", arch="armhf", kernel=kernel)
    engine = "pip install 'numpy<2' tflite-runtime"
    assert advice_for(recorded).commands == (APT, SHARED, engine, OURS)
    assert advice_for(recorded.having(numpy="1.24.2", PIL="9.4.0")).commands == (SHARED, engine, OURS)
    assert advice_for(recorded.in_venv()).commands == (APT, SHARED, engine, OURS)
    assert advice_for(recorded.in_venv(shared=True)).commands == (APT, "pip install tflite-runtime")
    seen = recorded.in_venv(shared=True).having(numpy="1.24.2", PIL="9.4.0")
    assert advice_for(seen).commands == ("pip install tflite-runtime",)
    assert advice_for(recorded.in_venv().having(numpy="1.26.4", PIL="9.4.0")).commands == (
        "pip install tflite-runtime",
    )


def test_a_32_bit_system_on_a_64_bit_kernel_is_warned_that_pip_mistakes_it():
    (warning,) = advice_for(pi("pi4", "bookworm", arch="armhf")).warnings
    assert "pip treats the machine as 64-bit" in warning
    assert "install tflite-runtime by its name" in warning
    (warning,) = advice_for(pi("pi4", "trixie", arch="armhf")).warnings
    assert "tflite-runtime" not in warning
    assert advice_for(pi("pi4", "bookworm", arch="armhf", kernel="armv7l")).warnings == ()


@pytest.mark.parametrize(
    ("recorded", "reason"),
    [(pi_zero(), "ARMv6"), (pi_zero().on(version="3.13.5"), "ARMv6"),
     (pi("pi4", "trixie", arch="armhf"), "Python 3.11 alone, found 3.13.5; install the 64-bit Raspberry Pi OS"),
     (pi("pi4", "trixie", arch="armhf", kernel="armv7l"), "Python 3.11 alone, found 3.13.5; install the 64-bit"),
     (pi("pi4", "bookworm", arch="armhf").on(libc="glibc 2.31"), "need glibc 2.34 or later, found glibc 2.31"),
     (x86().on(bits=32), "32-bit x86 has no engine"), (x86().on(bits=32, machine="i686"), "32-bit x86 has no engine"),
     (x86().on(libc="musl"), "the C library is musl"),
     (x86().on(libc="glibc 2.26"), "need glibc 2.27 or later, found glibc 2.26"),
     (pi("pi4", "bookworm").on(libc="glibc 2.27"), "need glibc 2.28 or later, found glibc 2.27"),
     (x86().on(version="3.15.0"), "Python 3.11 to 3.14, found 3.15.0"),
     (x86().on(machine="riscv64"), "linux-riscv64 has no engine")],
)  # fmt: skip
def test_where_no_engine_can_work_the_reason_is_given(recorded, reason):
    advice = advice_for(recorded)
    assert reason in advice.reason
    assert (advice.working, advice.commands) == ((), ())
    assert describe(examine(recorded.source(), None), advice).splitlines()[-1].startswith("No engine can work")


@pytest.mark.parametrize(
    ("recorded", "engine"),
    [(x86(X86_AVX2), "ai-edge-litert"), (x86(), "ai-edge-litert"), (x86().on(libc="glibc 2.28"), "ai-edge-litert"),
     (pi("pi4", "trixie").in_venv().on(libc="glibc 2.31"), "onnxruntime"), (x86().on(libc=None), "ai-edge-litert"),
     (x86().on(version="3.14.1"), "ai-edge-litert")],
)  # fmt: skip
def test_the_first_engine_whose_wheels_fit_is_taken(recorded, engine):
    assert advice_for(recorded).commands == (f"pip install numpy pillow {engine}",)


def test_an_engine_that_works_needs_no_advice():
    recorded = x86().having(numpy="2.1.0", PIL="11.0", onnxruntime="1.32.0", ai_edge_litert="2.3.0")
    assert advice_for(recorded).working == ("litert", "onnxruntime")
    advice = advice_for(recorded, litert="litert died of SIGILL (building an interpreter)")
    assert (advice.working, advice.commands, advice.reason) == (("onnxruntime",), (), None)


def test_beside_an_engine_that_crashes_the_next_is_advised_until_none_is_left():
    recorded = x86().having(numpy="1.26.4", PIL="11.0", ai_edge_litert="2.3.0")
    crash = {"litert": "died of SIGSEGV", "tflite-runtime": "died of SIGILL", "onnxruntime": "died of SIGILL"}
    assert advice_for(recorded, **crash).commands == ("pip install tflite-runtime",)
    assert advice_for(recorded.having(numpy="2.1.0"), **crash).commands == ("pip install 'numpy<2' tflite-runtime",)
    assert advice_for(recorded.on(version="3.13.0"), **crash).commands == ("pip install onnxruntime",)
    advice = advice_for(recorded.having(tflite_runtime="2.14.0", onnxruntime="1.32.0"), **crash)
    assert advice.reason.startswith("every engine that has wheels for this machine is installed and fails")
    assert advice.reason.endswith("pip install --force-reinstall ai-edge-litert")


def test_numpy_2_with_tflite_runtime_is_named_and_cured():
    recorded = x86().having(numpy="2.1.0", PIL="11.0", tflite_runtime="2.14.0")
    advice = advice_for(recorded, **{"tflite-runtime": "SystemError"})
    assert advice.commands == ("pip install 'numpy<2'",)
    assert advice.warnings == ("tflite-runtime cannot work with numpy 2.1.0: pip install 'numpy<2'",)
    beside = advice_for(recorded.having(ai_edge_litert="2.3.0"), **{"tflite-runtime": "SystemError"})
    assert (beside.working, beside.warnings) == (("litert",), advice.warnings)
    assert advice_for(recorded.having(numpy="1.26.4")).warnings == ()


def test_bookworms_picamera2_keeps_numpy_1():
    recorded = pi("pi4", "bookworm").with_picamera2()
    assert advice_for(recorded).commands == (SHARED, "pip install 'numpy<2' pillow ai-edge-litert", OURS)
    inside = recorded.in_venv(shared=True).having(numpy="2.1.0", PIL="11.0", ai_edge_litert="2.3.0")
    (warning,) = advice_for(inside).warnings
    assert warning == (
        "bookworm's picamera2 was built for numpy 1 and fails with numpy 2.1.0 (numpy.dtype size changed): "
        "pip install 'numpy<2'; camera:0 needs no picamera2"
    )
    assert advice_for(inside.having(numpy="1.26.4")).warnings == ()
    trixie = pi("pi4", "trixie").with_picamera2().having(numpy="2.2.4", PIL="11.1", ai_edge_litert="2.3.0")
    assert advice_for(trixie).warnings == ()
    assert advice_for(pi("pi4", "trixie").with_picamera2()).commands[1] == "pip install numpy pillow ai-edge-litert"


def test_a_broken_numpy_or_pillow_is_reinstalled_and_engines_are_tried_again():
    recorded = x86().having(numpy="2.1.0", PIL="11.0", ai_edge_litert="2.3.0")
    wrong = "numpy cannot be imported (OSError: libopenblas.so.0)"
    assert advice_for(recorded, numpy=wrong, litert=wrong).commands == ("pip install --force-reinstall numpy",)
    advice = advice_for(recorded, pillow="pillow died of SIGBUS", litert=wrong)
    assert advice.commands == ("pip install --force-reinstall pillow",)
    none = x86().having(ai_edge_litert="2.3.0")
    assert advice_for(none, litert=wrong).commands == ("pip install numpy pillow",)


def test_a_board_that_is_slowed_down_or_short_of_memory_is_warned():
    recorded = pi("zero2w", "bookworm").in_venv().having(numpy="1.26.4", PIL="11.0", ai_edge_litert="2.3.0")
    assert advice_for(recorded).warnings == ()
    recorded.files[THROTTLED] = "50005\n"
    recorded.files["/proc/meminfo"] = "MemTotal: 427440 kB\nMemAvailable: 92160 kB\n"
    slowed, memory = advice_for(recorded).warnings
    assert "(under-voltage now, throttled now, under-voltage since boot, throttled since boot)" in slowed
    assert memory.startswith("only 90 MB of memory are free")


def test_every_engine_has_wheels_and_they_ascend():
    assert list(NEWEST) == list(ENGINES)
    assert not set(BASE_PACKAGES) & set(ENGINES)
    for engine in ENGINES:
        blocks = [wheels for wheels in WHEELS if wheels.engine == engine]
        releases = [Version(release) for wheels in blocks for release in wheels.releases]
        assert releases == sorted(set(releases))
        for wheels in blocks:
            pythons = [Version(python) for python in wheels.pythons]
            assert pythons == sorted(set(pythons))
            assert NEWEST[engine].newest_python >= wheels.newest_python


def test_the_doctor_reads_its_tables_without_numpy():
    code = "import sys; sys.modules['numpy'] = None; import edgedigits.doctor.examine, edgedigits.doctor.advice"
    subprocess.run([sys.executable, "-c", code], check=True)


PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"
MACHINES = [
    ("linux", "x86_64"), ("linux", "aarch64"), ("linux", "armv7l"), ("linux", "armv6l"), ("linux", "i686"),
    ("linux", "riscv64"), ("darwin", "arm64"), ("darwin", "x86_64"), ("win32", "AMD64"), ("win32", "ARM64"),
]  # fmt: skip


def chosen_by_pip(platform, machine, python):
    """What the dependencies of this package make pip install on a machine: specifiers by name."""
    environment = {"sys_platform": platform, "platform_machine": machine, "python_version": python}
    needed = map(Requirement, tomllib.loads(PYPROJECT.read_text())["project"]["dependencies"])
    found = {}
    for one in needed:
        if one.marker is None or one.marker.evaluate(environment):
            found.setdefault(one.name, []).append(str(one.specifier))
    return found


@pytest.mark.parametrize(("platform", "machine"), MACHINES)
@pytest.mark.parametrize("minor", [11, 12, 13, 14, 15])
def test_the_advice_agrees_with_the_dependencies_of_the_package(platform, machine, minor):
    chosen = chosen_by_pip(platform, machine, f"3.{minor}")
    (*_, engine) = [name for name, kind in ENGINES.items() if kind.distribution in chosen] or [None]
    libc = "glibc 2.41" if platform == "linux" else None
    bits = 32 if machine in {"armv7l", "armv6l", "i686"} else 64
    recorded = x86().on(platform=platform, machine=machine, version=f"3.{minor}.1", libc=libc, bits=bits)
    found = examine(recorded.source(), lambda part: None)
    advice = advise(found, __version__)
    if engine is None or find_blocker(found.system, found.python, NEWEST[engine]) is not None:
        assert advice.reason is not None
        return
    assert advice.commands[-1].split()[-1] == ENGINES[engine].distribution
    assert ("'numpy<2'" in advice.commands[-1]) == ("<2" in chosen["numpy"] and machine != "armv7l")
    assert (APT in advice.commands) == (machine == "armv7l")


def test_the_dependencies_choose_one_engine_at_most():
    for (platform, machine), minor in product(MACHINES, range(11, 16)):
        chosen = chosen_by_pip(platform, machine, f"3.{minor}")
        assert sum(kind.distribution in chosen for kind in ENGINES.values()) <= 1


words = st.text(max_size=60) | st.sampled_from(
    ["linux", "aarch64", "glibc 2.36", "3.11.2", "1.26.4", "٣.٣", "9" * 5000]
)


@given(st.data())
def test_garbage_in_files_and_command_output_is_never_an_error(data):
    some = st.none() | words
    running = RunningPython(*(data.draw(words) for _ in range(3)), data.draw(st.integers(0, 128)), data.draw(some), 1,
                      *(data.draw(words) for _ in range(5)))  # fmt: skip
    package = st.none() | st.builds(Package, some, some)
    files = st.text() | some | st.sampled_from(
        ["MemTotal: kB", "MemTotal: ²", f"MemAvailable: {'9' * 5000}", "Features:", "flags :", "throttled=0x", "="]
    )  # fmt: skip
    source = SystemSource(
        lambda path: data.draw(files), running, lambda name, _: data.draw(package), lambda: data.draw(some)
    )
    found = examine(source, lambda part: data.draw(some))
    advice = advise(found, __version__)
    assert sum(map(bool, (advice.working, advice.commands, advice.reason))) == 1
    json.dumps(to_plain(found) | to_plain(advice))
    assert describe(found, advice)


def test_the_text_reads_as_aligned_lines_with_the_advice_last():
    recorded = pi("zero2w", "bookworm")
    found = examine(recorded.source(), lambda part: None)
    assert describe(found, advise(found, __version__)).splitlines() == [
        "board         Raspberry Pi Zero 2 W Rev 1.0",
        "processor     Cortex-A53, 4 cores",
        "instructions  NEON, no dot product, no i8mm",
        "system        Debian GNU/Linux 12 (bookworm), 64-bit",
        "kernel        6.6.31+rpt-rpi-v8 aarch64, 64-bit",
        "C library     glibc 2.36",
        "Python        3.11.2, no virtual environment; pip may not install outside one (PEP 668)",
        "memory        417 MB, 208 MB free",
        "swap          199 MB",
        "governor      ondemand",
        "temperature   48.3 °C",
        "throttling    none",
        "numpy         –",
        "Pillow        –",
        "",
        "engine          version  passes golden inputs",
        "--------------  -------  --------------------",
        "litert                –  not installed",
        "tflite-runtime        –  not installed",
        "onnxruntime           –  not installed",
        "",
        "No engine works on this machine yet. This makes one work:",
        "",
        VENV,
        "pip install numpy pillow ai-edge-litert",
        OURS,
    ]


def test_what_a_machine_does_not_report_is_a_dash():
    bare = Recorded({}, x86().running)
    lines = describe(found := examine(bare.source(), None), advise(found, __version__)).splitlines()
    dashed = {line.split("  ")[0] for line in lines[:14] if line.endswith("  –")}
    assert {"board", "instructions", "memory", "swap", "governor", "temperature", "throttling"} <= dashed
    assert "system        linux, 64-bit" in lines


def test_failures_and_warnings_stand_whole_below_the_table():
    recorded = x86().having(numpy="2.1.0", PIL="11.0", tflite_runtime="2.14.0", onnxruntime="1.32.0")
    failing = {"tflite-runtime": "tflite-runtime died of SIGSEGV (building an interpreter)"}
    found = examine(recorded.source(), failing.get)
    text = describe(found, advise(found, __version__))
    assert text.endswith(
        "\ntflite-runtime   2.14.0  NO\nonnxruntime      1.32.0  yes\n\n"
        "error: tflite-runtime died of SIGSEGV (building an interpreter)\n"
        "warning: tflite-runtime cannot work with numpy 2.1.0: pip install 'numpy<2'\n\n"
        "Ready: onnxruntime works on this machine.\nnext: edgedigits selftest"
    )
