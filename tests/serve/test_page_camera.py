"""The board's camera on the page; a stand-in plays what it saw."""

from __future__ import annotations

import re

import pytest
from page_visit import SEVEN, expect

pytest_plugins = ["page_fixtures"]
pytestmark = pytest.mark.browser


@pytest.fixture
def camera(chromium, rpicam, start, visiting):
    """Visit a page whose board has a camera."""

    def begin():
        rpicam()
        return visiting(start("--camera", "camera:0").url)

    return begin


def shows_frames(visit):
    visit.page.wait_for_function("() => document.getElementById('stream').naturalWidth === 640")
    expect(visit.at("#stream")).to_be_visible()
    expect(visit.at("#camera-text")).to_have_text(re.compile(r"^Reads [\d?]"))


def test_the_camera_shows_its_picture_and_tells_what_it_reads_until_stopped(camera, audit):
    visit = camera()
    visit.page.clock.install()
    audit(visit)
    visit.button("Start camera").click()
    shows_frames(visit)
    audit(visit)
    visit.button("Stop camera").click()
    expect(visit.at("#stream")).to_be_hidden()
    expect(visit.at("#camera-text")).to_have_text("")
    asked = []
    visit.context.on("request", lambda request: asked.append(request.url))
    visit.page.clock.run_for(10_000)
    visit.draw(SEVEN)
    visit.answers("7")
    assert not [url for url in asked if "camera" in url]


def test_the_camera_rests_while_nobody_looks_at_the_page(camera):
    visit = camera()
    visit.button("Start camera").click()
    shows_frames(visit)

    def look(hidden):
        visit.page.evaluate(
            """(hidden) => {
                Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
                document.dispatchEvent(new Event("visibilitychange"));
            }""",
            hidden,
        )

    look(hidden=True)
    expect(visit.at("#stream")).to_be_hidden()
    expect(visit.at("#stream")).not_to_have_attribute("src", re.compile("."))
    look(hidden=False)
    shows_frames(visit)


def test_a_camera_that_fails_says_why_and_can_be_tried_again(camera, tmp_path):
    visit = camera()
    visit.expected.append("503")
    program = tmp_path / "programs" / "rpicam-vid"
    plays = program.read_text()
    program.write_text("#!/bin/sh\necho 'ERROR: *** no cameras available ***' >&2; exit 255\n")
    visit.button("Start camera").click()
    expect(visit.at("#camera-text")).to_contain_text("no cameras available")
    expect(visit.at("#stream")).to_be_hidden()
    program.write_text(plays)
    visit.button("Try again").click()
    shows_frames(visit)
