"""The README's pictures of the page: EDGEDIGITS_SCREENSHOTS=docs writes them anew."""

from __future__ import annotations

import pytest
from page_visit import PHONE, SEVEN, SEVERAL, THREE
from PIL import Image

pytest_plugins = ["page_fixtures"]
pytestmark = pytest.mark.browser

# So that three of them weigh less than one photograph.
MOST_BYTES = 60_000


def assert_small(file, size):
    with Image.open(file) as picture:
        assert picture.size == size
    assert file.stat().st_size < MOST_BYTES


def draw(visit, *strokes, steps=3):
    visit.send(*strokes, steps=steps)
    # Again, with a dot on its first stroke: that answer was held up, and the page shows the round trip.
    with visit.page.expect_response("**/v1/classify*"):
        visit.draw([strokes[0][0], strokes[0][0]])


def test_on_a_phone(visiting, service, picture_of):
    visit = visiting(service.url, **PHONE, device_scale_factor=1.5)
    draw(visit, SEVEN, steps=8)
    visit.answers("7")
    assert_small(picture_of(visit, "page-phone.png"), (585, 1266))


def test_on_a_phone_in_the_dark(visiting, service, picture_of):
    visit = visiting(service.url, **PHONE, device_scale_factor=1.5, color_scheme="dark")
    draw(visit, THREE, steps=1)
    visit.answers("3")
    assert_small(picture_of(visit, "page-dark.png"), (585, 1266))


def test_at_a_desk(visiting, service, picture_of):
    visit = visiting(service.url)
    draw(visit, *SEVERAL)
    visit.answers("712")
    assert_small(picture_of(visit, "page-desktop.png"), (1280, 800))
