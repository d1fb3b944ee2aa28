"""Machines as their files describe them: processors, systems and boards, to be put together."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from edgedigits.system_info.python import RunningPython
from edgedigits.system_info.source import Package, SystemSource

GOVERNOR = "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"
TEMPERATURE = "/sys/class/thermal/thermal_zone0/temp"
THROTTLED = "/sys/devices/platform/soc/soc:firmware/get_throttled"


@dataclass(frozen=True)
class Recorded:
    """A machine: its files by path, what its Python says, its packages by import name."""

    files: dict[str, str]
    running: RunningPython
    packages: dict[str, Package] = field(default_factory=dict)
    vcgencmd: str | None = None

    def source(self) -> SystemSource:
        """The source of the facts about this machine."""
        return SystemSource(
            self.files.get, self.running, lambda name, _: self.packages.get(name), lambda: self.vcgencmd
        )

    def having(self, **packages: str) -> Recorded:
        """The same machine with packages of these versions, found where pip puts them."""
        found = {name: Package(version, f"/site-packages/{name}/__init__.py") for name, version in packages.items()}
        return replace(self, packages=self.packages | found)

    def with_picamera2(self) -> Recorded:
        """The same machine, whose Python sees the distribution's picamera2."""
        found = Package("0.3.18", "/usr/lib/python3/dist-packages/picamera2/__init__.py")
        return replace(self, packages=self.packages | {"picamera2": found})

    def in_venv(self, *, shared: bool = False) -> Recorded:
        """The same machine with an active virtual environment."""
        told = f"home = /usr/bin\ninclude-system-site-packages = {str(shared).lower()}\nversion = 3.11.2\n"
        running = replace(self.running, prefix="/home/pi/edgedigits")
        return replace(self, running=running, files=self.files | {"/home/pi/edgedigits/pyvenv.cfg": told})

    def on(self, **changes: object) -> Recorded:
        """The same machine, but its Python says something else."""
        return replace(self, running=replace(self.running, **changes))

    def without(self, folder: str) -> Recorded:
        """The same machine, to which a folder is not shown."""
        return replace(self, files={path: text for path, text in self.files.items() if not path.startswith(folder)})


def arm_cpuinfo(features: str, part: str, model: str, name: str | None = None) -> str:
    """Four cores (a Pi's kernel tells of each alike), then the board."""
    core = f"BogoMIPS\t: 108.00\nFeatures\t: {features}\nCPU implementer\t: 0x41\nCPU part\t: {part}\n\n"
    named = f"model name\t: {name}\n" if name else ""
    cores = "".join(f"processor\t: {index}\n{named}{core}" for index in range(4))
    return f"{cores}Revision\t: c03114\nSerial\t\t: 0000000000000000\nModel\t\t: {model}\n"


A53 = A72 = "fp asimd evtstrm crc32 cpuid"
A76 = "fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp"
ARM_32 = "half thumb fastmult vfp edsp neon vfpv3 tls vfpv4 idiva idivt vfpd32 lpae evtstrm crc32"
ARM_V6 = "half thumb fastmult vfp edsp java tls"

# Board: name, part of its processor, features as a 64-bit kernel tells them, memory in kB.
BOARDS = {
    "zero2w": ("Raspberry Pi Zero 2 W Rev 1.0", "0xd03", A53, 427_440),
    "pi3": ("Raspberry Pi 3 Model B Plus Rev 1.3", "0xd03", A53, 925_652),
    "pi4": ("Raspberry Pi 4 Model B Rev 1.4", "0xd08", A72, 3_884_360),
    "pi5": ("Raspberry Pi 5 Model B Rev 1.0", "0xd0b", A76, 8_245_600),
}

_RELEASES = {
    "bookworm": ("Debian GNU/Linux 12 (bookworm)", "3.11.2", "glibc 2.36", "6.6.31+rpt-rpi-v8"),
    "trixie": ("Debian GNU/Linux 13 (trixie)", "3.13.5", "glibc 2.41", "6.12.25+rpt-rpi-v8"),
}


def pi(board: str, release: str, *, arch: str = "arm64", kernel: str = "aarch64") -> Recorded:
    """A Raspberry Pi with Raspberry Pi OS as it comes: Python outside a virtual environment, PEP 668 in force."""
    name, part, features, memory = BOARDS[board]
    pretty, python, libc, linux = _RELEASES[release]
    stdlib = f"/usr/lib/python{python.rpartition('.')[0]}"
    files = {
        "/proc/cpuinfo": arm_cpuinfo(features if kernel == "aarch64" else ARM_32, part, name),
        "/proc/device-tree/model": f"{name}\0",
        "/proc/meminfo": f"MemTotal: {memory} kB\nMemAvailable: {memory // 2} kB\nSwapTotal: 204796 kB\n",
        "/etc/os-release": f'PRETTY_NAME="{pretty}"\nNAME="Debian GNU/Linux"\nVERSION_CODENAME={release}\nID=debian\n',
        f"{stdlib}/EXTERNALLY-MANAGED": "[externally-managed]\nError=To install Python packages system-wide, ...\n",
        GOVERNOR: "ondemand\n",
        TEMPERATURE: "48312\n",
        THROTTLED: "0\n",
    }
    bits = 64 if arch == "arm64" else 32
    running = RunningPython("linux", kernel, linux, bits, libc, 4, python, "/usr", "/usr", stdlib, "pip")
    return Recorded(files, running)


def pi_zero() -> Recorded:
    """The first Zero: ARMv6."""
    recorded = pi("zero2w", "bookworm", arch="armhf", kernel="armv6l")
    model = "Raspberry Pi Zero W Rev 1.1"
    text = arm_cpuinfo(ARM_V6, "0xb76", model, "ARMv6-compatible processor rev 7 (v6l)")
    files = {**recorded.files, "/proc/cpuinfo": text, "/proc/device-tree/model": f"{model}\0"}
    return replace(recorded, files=files).on(cores=1)


# A server with VNNI (recorded), and one that stops at AVX2.
X86_VNNI = (
    "fpu vme sse4_2 x2apic movbe popcnt aes xsave avx f16c rdrand hypervisor avx2 bmi2 avx512f avx512dq avx512cd "
    "avx512bw avx512vl avx512vbmi avx512_vbmi2 avx512_vnni avx512_bitalg avx512_vpopcntdq"
)
X86_AVX2 = "fpu vme sse4_2 x2apic movbe popcnt aes xsave avx f16c rdrand hypervisor avx2 bmi2 clflushopt"


def x86(flags: str = X86_VNNI, python: str = "3.11.7") -> Recorded:
    """A PC or server with Debian, and a Python of its own that pip may install into."""
    files = {
        "/proc/cpuinfo": f"processor\t: 0\nmodel name\t: Intel(R) Xeon(R) Processor\nflags\t\t: {flags}\n",
        "/proc/meminfo": "MemTotal:       24683552 kB\nMemAvailable:   23412288 kB\nSwapTotal:             0 kB\n",
        "/etc/os-release": 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_CODENAME=bookworm\n',
    }
    running = RunningPython(
        "linux", "x86_64", "6.18.44", 64, "glibc 2.36", 2, python, "/opt/py", "/opt/py", "/opt/py/lib", "pip"
    )
    return Recorded(files, running)
