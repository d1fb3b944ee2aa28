"""Pictures handed to the page."""

from __future__ import annotations

import base64
import io
import re

import numpy as np
import pytest
from page_visit import CLASSIFY, DASH, SEVEN, expect
from PIL import Image

pytest_plugins = ["page_fixtures"]
pytestmark = pytest.mark.browser


def encoded(image, kind, **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def box_in_picture(visit, index=0):
    """Where a box lies on the picture as it is shown, in pixels of the picture: left, top, right, bottom."""
    return visit.page.evaluate(
        """(index) => {
            const picture = document.getElementById("picture");
            const { naturalWidth: width, naturalHeight: height } = picture;
            const sheet = picture.getBoundingClientRect();
            const scale = Math.min(sheet.width / width, sheet.height / height);
            const left = sheet.left + (sheet.width - width * scale) / 2;
            const top = sheet.top + (sheet.height - height * scale) / 2;
            const box = document.querySelectorAll("#boxes rect")[index].getBoundingClientRect();
            return [box.left - left, box.top - top, box.right - left, box.bottom - top].map((v) => v / scale);
        }""",
        index,
    )


def ink_box(picture):
    rows, columns = np.nonzero(np.asarray(picture.convert("L")) < 128)
    return [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]


def test_a_real_digit_chosen_as_a_file_is_sent_as_it_is_and_shown_with_its_box(visit, drawn):
    visit.choose("three.png", drawn[3])
    visit.answers("3")
    assert visit.sent() == drawn[3]
    expect(visit.at("#picture")).to_be_visible()
    expect(visit.at("#pad")).to_be_hidden()
    expect(visit.at("#model-input")).to_be_visible()
    assert visit.at("#boxes text").all_text_contents() == ["3"]
    # A line of two pixels on the screen goes around it.
    assert box_in_picture(visit) == pytest.approx(ink_box(Image.open(io.BytesIO(drawn[3]))), abs=6)


@pytest.mark.parametrize("event", ["paste", "drop"])
def test_a_picture_can_be_pasted_and_dropped(visit, drawn, event):
    visit.hand_over(event, "five.png", drawn[5])
    visit.answers("5")
    assert visit.sent() == drawn[5]
    visit.hand_over(event, "two.png", drawn[2])
    visit.answers("2")


def test_dragging_a_picture_over_the_page_shows_where_it_goes(visit):
    visit.page.dispatch_event("body", "dragover")
    expect(visit.at("body")).to_have_class("over")
    visit.page.dispatch_event("body", "dragleave")
    expect(visit.at("body")).not_to_have_class("over")


def test_pasted_text_is_none_of_our_business(visit):
    visit.draw(SEVEN)
    visit.answers("7")
    visit.page.evaluate(
        """() => {
            const transfer = new DataTransfer();
            transfer.setData("text/plain", "5");
            document.body.dispatchEvent(new ClipboardEvent("paste", { bubbles: true, clipboardData: transfer }));
        }"""
    )
    expect(visit.at("#pad")).to_be_visible()
    visit.answers("7")


def test_the_drawing_is_there_again_after_a_picture(visit, drawn):
    visit.draw(SEVEN)
    visit.answers("7")
    before = visit.ink()
    visit.choose("three.png", drawn[3])
    visit.answers("3")
    for name in ("Undo", "Clear"):
        expect(visit.button(name)).to_be_hidden()
    visit.button("Draw again").click()
    visit.answers("7")
    expect(visit.at("#pad")).to_be_focused()
    visit.page.keyboard.press("Tab")
    assert (visit.ink() == before).all()
    expect(visit.at("#boxes")).to_be_hidden()


def test_the_same_file_can_be_chosen_twice(visit, drawn):
    for _ in range(2):
        visit.choose("three.png", drawn[3])
        visit.answers("3")
        visit.button("Draw again").click()
        visit.says("No digit seen yet.")


def test_several_digits_in_a_picture_are_read_with_boxes_over_it(visit, several):
    visit.choose("page.png", several)
    expect(visit.at("#digit")).to_have_text(re.compile(r"^1 ?2 ?3$"))
    visit.says("3 digits read")
    assert visit.at("#boxes text").all_text_contents() == ["1", "2", "3"]
    page = Image.open(io.BytesIO(several))
    for index in range(3):
        left = 30 + 160 * index
        ink = ink_box(page.crop((left, 0, left + 140, 200)))
        assert box_in_picture(visit, index) == pytest.approx([ink[0] + left, ink[1], ink[2] + left, ink[3]], abs=10)


def test_a_blank_picture_is_refused_in_words(visit):
    visit.choose("blank.png", encoded(Image.new("L", (200, 300), 255), "PNG"))
    visit.says("No digit found in this picture.")
    visit.answers("")
    expect(visit.at("#model-input")).to_be_hidden()
    assert set(visit.shares().values()) == {"–"}


def test_a_large_photograph_lying_on_its_side_is_made_smaller_upright_and_read(phone, several):
    paper = Image.new("L", (4000, 6000), 205)
    digits = Image.open(io.BytesIO(several)).point(lambda level: level * 205 // 255)
    paper.paste(digits.resize((3120, 1200)), (400, 2000))
    exif = Image.Exif()
    exif[0x0112] = 6  # turn a quarter to the right to see it upright
    photograph = encoded(paper.transpose(Image.Transpose.ROTATE_90), "JPEG", exif=exif)
    phone.page.set_input_files("#photograph", {"name": "p.jpg", "mimeType": "image/jpeg", "buffer": photograph})
    expect(phone.at("#digit")).to_have_text(re.compile(r"^1 ?2 ?3$"))
    sent = Image.open(io.BytesIO(phone.sent()))
    assert (sent.format, sent.size) == ("JPEG", (1600, 2400))
    assert sent.getexif().get(0x0112, 1) == 1
    assert box_in_picture(phone)[0] > 400


def test_a_file_of_more_than_five_megabytes_is_made_smaller(visit, tmp_path):
    data = encoded(Image.new("RGB", (1500, 1500), "white"), "BMP")
    assert len(data) > 5_000_000
    file = tmp_path / "white.bmp"
    file.write_bytes(data)
    visit.page.set_input_files("#choose", file)
    visit.says("No digit")
    sent = Image.open(io.BytesIO(visit.sent()))
    assert (sent.format, sent.size) == ("JPEG", (1500, 1500))
    assert len(visit.sent()) < 5_000_000


def test_what_only_the_browser_can_open_is_sent_as_it_sees_it(visit):
    way = " ".join(f"{200 * x:.0f},{200 * y:.0f}" for x, y in SEVEN)
    lines = f'<polyline points="{way}" fill="none" stroke="black" stroke-width="12"/>'
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" width="200" height="200">{lines}</svg>'
    visit.choose("seven.svg", svg.encode(), "image/svg+xml")
    visit.answers("7")
    assert Image.open(io.BytesIO(visit.sent())).format == "JPEG"


def test_what_only_the_server_can_open_is_read_without_being_shown(visiting, start, drawn, several):
    visit = visiting(start("--formats", "tiff").url)
    visit.choose("four.tiff", encoded(Image.open(io.BytesIO(drawn[4])), "TIFF"), "image/tiff")
    visit.answers("4")
    expect(visit.at("#picture")).to_be_hidden()
    expect(visit.at("#boxes")).to_be_hidden()
    visit.choose("page.tiff", encoded(Image.open(io.BytesIO(several)), "TIFF"), "image/tiff")
    visit.says("3 digits read")
    assert visit.at("#boxes rect").count() == 3


def test_a_format_that_is_not_taken_is_told(visit, drawn):
    visit.expected.append("422")
    visit.choose("four.tiff", encoded(Image.open(io.BytesIO(drawn[4])), "TIFF"), "image/tiff")
    visit.status(
        "expected an image (JPEG, PNG, WEBP), found TIFF, which is not taken here; save it as JPEG or PNG first"
    )


def test_what_nobody_can_open_is_told_in_the_servers_words(visit, drawn):
    visit.expected.append("422")
    for name, data in (("cut.png", drawn[3][:200]), ("text.png", b"this is no picture")):
        with visit.page.expect_response(CLASSIFY) as answered:
            visit.choose(name, data)
        visit.status(answered.value.json()["detail"])
        visit.answers("")
    visit.choose("three.png", drawn[3])
    visit.answers("3")
    expect(visit.at("#status")).to_have_text("")


def test_what_the_browser_cannot_make_smaller_is_not_sent(visit, tmp_path):
    file = tmp_path / "noise.png"
    file.write_bytes(b"no picture" * 600_000)
    visit.page.set_input_files("#choose", file)
    visit.status("This browser cannot open the picture, and it is too large to send as it is.")
    assert visit.page.evaluate("sent.length") == 0
    visit.button("Draw again").click()
    visit.draw(DASH)
    visit.says("No digit seen yet.")
    expect(visit.at("#status")).to_have_text("")


def test_of_two_pictures_the_second_is_answered(visit, drawn):
    held = visit.hold()
    with visit.page.expect_request(CLASSIFY):
        visit.choose("three.png", drawn[3])
    visit.choose("five.png", drawn[5])
    with visit.page.expect_request(CLASSIFY):
        held[0].continue_()
    visit.answers("")
    held[1].continue_()
    visit.answers("5")


def test_of_two_pictures_at_once_the_second_alone_is_sent(visit, drawn):
    visit.page.evaluate(
        """(pictures) => {
            for (const picture of pictures) {
                const bytes = Uint8Array.from(atob(picture), (letter) => letter.charCodeAt(0));
                const dataTransfer = new DataTransfer();
                dataTransfer.items.add(new File([bytes], "digit.png", { type: "image/png" }));
                document.body.dispatchEvent(new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer }));
            }
        }""",
        [base64.b64encode(drawn[digit]).decode() for digit in (3, 5)],
    )
    visit.answers("5")
    expect(visit.at("#picture")).to_be_visible()
    assert visit.page.evaluate("sent.length") == 1
