"""The page with a keyboard, a screen reader, large letters, little room, and in the dark."""

from __future__ import annotations

import pytest
from page_visit import DASH, PHONE, SEVEN, SEVERAL, expect

pytest_plugins = ["page_fixtures"]
pytestmark = pytest.mark.browser

DESK = {"viewport": {"width": 1280, "height": 800}}


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("device", [PHONE, DESK], ids=["phone", "desk"])
def test_axe_finds_nothing_in_any_state(visiting, service, audit, several, device, colours):
    visit = visiting(service.url, color_scheme=colours, **device)
    audit(visit)
    visit.draw(SEVEN)
    visit.answers("7")
    audit(visit)
    visit.button("Clear").click()
    visit.draw(DASH)
    visit.says("No digit seen yet.")
    audit(visit)
    visit.button("Clear").click()
    visit.draw(*SEVERAL)
    visit.answers("712")
    visit.at("summary").click()
    audit(visit)
    visit.choose("page.png", several)
    visit.says("3 digits read")
    audit(visit)
    visit.expected.append("422")
    visit.choose("broken.png", b"broken")
    visit.status("expected")
    audit(visit)


def test_a_screen_reader_hears_an_answer_once_it_stands(visit):
    visit.stop_timers()
    visit.page.evaluate(
        """() => {
            window.said = [];
            const region = document.getElementById("spoken");
            new MutationObserver(() => said.push(region.textContent)).observe(region, { childList: true });
        }"""
    )
    for stroke, text in zip(SEVERAL[:2], ("7", "71"), strict=True):
        visit.draw(stroke)
        visit.answers(text)
    assert len(visit.timers()) == 1
    assert visit.page.evaluate("said") == []
    visit.run_timers()
    expect(visit.at("#spoken")).to_have_text("71. 2 digits read")
    assert visit.page.evaluate("said") == ["71. 2 digits read"]
    region = visit.page.get_by_role("status").and_(visit.at("#spoken"))
    expect(region).to_have_count(1)


def test_what_is_seen_is_also_named(visit):
    page = visit.page
    expect(page.get_by_role("heading", level=1)).to_have_text("edgedigits")
    expect(page.get_by_role("application", name="Drawing area")).to_have_accessible_description(
        "Arrow keys move the pen, Space puts it down or lifts it, Ctrl+Z takes a stroke back, Delete clears."
    )
    for landmark in ("Drawing", "Answer"):
        expect(page.get_by_role("region", name=landmark)).to_be_visible()
    expect(page.get_by_role("region", name="Camera of the board")).to_be_hidden()
    visit.draw(SEVEN)
    visit.answers("7")
    bars = page.get_by_role("list", name="Probabilities").get_by_role("listitem")
    expect(bars).to_have_count(10)
    expect(bars.nth(7)).to_contain_text("%")
    expect(page.get_by_role("img", name="The 28 by 28 pixels that the model saw")).to_be_visible()
    assert page.evaluate("document.documentElement.lang") == "en"


def test_every_control_is_reached_with_tab_and_shows_it(visit):
    visit.page.evaluate("document.activeElement.blur()")
    reached = []
    for _ in range(5):
        visit.page.keyboard.press("Tab")
        reached.append(
            visit.page.evaluate(
                """() => {
                    const at = document.activeElement;
                    const { outlineStyle, outlineWidth } = getComputedStyle(at.closest(".button") ?? at);
                    return [at.id || at.localName, outlineStyle !== "none" && parseFloat(outlineWidth) >= 3];
                }"""
            )
        )
    assert reached == [["pad", True], ["undo", True], ["clear", True], ["choose", True], ["summary", True]]
    visit.page.keyboard.press("Enter")
    expect(visit.at("#facts")).to_be_visible()


def test_fingers_find_every_control(phone):
    controls = phone.at("button:visible, label:visible, summary:visible")
    assert controls.count() == 5
    for control in controls.all():
        box = control.bounding_box()
        assert box["width"] >= 44
        assert box["height"] >= 44
    expect(phone.at("#photograph")).to_have_attribute("capture", "environment")


def test_sheet_answer_and_bars_share_a_phones_first_screen(phone):
    phone.draw(SEVEN)
    phone.answers("7")
    for part in ("#pad", "#digit", "#words", "#model-input", "#bars"):
        expect(phone.at(part)).to_be_in_viewport(ratio=1)


@pytest.mark.parametrize("letters", ["100%", "200%"])
def test_the_narrowest_phone_scrolls_one_way_only(visiting, service, several, letters):
    narrow = visiting(service.url, **{**PHONE, "viewport": {"width": 320, "height": 568}})
    narrow.page.evaluate("letters => { document.documentElement.style.fontSize = letters }", letters)

    def assert_it_fits():
        wide = narrow.page.evaluate(
            """() => [...document.querySelectorAll("body *:not(.unseen, .keys, svg *)")]
                .filter((part) => part.getBoundingClientRect().right > 320).map((part) => part.outerHTML)"""
        )
        assert not wide
        assert narrow.page.evaluate("document.documentElement.scrollWidth") == 320

    narrow.draw(SEVEN)
    narrow.answers("7")
    assert_it_fits()
    narrow.at("summary").click()
    assert_it_fits()
    narrow.choose("page.png", several)
    narrow.says("3 digits read")
    assert_it_fits()


def test_what_is_drawn_is_seen_in_the_dark_and_in_forced_colours(visiting, service):
    def lightness(**options):
        visit = visiting(service.url, **options)
        visit.draw(SEVEN)
        visit.answers("7")
        return visit.page.evaluate(
            """() => {
                const pad = document.getElementById("pad");
                const { width, height } = pad;
                const pixels = pad.getContext("2d").getImageData(0, 0, width, height).data;
                const at = pixels.findIndex((value, i) => i % 4 === 3 && value === 255);
                const paper = getComputedStyle(pad.parentNode).backgroundColor.match(/\\d+/g).map(Number);
                return [pixels[at - 1], paper[2]];
            }"""
        )

    for options in ({"color_scheme": "light"}, {"color_scheme": "dark"}, {"forced_colors": "active"}):
        ink, paper = lightness(**options)
        assert abs(ink - paper) > 150, options


def test_a_drawing_follows_the_colours_when_they_change(visit):
    visit.draw(SEVEN)
    visit.answers("7")
    colour = "() => getComputedStyle(document.getElementById('pad')).color"
    before = visit.page.evaluate(colour)
    visit.page.emulate_media(color_scheme="dark")
    assert visit.page.evaluate(colour) != before
    assert visit.ink().any()
    assert visit.page.evaluate(
        """() => {
            const pad = document.getElementById("pad");
            const { data } = pad.getContext("2d").getImageData(0, 0, pad.width, pad.height);
            return data.some((value, i) => i % 4 === 0 && value > 200);
        }"""
    )
