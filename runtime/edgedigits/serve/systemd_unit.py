"""The systemd unit that runs the service from this installation."""

from __future__ import annotations

import stat
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

# man systemd.exec explains each setting. ProcSubset=pid is left out because engines read /proc/cpuinfo, and
# MemoryDenyWriteExecute because engines may generate code. ProtectHome is read-only because the virtual environment
# may be in a home folder. The processes that decode pictures limit themselves, by setrlimit and setpriority.
_UNIT = """\
[Unit]
Description=edgedigits: reads digits for this network
After=network.target

[Service]
Type=notify
{store}ExecStart={command}
ExecReload=/bin/kill -HUP $MAINPID
Restart=on-failure
RestartSec=2
WatchdogSec=60
TimeoutStopSec=20
MemoryMax=400M
TasksMax=64

DynamicUser=yes
ProtectSystem=strict
ProtectHome=read-only
NoNewPrivileges=yes
{devices}
PrivateTmp=yes
PrivateUsers=yes
CapabilityBoundingSet=
LockPersonality=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
RemoveIPC=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallFilter=setrlimit prlimit64 setpriority
UMask=0077

[Install]
WantedBy=multi-user.target
"""
_NO_DEVICES = "PrivateDevices=yes"
# The devices of a USB camera and of a Raspberry Pi's own camera, which this group may open.
_CAMERA = """\
SupplementaryGroups=video
DevicePolicy=closed
DeviceAllow=char-video4linux rw
DeviceAllow=char-media rw
DeviceAllow=char-dma_heap rw"""


def unit_for(options: Sequence[str], *, camera: bool, store: Path | None = None) -> str:
    """Return the text of the unit; ``options`` are those of `edgedigits serve`, ``store`` has the active bundle."""
    command = " ".join(_quoted(word) for word in [*_program(), "serve", *options])
    devices = _CAMERA if camera else _NO_DEVICES
    setting = "" if store is None else f"Environment={_quoted(f'EDGEDIGITS_STORE={store}')}\n"
    return _UNIT.format(command=command, devices=devices, store=setting)


def inaccessible_folder() -> Path | None:
    """Return the folder whose permissions keep the service's user from this installation, or None."""
    folders = reversed(Path(_program()[0]).absolute().parents)
    return next((folder for folder in folders if not folder.stat().st_mode & stat.S_IXOTH), None)


def _program() -> list[str]:
    script = Path(sysconfig.get_path("scripts")) / "edgedigits"
    return [str(script)] if script.exists() else [sys.executable, "-m", "edgedigits.cli.main"]


def _quoted(word: str) -> str:
    """Quote a word for systemd.service(5): double ``%`` and ``$``, and add double quotes where they are needed."""
    escaped = word.replace("%", "%%").replace("$", "$$")
    if escaped and not set(escaped) & set(" \t\"'\\;"):
        return escaped
    return '"' + escaped.replace("\\", "\\\\").replace('"', '\\"') + '"'
