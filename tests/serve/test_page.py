"""Drawing on the page."""

from __future__ import annotations

import base64
import io
import re

import numpy as np
import pytest
from page_visit import CLASSIFY, DASH, ONE, SEVEN, SEVERAL, expect
from PIL import Image

pytest_plugins = ["page_fixtures"]
pytestmark = pytest.mark.browser


def test_a_seven_drawn_with_the_mouse_is_read_with_bars_timing_and_what_the_model_saw(visit):
    visit.says("Draw a digit")
    visit.draw(SEVEN)
    visit.answers("7")
    visit.says("% sure")
    expect(visit.at("#bars .best .value")).to_have_text(re.compile(r"^9\d\.\d %$"))
    shares = {name: float(share) for name, share in visit.shares().items()}
    assert list(shares) == list("0123456789")
    assert max(shares, key=shares.get) == "7"
    expect(visit.at("#bars .best b")).to_have_text("7")
    across = "bar => bar.getBoundingClientRect().width / bar.parentNode.offsetWidth"
    assert visit.at("#bars .best .fill").evaluate(across) > 0.9
    seen = Image.open(io.BytesIO(base64.b64decode(visit.at("#model-input").get_attribute("src").partition(",")[2])))
    assert seen.size == (28, 28)
    expect(visit.at("#model-input")).to_be_visible()
    times = visit.at("#timing div").all_inner_texts()
    assert [text.split("\n")[0] for text in times] == ["Decode", "Preprocess", "Infer", "Server", "Round trip"]
    assert all(text.endswith(" ms") for text in times)


def test_the_bars_move_before_the_pen_is_lifted(visit):
    visit.draw(ONE, lift=False)
    visit.answers("1")
    expect(visit.at("#bars .best b")).to_have_text("1")
    visit.page.mouse.up()


def test_a_seven_drawn_with_a_finger_is_read_and_the_page_stays_where_it_is(phone):
    phone.page.evaluate("document.body.style.minHeight = '200vh'")
    phone.touch(SEVEN)
    phone.answers("7")
    assert phone.page.evaluate("scrollY") == 0
    assert phone.ink().any()


def test_a_palm_beside_the_finger_and_the_other_mouse_button_do_not_draw(phone, visit):
    phone.touch([(0.3, 0.2), (0.3, 0.8)], palm=[(0.8, 0.4), (0.9, 0.7)])
    _, columns = np.nonzero(phone.ink())
    width = phone.ink().shape[1]
    assert 0.2 * width < columns.min() < columns.max() < 0.4 * width
    visit.page.mouse.move(*visit.places([(0.5, 0.5)])[0])
    visit.page.mouse.down(button="right")
    visit.page.mouse.move(*visit.places([(0.7, 0.7)])[0])
    visit.page.mouse.up(button="right")
    assert not visit.ink().any()


def test_a_one_is_drawn_with_the_keys_alone(visit):
    keys = visit.page.keyboard
    visit.page.evaluate("document.body.style.minHeight = '200vh'")
    visit.at("#undo").focus()
    keys.press("Shift+Tab")
    expect(visit.at("#pad")).to_be_focused()
    assert visit.at("#keys").bounding_box()["height"] > 10
    for key in ["ArrowUp"] * 9:
        keys.press(key)
    assert visit.ink().any()  # the pen shows where it is
    keys.press("Space")
    expect(visit.at("#pen")).to_have_text("Pen down")
    for key in ["ArrowDown"] * 18:
        keys.press(key)
    keys.press("Space")
    expect(visit.at("#pen")).to_have_text("Pen up")
    visit.answers("1")
    assert visit.page.evaluate("scrollY") == 0
    keys.press("ArrowLeft")
    keys.press("Control+z")
    visit.says("No digit seen yet.")
    keys.press("Control+z")  # there is nothing left to take back
    visit.says("No digit seen yet.")


