"""Run a program, and press the button on GPIO 17 once when it waits; then print what its display showed."""

from __future__ import annotations

import runpy
import signal
import sys

import smbus
from gpiozero import Device
from gpiozero.pins.mock import MockFactory

Device.pin_factory = MockFactory()


def press() -> None:
    pin = Device.pin_factory.pin(17)
    assert pin.pull == "up"
    pin.drive_low()
    pin.drive_high()


signal.pause = press
runpy.run_path(sys.argv[1], run_name="__main__")
print(*smbus.history, smbus.text(), sep="|")
