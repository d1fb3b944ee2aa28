"""A service takes another bundle on SIGHUP: after its golden inputs, without dropping a request, or not at all."""

from __future__ import annotations

import json
import shutil
import signal
import threading
from pathlib import Path

import planted
import pytest
from running import first_line, wait_until

from edgedigits.bundle import SHIPPED
from edgedigits.store.contents import open_contents
from edgedigits.store.store import install, locked, switch

pytestmark = pytest.mark.slow


@pytest.fixture
def store(tmp_path) -> Path:
    put(tmp_path / "store", SHIPPED / "tiny")
    return tmp_path / "store"


def put(store: Path, place: Path) -> str:
    contents = open_contents(place, None)
    with locked(store):
        install(store, contents)
        switch(store, contents.manifest.id, "int8.tflite", "auto", {})
    return contents.manifest.id


def bundle(running) -> str:
    return running.get("/v1/model").json()["model"]["bundle"]


def test_it_takes_the_new_one_and_answers_every_request_meanwhile(start, store, drawn):
    running = start("--bundle", "active", EDGEDIGITS_STORE=str(store))
    ids, told, over = {bundle(running)}, [], threading.Event()

    def ask() -> None:
        while not over.is_set():
            told.append(running.post("/v1/classify", drawn[7], **{"Content-Type": "image/png"}))

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for place in (SHIPPED / "small", SHIPPED / "tiny", SHIPPED / "small"):
        new = put(store, place)
        ids.add(new)
        running.process.send_signal(signal.SIGHUP)
        wait_until(lambda new=new: bundle(running) == new)
        wait_until(lambda new=new: told and json.loads(told[-1].body)["model"]["bundle"] == new)
    over.set()
    for thread in threads:
        thread.join()
    assert {answer.status for answer in told} == {200}
    assert {json.loads(answer.body)["digit"] for answer in told} == {7}
    assert {json.loads(answer.body)["model"]["bundle"] for answer in told} == ids
    assert running.get("/readyz").json()["golden_inputs"] == 47
    assert running.end() == 0
    assert running.said.count("edgedigits serve: runs ") == 3


@pytest.mark.parametrize("plant", [planted.damaged, planted.subtle, Path], ids=["wrong", "subtly", "missing"])
def test_it_stays_with_the_old_one_if_the_new_one_is_wrong_or_not_there(start, store, drawn, tmp_path, plant):
    running = start("--bundle", "active", EDGEDIGITS_STORE=str(store))
    before = bundle(running)
    if (place := plant(tmp_path / "new")).exists():
        put(store, place)
    else:
        (store / "active").unlink()
    running.process.send_signal(signal.SIGHUP)
    assert "edgedigits serve: stays with tiny" in first_line(running.process)
    assert bundle(running) == before
    assert running.get("/readyz").status == 200
    assert running.post("/v1/classify", drawn[3], **{"Content-Type": "image/png"}).json()["digit"] == 3


def test_a_folder_is_read_anew_too_and_several_signals_are_one(start, drawn, tmp_path):
    place = Path(shutil.copytree(SHIPPED / "tiny", tmp_path / "bundle"))
    running = start("--bundle", place)
    shutil.rmtree(place)
    shutil.copytree(SHIPPED / "small", place)
    for _ in range(20):
        running.process.send_signal(signal.SIGHUP)
    wait_until(lambda: running.get("/v1/model").json()["model"]["name"] == "small")
    assert running.end() == 0
    assert running.said.count("runs small") - 1 <= 3  # the banner, then one or two
