"""Press a button: the camera takes a picture, and the number in it appears on a display.

The button is between GPIO 17 and ground. The display is an HD44780 of 16 by 2 characters with a PCF8574 on its back, on
I2C: GPIO 2 is SDA, GPIO 3 is SCL. `i2cdetect -y 1` tells its address, 27 or 3f.

    sudo apt install python3-picamera2 python3-gpiozero python3-smbus
    pip install RPLCD
"""

from signal import pause

from gpiozero import Button
from picamera2 import Picamera2
from RPLCD.i2c import CharLCD

from edgedigits import DigitClassifier

WIDTH, HEIGHT = 640, 480


def start_camera() -> Picamera2:
    """Start the camera; it stays on, so that light and focus have settled when the button is pressed."""
    camera = Picamera2()
    streams = camera.create_video_configuration(lores={"size": (WIDTH, HEIGHT), "format": "YUV420"})
    camera.configure(streams)
    camera.start()
    return camera


def main() -> None:
    """Read a number at each press, until Ctrl-C."""
    camera = start_camera()
    display = CharLCD("PCF8574", 0x27, cols=16, rows=2)

    def show(text: str) -> None:
        display.clear()
        display.write_string(text.replace("\n", "\r\n"))

    with DigitClassifier() as classifier:

        def read() -> None:
            show("reading ...")
            # The first rows of YUV420 are the grey picture; they may be longer than it is wide.
            grey = camera.capture_array("lores")[:HEIGHT, :WIDTH]
            show(classifier.read(grey).text or "no number found")

        button = Button(17, bounce_time=0.05)
        button.when_pressed = read
        show("press the button")
        pause()


if __name__ == "__main__":
    main()