def test_two_arrows_at_once_draw_aslant(visit):
    keys = visit.page.keyboard
    visit.at("#pad").focus()
    keys.press("Space")
    keys.down("ArrowDown")
    keys.down("ArrowRight")
    for _ in range(8):
        keys.down("ArrowRight")  # held
    keys.up("ArrowDown")
    keys.up("ArrowRight")
    keys.press("Space")
    keys.press("Tab")  # hides the pen
    rows, columns = np.nonzero(visit.ink())
    assert np.corrcoef(rows, columns)[0, 1] > 0.9


def test_delete_clears(visit):
    visit.draw(SEVEN)
    visit.answers("7")
    visit.at("#pad").press("Delete")
    visit.says("No digit seen yet.")
    visit.answers("")


def test_undo_takes_strokes_back_one_by_one_and_clear_can_be_undone(visit):
    visit.draw(*SEVERAL[:2])
    visit.answers("71")
    visit.button("Undo").click()
    visit.answers("7")
    visit.draw(SEVERAL[1])
    visit.answers("71")
    visit.button("Clear").click()
    visit.says("No digit seen yet.")
    visit.answers("")
    assert set(visit.shares().values()) == {"–"}
    visit.button("Undo").click()
    visit.answers("71")
    for _ in range(2):
        visit.button("Undo").click()
    visit.says("No digit seen yet.")
    expect(visit.at("#model-input")).to_be_hidden()
    expect(visit.at("#invitation")).to_be_visible()


def test_what_is_no_digit_is_refused_in_words(visit):
    visit.draw(DASH)
    visit.says("No digit seen yet.")
    visit.answers("")
    assert set(visit.shares().values()) == {"–"}


def test_the_model_card_tells_what_the_server_and_the_manifest_say(visit, service):
    card = service.get("/v1/model").json()
    file = next(file for file in card["manifest"]["files"] if file["sha256"] == card["model"]["sha256"])
    low, high = file["accuracy"]["ci95"]
    visit.at("summary").click()
    expect(visit.at("#facts")).to_be_visible()
    facts = dict(text.split("\n") for text in visit.at("#facts div").all_inner_texts())
    made = facts.pop("Made")
    assert str(int(card["manifest"]["created"][8:10])) in made.split()
    assert facts == {
        "Model": card["model"]["name"],
        "Variant": card["model"]["variant"],
        "Engine": f"{card['engine']['name']} {card['engine']['version']}",
        "Input": "28 × 28 × 1 (digit/2)",
        "Parameters": f"{card['manifest']['parameters']:,}",
        "File": f"{file['bytes']:,} bytes",
        "Accuracy": f"{file['accuracy']['top1']:.2%}".replace("%", " %"),
        "95 % interval": f"{low:.2%} to {high:.2%}".replace("% ", " ").replace("%", " %"),
        "Measured on": f"{file['accuracy']['count']:,} images",
        "Trained on": card["manifest"]["training"]["data"]["source"],
        "Bundle": card["model"]["bundle"][:12],
        "SHA-256": card["model"]["sha256"][:12],
    }


def clothes(values):
    names = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]
    values.update(labels=names, preprocessing={"id": "resize/1", "locator": None, "parameters": {}})


def test_a_model_of_other_pictures_is_not_called_one_of_digits(
    visiting, start, bundle_copy, edit_manifest, rewrite_arrays
):
    edit_manifest(bundle_copy, clothes)
    with np.load(bundle_copy / "golden.npz") as golden:  # its pictures are of digits
        kept = {name: golden[name] for name in golden if not name.startswith("picture/")}
    rewrite_arrays(bundle_copy, "golden", kept)
    other = start("--bundle", bundle_copy)
    visit = visiting(other.url)
    expect(visit.at("#claim")).to_have_text("Pictures, classified on this board")
    expect(visit.page).to_have_title("edgedigits: choose a picture")
    visit.says("It knows: T-shirt/top, Trouser, Pullover, Dress, …")
    assert "digit" not in visit.at("body").inner_text().replace("edgedigits", "").lower()
    visit.draw(DASH)
    expect(visit.at("#words")).to_contain_text("% sure")
    visit.button("Clear").click()
    visit.says("It knows: T-shirt/top, Trouser, Pullover, Dress, …")


