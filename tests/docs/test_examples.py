"""examples/ work: the programs as they are, with recorded frames and stand-ins where hardware would be."""

from __future__ import annotations

import json
import os
import queue
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
STAND_INS = [ROOT / "tests/docs/cameras", ROOT / "tests/docs/display"]
# Until a program on a busy machine has loaded its models.
PATIENCE_S = 120


@pytest.fixture
def board(rpicam: Callable[..., Path], shell: dict[str, str]) -> dict[str, str]:
    """An environment with stand-ins for the camera, in both ways to reach it, and for the display."""
    programs = rpicam().parent / "programs"
    return {
        **shell, **{key: value for key, value in os.environ.items() if key.startswith("RPICAM_")},
        "PATH": f"{programs}{os.pathsep}{shell['PATH']}",
        "PYTHONPATH": os.pathsep.join(filter(None, [*map(str, STAND_INS), os.environ.get("PYTHONPATH")])),
        "DIGITS": str(ROOT / "tests/data/digits.npz"),
    }  # fmt: skip


@contextmanager
def running(
    *words: object, env: dict[str, str], stop: int = signal.SIGINT, code: int = 0
) -> Iterator[subprocess.Popen[str]]:
    """A program that is stopped by Ctrl-C at the end, and then neither complains nor says more than was read of it."""
    options: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, *map(str, words)], env=env, **options) as process:
        try:
            yield process
            process.send_signal(stop)
            rest, complaint = process.communicate(timeout=PATIENCE_S)
            assert process.returncode == code, complaint
            assert (rest, "Traceback" in complaint) == ("", False), complaint
        finally:
            process.kill()


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            assert time.monotonic() < deadline, f"nobody listens on port {port}"
            time.sleep(0.05)
        else:
            return


@pytest.mark.parametrize("example", EXAMPLES.glob("*.py"), ids=lambda path: path.stem)
def test_an_example_fits_on_a_page_and_is_listed(example: Path) -> None:
    assert len(example.read_text().splitlines()) < 60
    assert f"]({example.name})" in (EXAMPLES / "README.md").read_text()


def test_a_button_puts_the_number_on_the_display(board: dict[str, str], digits: Any) -> None:
    pytest.importorskip("RPLCD", reason="RPLCD is not installed")
    command = [sys.executable, STAND_INS[1] / "press_button.py", EXAMPLES / "button_lcd.py"]
    done = subprocess.run(command, env=board, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    expected = digits.names[digits.labels[0]]
    assert done.stdout.strip().split("|")[-3:] == ["press the button", "reading ...", expected]


def test_the_loop_prints_a_number_once_until_ctrl_c(board: dict[str, str], digits: Any) -> None:
    with running(EXAMPLES / "picamera_loop.py", env=board) as process:
        assert process.stdout
        assert process.stdout.readline().strip() == digits.names[digits.labels[0]]
        time.sleep(1)  # many frames, all of the same number


def test_the_loop_prints_what_stays_and_is_new(board: dict[str, str]) -> None:
    code = "from picamera_loop import steady; print(*steady(iter('7 7 7 7 1 7 7 7 ? 42 42 42 8 8'.split())))"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=board, cwd=EXAMPLES, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["7", "42"]


def post(url: str, content: bytes) -> Any:
    """Send a file as a form does."""
    head = b'--edge\r\nContent-Disposition: form-data; name="picture"; filename="photo.jpg"\r\n\r\n'
    kind = {"Content-Type": "multipart/form-data; boundary=edge"}
    asked = urllib.request.Request(url, head + content + b"\r\n--edge--\r\n", kind)  # noqa: S310
    with urllib.request.urlopen(asked, timeout=PATIENCE_S) as answer:  # noqa: S310
        return json.load(answer)


def test_the_web_service_answers_and_refuses(board: dict[str, str], recorded: Any, digits: Any, tmp_path: Path) -> None:
    pytest.importorskip("fastapi", reason="fastapi is not installed")
    port = free_port()
    url = f"http://127.0.0.1:{port}/numbers"
    Image.fromarray(recorded[0]).save(tmp_path / "photo.jpg")
    words = ("-m", "uvicorn", "--app-dir", EXAMPLES, "fastapi_app:app", "--port", port, "--log-level", "warning")
    # uvicorn ends in good order, and then by the signal that it got.
    with running(*words, env=board, stop=signal.SIGTERM, code=-signal.SIGTERM) as process:
        wait_for(port)
        answer = post(url, (tmp_path / "photo.jpg").read_bytes())
        assert answer["lines"] == [digits.names[digits.labels[0]]]
        assert len(answer["digits"][0]["box"]) == 4
        for content, code in ((b"not a picture", 422), (bytes(10_000_001), 413)):
            with pytest.raises(urllib.error.HTTPError) as refused:
                post(url, content)
            assert refused.value.code == code
            refused.value.close()
        assert process.poll() is None


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[int]:
    """The port of a mosquitto of the test's own."""
    program = shutil.which("mosquitto", path=f"{os.environ['PATH']}{os.pathsep}/usr/sbin")
    if program is None:
        pytest.skip("mosquitto is not installed")
    port = free_port()
    (tmp_path / "mosquitto.conf").write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n")
    with subprocess.Popen([program, "-c", tmp_path / "mosquitto.conf"], stderr=subprocess.DEVNULL) as process:
        wait_for(port)
        yield port
        process.terminate()


def heard(port: int, count: int) -> list[tuple[str, str]]:
    """The topics and contents of the first messages that somebody gets who comes to the broker now."""
    from paho.mqtt import client

    got: queue.Queue[tuple[str, str]] = queue.Queue()
    listener = client.Client(client.CallbackAPIVersion.VERSION2)
    listener.on_message = lambda _client, _data, message: got.put((message.topic, message.payload.decode()))
    listener.on_connect = lambda *_: listener.subscribe("#")
    listener.connect("127.0.0.1", port)
    listener.loop_start()
    try:
        return [got.get(timeout=PATIENCE_S) for _ in range(count)]
    finally:
        listener.loop_stop()
        listener.disconnect()


def test_a_broker_gets_the_number_and_keeps_it_for_those_who_come_later(
    broker: int, board: dict[str, str], digits: Any
) -> None:
    pytest.importorskip("paho.mqtt", reason="paho-mqtt is not installed")
    with running(EXAMPLES / "camera_mqtt.py", "--port", broker, "--every", "0.1", env=board):
        first = heard(broker, 4)
    later = heard(broker, 2)
    expected = {digits.names[label] for label in digits.labels[:3]}
    for messages in (first, later):
        # What Home Assistant asks for: it then lists the sensor by itself.
        (described,) = [content for topic, content in messages if topic.startswith("homeassistant/sensor/")]
        numbers = [content for topic, content in messages if topic == json.loads(described)["state_topic"]]
        assert len(numbers) == len(messages) - 1
        assert set(numbers) <= expected
