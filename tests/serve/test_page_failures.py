"""A server that is busy, gone, or answers nonsense: one sentence, nothing lost, and it goes on by itself."""

from __future__ import annotations

import pytest
from page_visit import CLASSIFY, SEVEN, SEVERAL, expect

pytest_plugins = ["page_fixtures"]
pytestmark = pytest.mark.browser

BUSY = {"status": 503, "headers": {"Retry-After": "1"}, "json": {"detail": "too many pictures wait"}}
DOT = [(0.95, 0.95), (0.95, 0.95)]


def test_a_busy_server_is_asked_again_without_a_word(visit):
    visit.expected.append("503")
    spoken = visit.page.evaluate_handle(
        """() => {
            const words = [];
            const status = document.getElementById("status");
            new MutationObserver(() => words.push(status.textContent)).observe(status, { childList: true });
            return words;
        }"""
    )
    visit.page.route(CLASSIFY, lambda route: route.fulfill(**BUSY), times=1)
    with visit.page.expect_response(lambda response: response.status == 503):
        visit.draw(SEVEN)
    visit.answers("7")
    assert not any(spoken.json_value())


def test_a_server_that_stays_busy_is_mentioned_and_asked_no_sooner_than_it_said(visit):
    visit.expected.append("503")
    visit.stop_timers()
    visit.page.route(CLASSIFY, lambda route: route.fulfill(**{**BUSY, "headers": {"Retry-After": "7"}}))
    with visit.page.expect_response(CLASSIFY):
        visit.draw(SEVEN)
    visit.page.wait_for_function("() => [...later.values()].includes(7000)")
    expect(visit.at("#status")).to_have_text("")
    with visit.page.expect_response(CLASSIFY):
        visit.run_timers()
    visit.status("The board is busy; trying again.")
    visit.page.unroute(CLASSIFY)
    visit.page.wait_for_function("() => [...later.values()].includes(7000)")
    visit.run_timers()
    visit.answers("7")
    expect(visit.at("#status")).to_have_text("")


def test_a_server_that_is_gone_costs_no_stroke_and_the_next_one_asks_again(visit):
    visit.expected.append("ERR_FAILED")
    visit.page.route(CLASSIFY, lambda route: route.abort())
    visit.draw(SEVEN)
    visit.status("The server cannot be reached. Nothing is lost")
    assert visit.ink().any()
    visit.page.unroute(CLASSIFY)
    visit.draw(DOT)
    expect(visit.at("#status")).to_have_text("")
    visit.answers("7")


def test_when_the_network_comes_back_it_goes_on_by_itself(visit):
    visit.send(*SEVERAL[:2])
    visit.answers("71")
    visit.expected.append("ERR_INTERNET_DISCONNECTED")
    visit.context.set_offline(True)
    visit.button("Undo").click()  # one change, one request
    visit.status("The server cannot be reached.")
    visit.answers("71")
    visit.context.set_offline(False)
    visit.answers("7")
    expect(visit.at("#status")).to_have_text("")


def test_a_server_that_ends_and_comes_back_is_found_again(visiting, start):
    running = start()
    visit = visiting(running.url)
    visit.expected.append("ERR_CONNECTION_REFUSED")
    visit.allowed += ["net::ERR_", "503"]  # of a request on its way when the server ends, by one of several names
    visit.draw(SEVEN)
    visit.answers("7")
    assert running.end() == 0
    visit.draw(DOT)
    visit.status("The server cannot be reached.")
    visit.answers("7")
    start("--port", running.address[1])
    visit.draw(DOT)
    expect(visit.at("#status")).to_have_text("")


def test_errors_with_details_are_told_in_the_servers_words(visit):
    for status, detail in ((413, "the body is larger than 5 MB"), (408, "the body took too long")):
        visit.expected.append(str(status))
        visit.page.route(CLASSIFY, lambda route: route.fulfill(status=status, json={"detail": detail}))  # noqa: B023
        visit.draw(SEVEN)
        visit.status(detail)
        visit.page.unroute(CLASSIFY)
        visit.button("Clear").click()
        visit.says("No digit seen yet.")
        expect(visit.at("#status")).to_have_text("")


def test_answers_that_are_no_json_are_no_answers(visit):
    visit.expected.append("502")
    for status in (502, 200):
        visit.page.route(CLASSIFY, lambda route: route.fulfill(status=status, body="<h1>proxy</h1>"))  # noqa: B023
        visit.draw(SEVEN)
        visit.status(f"The server's answer, {status}, cannot be understood.")
        visit.page.unroute(CLASSIFY)
        visit.button("Clear").click()
        visit.says("No digit seen yet.")


def test_a_model_card_that_did_not_come_is_asked_for_again(visiting, service, chromium):
    visit = visiting(service.url)
    visit.expected.append("ERR_FAILED")
    visit.page.route("**/v1/model", lambda route: route.abort())
    visit.page.reload()
    visit.status("The server cannot be reached.")
    expect(visit.at("#facts dt")).to_have_count(0)
    visit.page.unroute("**/v1/model")
    visit.draw(SEVEN)
    visit.answers("7")
    expect(visit.at("#facts dt").first).to_be_attached()
