"""A stand-in for the I2C bus with an HD44780 display behind a PCF8574, since the hardware cannot be here.

It obeys what is written to it as the display's data sheet says (Hitachi HD44780U, tables 6 and 12): four bits at a
time, taken when the enable line falls.
"""

from __future__ import annotations

ADDRESS, COLUMNS = 0x27, 16
ENABLE, IS_DATA = 0x04, 0x01
SET_ADDRESS, SECOND_ROW, CLEAR, FOUR_BITS = 0x80, 0x40, 0x01, 0x20

shown: list[list[str]] = []
history: list[str] = []


class SMBus:
    """One bus; it is reset when it is opened."""

    def __init__(self, port: int) -> None:
        assert port == 1
        self.enabled, self.half, self.four_bits, self.place = 0, None, False, (0, 0)
        shown[:] = [[" "] * 40, [" "] * 40]

    def write_byte(self, address: int, value: int) -> None:
        assert address == ADDRESS
        if self.enabled and not value & ENABLE:
            self.take(value >> 4, value & IS_DATA)
        self.enabled = value & ENABLE

    def take(self, half: int, is_data: int) -> None:
        if not self.four_bits:  # at first every half is an instruction of its own
            self.four_bits = half << 4 == FOUR_BITS
        elif self.half is None:
            self.half = half
        else:
            byte, self.half = self.half << 4 | half, None
            (self.put if is_data else self.obey)(byte)

    def put(self, byte: int) -> None:
        row, column = self.place
        shown[row][column] = chr(byte)
        self.place = row, column + 1

    def obey(self, byte: int) -> None:
        if byte == CLEAR:
            history.append(text())
            shown[:] = [[" "] * 40, [" "] * 40]
            self.place = 0, 0
        elif byte & SET_ADDRESS:
            self.place = divmod(byte & ~SET_ADDRESS, SECOND_ROW)


def text() -> str:
    """What can be seen on it."""
    return "\n".join("".join(row[:COLUMNS]).rstrip() for row in shown).rstrip()
