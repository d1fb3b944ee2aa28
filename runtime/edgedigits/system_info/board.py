"""Read the name of a board, which its firmware passes to the kernel."""

from __future__ import annotations

from edgedigits.system_info.text import ReadFile, find_field


def read_board(read: ReadFile) -> str | None:
    """Return the model, such as ``Raspberry Pi 5 Model B Rev 1.0``, from the device tree or from cpuinfo, or None."""
    model = (read("/proc/device-tree/model") or "").strip("\0 \n")
    return " ".join(model.split()) or find_field(read("/proc/cpuinfo"), "Model")
