"""Somebody at the page: what they do there, what they have to see and what must never happen."""

from __future__ import annotations

import base64
import io
from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
expect = sync_api.expect

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
# Strokes in sides of the sheet.
Points = list[tuple[float, float]]


def arc(across: float, down: float, radius: float, begin: float, end: float) -> Points:
    """A part of a circle around a point; degrees clockwise from the right."""
    angles = np.radians(np.linspace(begin, end, 9))
    return [(across + radius * float(np.cos(a)), down + radius * float(np.sin(a))) for a in angles]


ONE: Points = [(0.4, 0.3), (0.55, 0.15), (0.55, 0.85)]
TWO: Points = [*arc(0.5, 0.35, 0.2, 180, 390), (0.28, 0.82), (0.75, 0.82)]
THREE: Points = [*arc(0.48, 0.32, 0.17, 200, 450), *arc(0.48, 0.67, 0.19, 270, 520)]
SEVEN: Points = [(0.25, 0.2), (0.75, 0.2), (0.6, 0.5), (0.45, 0.82)]
DASH: Points = [(0.15, 0.5), (0.85, 0.5)]


def at(points: Points, left: float, size: float = 0.35) -> Points:
    """The same stroke, smaller and elsewhere."""
    return [(left + x * size, 0.3 + y * size) for x, y in points]


SEVERAL = [at(SEVEN, 0.0), at(ONE, 0.3), at(TWO, 0.62)]


CLASSIFY = "**/v1/classify*"
# Playwright does not tell what a request's body is when it was a Blob.
KEEP_WHAT_IS_SENT = """
    const ask = fetch;
    window.sent = [];
    window.times = [];
    window.fetch = (path, options) => {
        if (options?.body) sent.push(options.body), times.push(performance.now());
        return ask(path, options);
    };
"""


