"""A systemd unit for this very installation."""

from __future__ import annotations

import stat
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

# Why each: man systemd.exec. Not ProcSubset=pid: engines read /proc/cpuinfo. Not MemoryDenyWriteExecute: engines may
# write code for this processor. ProtectHome=read-only and not =yes: the environment may live in somebody's home.
_UNIT = """\
[Unit]
Description=edgedigits: reads digits for this network
After=network.target

[Service]
Type=notify
ExecStart={command}
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
UMask=0077

[Install]
WantedBy=multi-user.target
"""
_NO_DEVICES = "PrivateDevices=yes"
# What a USB camera or Raspberry Pi's own is made of; the group may open them.
_CAMERA = """\
SupplementaryGroups=video
DevicePolicy=closed
DeviceAllow=char-video4linux rw
DeviceAllow=char-media rw
DeviceAllow=char-dma_heap rw"""


def unit_for(options: Sequence[str], *, camera: bool) -> str:
    """The unit's text; ``options`` are those of `edgedigits serve`."""
    command = " ".join(_quoted(word) for word in [*_program(), "serve", *options])
    return _UNIT.format(command=command, devices=_CAMERA if camera else _NO_DEVICES)


def closed_to_others() -> Path | None:
    """The folder that keeps a service's own user from this installation, or None."""
    folders = reversed(Path(_program()[0]).absolute().parents)
    return next((folder for folder in folders if not folder.stat().st_mode & stat.S_IXOTH), None)


def _program() -> list[str]:
    script = Path(sysconfig.get_path("scripts")) / "edgedigits"
    return [str(script)] if script.exists() else [sys.executable, "-m", "edgedigits.cli.main"]


def _quoted(word: str) -> str:
    """As systemd.service(5) reads a command line: ``%`` and ``$`` doubled, the rest in double quotes where needed."""
    told = word.replace("%", "%%").replace("$", "$$")
    if told and not set(told) & set(" \t\"'\\;"):
        return told
    return '"' + told.replace("\\", "\\\\").replace('"', '\\"') + '"'
