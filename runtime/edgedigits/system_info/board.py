"""The board's name, as its firmware tells the kernel."""

from __future__ import annotations

from edgedigits.system_info.text import Read, field


def read_board(read: Read) -> str | None:
    """The device tree's model, ``Raspberry Pi 5 Model B Rev 1.0``; None on machines without a device tree."""
    model = (read("/proc/device-tree/model") or "").strip("\0 \n")
    return " ".join(model.split()) or field(read("/proc/cpuinfo"), "Model")
