"""Send the number that a camera sees to an MQTT broker, where Home Assistant finds it as a sensor by itself.

`pip install paho-mqtt`, then `python camera_mqtt.py --host homeassistant.local --user me --password-file password.txt`.
"""

import argparse
import json
import time
from contextlib import closing, suppress
from pathlib import Path

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from edgedigits import DigitClassifier
from edgedigits.images.camera import frames

ID, TOPIC = "edgedigits", "edgedigits/number"
# https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery
SENSOR = {"name": "Number", "unique_id": ID, "state_topic": TOPIC, "state_class": "measurement"}


def options() -> argparse.Namespace:
    """What was typed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--host", default="localhost")
    parser.add_argument("--port", type=int, default=1883)
    parser.add_argument("--user")
    parser.add_argument("--password-file", type=Path)
    parser.add_argument("--camera", default="camera:0", help="camera:0, or camera:/dev/video0")
    parser.add_argument("--every", type=float, default=10, help="seconds")
    return parser.parse_args()


def main() -> None:
    """Send until Ctrl-C."""
    args = options()
    client = Client(CallbackAPIVersion.VERSION2, client_id=ID)
    if args.user:
        client.username_pw_set(args.user, args.password_file and args.password_file.read_text().strip())
    # The broker keeps the last of a retained message for those who come later.
    client.on_connect = lambda *_: client.publish(f"homeassistant/sensor/{ID}/config", json.dumps(SENSOR), retain=True)
    client.connect(args.host, args.port)
    client.loop_start()  # connects again by itself
    due = 0.0
    with suppress(KeyboardInterrupt), DigitClassifier() as classifier, closing(frames(args.camera)) as camera:
        for picture in camera:  # every one is taken, or the next would be an old one
            if time.monotonic() >= due:
                due = time.monotonic() + args.every
                number = classifier.read(picture).text.replace(",", ".")
                with suppress(ValueError):  # nothing found, a digit in doubt, or several numbers
                    float(number)
                    client.publish(TOPIC, number, retain=True)
    client.loop_stop()


if __name__ == "__main__":
    main()