REASONS = [
    ({"rejected": "no_digit", "probabilities": [0.1] * 10}, "No digit seen yet."),
    (
        {"rejected": "ambiguous", "probabilities": [0, 0.48, 0, 0, 0, 0, 0, 0.47, 0.05, 0]},
        "Two answers are as likely: 1 or 7.",
    ),
    (
        {"rejected": "not_digit_like", "label": "3", "confidence": 0.41, "probabilities": [0.059] * 10},
        "This does not look like a digit. The closest is 3, at 41.0 %.",
    ),
    ({"rejected": "of_tomorrow"}, "Refused: of_tomorrow."),
]


def test_every_reason_has_its_words(visit):
    said = {"label": None, "probabilities": [], "box": None, "model_input": None}
    visit.page.route(CLASSIFY, lambda route: route.fulfill(json={**route.fetch().json(), **said, **refusal}))
    for refusal, words in REASONS:
        visit.draw(DASH)
        expect(visit.at("#words")).to_have_text(words)
        visit.answers("" if refusal["rejected"] == "no_digit" else "?")


def test_several_digits_are_read_as_a_number_with_boxes_over_the_drawing(visit):
    visit.send(*SEVERAL)
    visit.answers("712")
    visit.says("3 digits read")
    assert list(visit.shares()) == ["7", "1", "2"]
    assert visit.at("#boxes text").all_text_contents() == ["7", "1", "2"]
    expect(visit.at("#boxes")).to_have_attribute("aria-label", "Boxes around: 7, 1, 2")
    sheet = visit.at("#pad").bounding_box()
    for box, stroke in zip(visit.at("#boxes rect").all(), SEVERAL, strict=True):
        around = box.bounding_box()
        for x, y in stroke:
            left, top = sheet["x"] + x * sheet["width"], sheet["y"] + y * sheet["height"]
            assert around["x"] <= left <= around["x"] + around["width"]
            assert around["y"] <= top <= around["y"] + around["height"]
        assert around["width"] < sheet["width"] * 0.35
    visit.button("Clear").click()
    expect(visit.at("#boxes")).to_be_hidden()


def test_one_request_at_a_time_goes_out_and_the_newest_drawing_wins(visit):
    rows, _ = np.nonzero(visit.send(SEVEN) < 128)
    assert rows.max() > 0.8 * 320  # down to where the pen was lifted
    visit.answers("7")


def test_a_server_is_asked_no_more_than_twenty_times_a_second(visit):
    visit.draw(SEVEN, steps=12)
    visit.answers("7")
    visit.draw(*SEVERAL[1:])  # and what is read as a number is asked about twice
    visit.says("digits read")
    times = visit.page.evaluate("times")
    assert len(times) > 4
    assert np.diff(times).min() > 49


def test_what_was_cleared_meanwhile_is_not_answered(visit, service, drawn):
    held = visit.hold()
    with visit.page.expect_request(CLASSIFY):
        visit.draw(SEVEN)
    visit.button("Clear").click()
    with visit.page.expect_request(CLASSIFY):
        held[0].fulfill(json=service.post("/v1/classify?model_input=true", drawn[7]).json())
    visit.answers("")
    expect(visit.at("#words")).to_have_text("No digit seen yet.")
    assert np.asarray(Image.open(io.BytesIO(visit.sent())).convert("L")).min() == 255
    held[1].continue_()
    visit.says("No digit seen yet.")


def test_the_same_black_on_white_is_sent_from_every_screen(visiting, service):
    light = visiting(service.url).send(SEVEN)
    phone = {"viewport": {"width": 400, "height": 800}, "device_scale_factor": 2}
    dark = visiting(service.url, color_scheme="dark", **phone).send(SEVEN)
    assert light.shape == dark.shape == (384, 384)
    assert (light[0].min(), light.min()) == (255, 0)
    assert np.abs(light.astype(int) - dark).mean() < 2