class Visit:
    """Somebody at the page, by mouse, finger or keys."""

    def __init__(self, context: Any, url: str) -> None:
        self.context, self.url = context, url
        self.expected: list[str] = []  # parts of complaints that a test provokes
        self.allowed: list[str] = []  # parts of complaints that come at some times and not at others
        self._complaints: list[str] = []
        self._requests: list[str] = []
        context.on("request", lambda request: self._requests.append(request.url))
        context.on("console", lambda message: self._complaints.append(f"{message.type}: {message.text}"))
        context.on("weberror", lambda error: self._complaints.append(str(error.error)))
        context.add_init_script(KEEP_WHAT_IS_SENT)
        self.page = context.new_page()
        self.page.goto(url)
        self.at("#facts dt").first.wait_for(state="attached")

    def at(self, selector: str) -> Any:
        return self.page.locator(selector)

    def button(self, name: str) -> Any:
        return self.page.get_by_role("button", name=name, exact=True)

    def places(self, points: Points) -> list[tuple[float, float]]:
        box = self.at("#pad").bounding_box()
        return [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]

    def draw(self, *strokes: Points, lift: bool = True, steps: int = 3) -> None:
        """By mouse; the browser takes a frame for every step."""
        mouse = self.page.mouse
        for stroke in strokes:
            start, *others = self.places(stroke)
            mouse.move(*start)
            mouse.down()
            for place in others:
                mouse.move(*place, steps=steps)
            if lift:
                mouse.up()

    def touch(self, points: Points, palm: Points | None = None) -> None:
        """As a finger does: through the browser's own gestures, which may take it for scrolling.

        ``palm`` is where a second one comes down and goes to, meanwhile.
        """
        wire = self.context.new_cdp_session(self.page)

        def send(kind: str, *places: Any) -> None:
            touched = [{"x": float(x), "y": float(y), "id": number} for number, (x, y) in enumerate(places)]
            wire.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touched})

        way = self._way(self.places(points))
        beside = self._way(self.places(palm)) if palm else np.empty((0, 2))
        send("touchStart", way[0])
        if palm:
            send("touchStart", way[0], beside[0])
        for step, place in enumerate(way[1:], 1):
            send("touchMove", place, *beside[step : step + 1])
        send("touchEnd")

    @staticmethod
    def _way(corners: list[tuple[float, float]]) -> NDArray[np.float64]:
        legs = [np.linspace(begin, end, 4)[1:] for begin, end in pairwise(corners)]
        return np.concatenate([[corners[0]], *legs])

    def choose(self, name: str, data: bytes, kind: str = "image/png") -> None:
        self.page.set_input_files("#choose", {"name": name, "mimeType": kind, "buffer": data})

    def hand_over(self, event: str, name: str, data: bytes, kind: str = "image/png") -> None:
        """Paste or drop a file, as the browser tells the page about it."""
        self.page.evaluate(
            """([event, name, data, kind]) => {
                const transfer = new DataTransfer();
                const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
                transfer.items.add(new File([bytes], name, { type: kind }));
                const options = { bubbles: true, cancelable: true };
                document.body.dispatchEvent(event === "paste"
                    ? new ClipboardEvent(event, { ...options, clipboardData: transfer })
                    : new DragEvent(event, { ...options, dataTransfer: transfer }));
            }""",
            [event, name, base64.b64encode(data).decode(), kind],
        )

    def answers(self, text: str) -> None:
        expect(self.at("#digit")).to_have_text(text)

    def says(self, text: str) -> None:
        expect(self.at("#words")).to_contain_text(text)

    def status(self, text: str) -> None:
        expect(self.at("#status")).to_contain_text(text)

    def shares(self) -> dict[str, str]:
        """The bars' names and values."""
        rows = [row.split() for row in self.at("#bars li").all_inner_texts()]
        return {name: value for name, value, *_ in rows}

    def sent(self) -> bytes:
        """The picture that was sent last."""
        url = self.page.evaluate(
            """() => new Promise((resolve) => {
                const reader = new FileReader();
                reader.onload = () => resolve(reader.result);
                reader.readAsDataURL(sent.at(-1));
            })"""
        )
        return base64.b64decode(url.partition(",")[2])

    def hold(self) -> list[Any]:
        """From now on requests wait here for somebody to let them go."""
        held: list[Any] = []

        def keep(route: Any) -> None:
            held.append(route)

        self.page.route(CLASSIFY, keep)
        return held

    def stop_timers(self) -> None:
        """What the page wants to do in half a second or later waits for `run_timers`."""
        self.page.evaluate(
            """() => {
                const begin = setTimeout, end = clearTimeout;
                window.later = new Map();
                window.setTimeout = (act, delay) => delay < 500 ? begin(act, delay) : later.set(act, delay) && act;
                window.clearTimeout = (timer) => later.delete(timer) || end(timer);
            }"""
        )

    def timers(self) -> list[int]:
        """In how many milliseconds it wants to do something."""
        return self.page.evaluate("[...later.values()]")

    def run_timers(self) -> None:
        """Do now what waits."""
        self.page.evaluate("for (const act of [...later.keys()]) { later.delete(act); act(); }")

    def send(self, *strokes: Points, steps: int = 3) -> NDArray[np.uint8]:
        """Draw while the first request gets no answer; what is sent when it has one."""
        held = self.hold()
        with self.page.expect_request(CLASSIFY):
            self.draw(*strokes, steps=steps)
        assert len(held) == 1
        with self.page.expect_request(CLASSIFY):
            held[0].continue_()
        image = Image.open(io.BytesIO(self.sent()))
        held[1].continue_()
        self.page.unroute(CLASSIFY)
        return np.asarray(image.convert("L"))

    def ink(self) -> NDArray[np.bool_]:
        """Where something is drawn on the sheet."""
        url = self.page.evaluate(
            """() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() =>
                resolve(document.getElementById("pad").toDataURL()))))"""
        )
        image = Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2])))
        return np.asarray(image)[..., 3] > 127

    def leave(self) -> None:
        """Go, and complain about everything that went wrong unseen."""
        # The last picture may still be on its way through a test's own answer, which a closed page would fail.
        self.page.unroute_all(behavior="wait")
        self.context.close()
        known = (*self.expected, *self.allowed)
        unexpected = [text for text in self._complaints if not any(part in text for part in known)]
        assert not unexpected, unexpected
        assert all(any(part in text for text in self._complaints) for part in self.expected), self._complaints
        asked = {urlsplit(url)[:2] for url in self._requests}
        assert {scheme for scheme, _ in asked} <= {"http", "data", "blob"}, asked
        assert {host for scheme, host in asked if scheme == "http"} == {urlsplit(self.url).netloc}, asked
