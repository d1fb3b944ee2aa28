"""The store of a board: what is installed, active and refused, and what a kill or a full disk leaves of it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from edgedigits.bundle import SHIPPED, Bundle
from edgedigits.classifier import DigitClassifier
from edgedigits.engines import installed_engines
from edgedigits.store.active import read_active
from edgedigits.store.contents import open_contents
from edgedigits.store.store import entries, install, locked, switch

SMALL, TINY = SHIPPED / "small", SHIPPED / "tiny"
LIMITS = {"report": {}, "variant": "int8.tflite", "engine": "auto"}


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EDGEDIGITS_STORE", str(tmp_path / "store"))
    return tmp_path / "store"


def put(store: Path, place: Path) -> str:
    contents = open_contents(place, None)
    with locked(store):
        install(store, contents)
    return contents.manifest.id


def make_active(store: Path, bundle: str) -> None:
    with locked(store):
        switch(store, bundle, **LIMITS)


def test_from_nothing_to_an_active_bundle_and_back_by_the_commands_of_the_documentation(store, run_here, tmp_path):
    ids = []
    for place in (SMALL, TINY):
        assert run_here("bundle", "pack", place, "-o", f"{place.name}.tar").returncode == 0
        told = json.loads(run_here("bundle", "install", f"{place.name}.tar", "--json").stdout)
        assert told["changed"]
        ids.append(told["bundle"])
        done = run_here("bundle", "activate", told["bundle"][:12], "--max-slower", "900%", "--json")
        assert done.returncode == 0, done.stdout
        report = json.loads(done.stdout)
        assert report["switched"]
        gates = ["requirements", "selftest", "parity", "latency", "memory"]
        assert [gate["gate"] for gate in report["gates"]] == gates
    listed = json.loads(run_here("bundle", "list", "--json").stdout)
    assert {one["id"]: one["state"] for one in listed["bundles"]} == {ids[0]: "installed", ids[1]: "active"}
    with DigitClassifier("active") as classifier:
        assert classifier.model_id.bundle == ids[1]
    again = run_here("bundle", "activate", ids[1], "--json")
    assert json.loads(again.stdout)["gates"] == []
    assert run_here("bundle", "rollback", "--why", "it was slow").returncode == 0
    assert "it was slow" in run_here("bundle", "list").stdout
    assert Bundle.load("active").id == ids[0]


def test_nothing_is_active_in_a_new_store_and_nothing_was_before(store, run_here, refused):
    refused(run_here("classify", "--bundle", "active", "x.png"), 2, "active: expected a bundle that was activated in")
    refused(run_here("bundle", "rollback"), 2, "rollback: expected an active bundle")
    assert "no bundles yet" in run_here("bundle", "list").stdout


def test_rolling_back_the_first_one_leaves_none_active(store, run_here):
    make_active(store, put(store, TINY))
    assert json.loads(run_here("bundle", "rollback", "--json").stdout)["active"] is None
    assert read_active(store) is None
    assert [one.state for one in entries(store)] == ["installed"]


@pytest.mark.skipif(not {"litert", "onnxruntime"} <= set(installed_engines()), reason="both formats are needed")
def test_what_was_activated_is_one_variant_in_one_engine_unless_a_command_says_otherwise(store):
    found = put(store, SMALL)
    with locked(store):
        switch(store, found, "float32.tflite", "litert", {})
    with DigitClassifier("active") as classifier:
        assert (classifier.model_id.variant, classifier.engine_id.name) == ("float32.tflite", "litert")
    with DigitClassifier("active", variant="int8.onnx", engine="onnxruntime") as classifier:
        assert classifier.model_id.variant == "int8.onnx"
    with DigitClassifier("active", engine="onnxruntime") as classifier:  # which cannot read what was activated
        assert classifier.model_id.variant == "int8.onnx"


def test_a_folder_of_that_name_comes_first(store, tmp_path, monkeypatch):
    make_active(store, put(store, SMALL))
    monkeypatch.chdir(tmp_path)
    shutil.copytree(TINY, tmp_path / "active")
    assert Bundle.load("active").manifest.name == "tiny"


def test_installing_twice_changes_nothing_and_writes_again_what_was_damaged(store):
    found = put(store, SMALL)
    make_active(store, found)
    place = store / "bundles" / found
    before = {file.name: file.read_bytes() for file in place.iterdir()}
    contents = open_contents(SMALL, None)
    with locked(store):
        assert not install(store, contents)
        (place / "small-int8.tflite").write_bytes(b"damaged")
        (place / "golden.npz").unlink()
        assert install(store, contents)
    assert {file.name: file.read_bytes() for file in place.iterdir()} == before


def test_a_damaged_bundle_is_told_in_the_list(store):
    found = put(store, SMALL)
    manifest = store / "bundles" / found / "manifest.json"
    manifest.write_bytes(manifest.read_bytes().replace(b'"small"', b'"smell"'))
    (one,) = entries(store)
    assert one.state == "broken"
    assert "it was edited" in one.why


def test_an_id_is_asked_for_by_enough_characters(store, run_here, refused):
    found = put(store, SMALL)
    refused(run_here("bundle", "activate", found[:5]), 2, "6 characters", found[:12])
    refused(run_here("bundle", "activate", "0123456789"), 2, "expected the id of one installed bundle")


def test_a_locator_is_no_bundle_to_activate(store, run_here, refused):
    done = run_here("bundle", "activate", put(store, SHIPPED / "locator"))
    refused(done, 2, "expected a classifier")


def test_at_every_moment_of_many_switches_one_bundle_is_active(store):
    ids = {put(store, place) for place in (SMALL, TINY)}
    make_active(store, min(ids))
    seen, over = set(), threading.Event()

    def look() -> None:
        while not over.is_set():
            try:
                seen.add(Path(os.path.realpath(store / "active", strict=True)).name)
            except OSError as error:
                seen.add(error)

    reader = threading.Thread(target=look)
    reader.start()
    for _ in range(50):
        for one in ids:
            make_active(store, one)
    over.set()
    reader.join()
    assert seen == ids


# One process that knows everything already starts others, and kills each at a random moment of this work: install a
# bundle, switch to it and back, remove it.
KILL = """
import os, random, signal, sys, time
from pathlib import Path
from edgedigits.store.active import read_active
from edgedigits.store.contents import open_contents
from edgedigits.store.store import install, locked, roll_back, switch
sys.path.insert(0, sys.argv[3])
from test_store import require_whole
store, tiny, small = Path(sys.argv[1]), open_contents(Path(sys.argv[2]), None), sys.argv[4]
moments, half_done, active = random.Random(27), 0, set()

def work():
    while True:
        with locked(store):
            install(store, tiny)
            switch(store, tiny.manifest.id, "int8.tflite", "auto", {})
        with locked(store):
            while read_active(store).bundle != small:
                roll_back(store)
        with locked(store):  # so that installing has to write again
            (store / "bundles" / tiny.manifest.id).rename(store / "bundles" / ".gone")

for _ in range(200):
    child = os.fork()
    if not child:
        work()
    time.sleep(moments.uniform(0, 0.04))
    os.kill(child, signal.SIGKILL)
    assert os.WIFSIGNALED(os.waitpid(child, 0)[1])
    half_done += any(any((store / folder).glob(".*")) for folder in ("bundles", "activations"))
    active.add(require_whole(store, {small, tiny.manifest.id}))
print(half_done, len(active))
"""


def require_whole(store: Path, known: set[str]) -> str:
    """Fail unless a bundle is active and everything that is visible in the store is as it was exported."""
    active = read_active(store)
    assert active is not None
    assert active.bundle in known
    for one in (store / "bundles").glob("[!.]*"):
        bundle = Bundle.load(one)
        assert bundle.id == one.name
        for file in (*bundle.manifest.files, bundle.manifest.golden.file):
            bundle.read(file)
    assert Bundle.load(store / "active").id == active.bundle
    return active.bundle


@pytest.mark.slow  # two hundred processes
def test_killed_at_200_random_moments_the_store_is_whole_and_a_bundle_active(store):
    small = put(store, SMALL)
    make_active(store, small)
    done = subprocess.run(
        [sys.executable, "-c", KILL, store, TINY, Path(__file__).parent, small],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    half_done, active = map(int, done.stdout.split())
    assert half_done > 20, "too few were killed while they wrote"
    assert active == 2
    with locked(store):
        assert not [*(store / "bundles").glob(".*"), *(store / "activations").glob(".*")]


# Writes end at this many bytes of any file, as on a disk that is full by then.
FULL = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), resource.RLIM_INFINITY))
from edgedigits.cli.main import main
raise SystemExit(main(sys.argv[2:]))
"""


@pytest.mark.parametrize("share", [0, 0.002, 0.3, 0.99])
def test_where_writing_ends_early_the_store_is_whole_and_rolling_back_works(store, share, tmp_path, refused):
    room = int(share * max(file.stat().st_size for file in TINY.iterdir()))

    def run(*words: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", FULL, str(room), *map(str, words)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    small = put(store, SMALL)
    make_active(store, small)
    refused(run("bundle", "install", TINY), 2, "cannot be written (File too large)")
    assert [one.id for one in entries(store)] == [small]
    tiny = put(store, TINY)
    if share < 0.01:  # the record of an activation
        done = run("bundle", "activate", tiny, "--max-slower", "900%")
        assert done.returncode == 2
        assert "cannot be written" in done.stderr.splitlines()[-1]
    assert require_whole(store, {small}) == small
    make_active(store, tiny)
    assert run("bundle", "rollback").returncode == 0
    assert require_whole(store, {small}) == small


def fill(file: Path) -> None:
    with suppress(OSError), file.open("wb", 0) as filler:
        while True:
            filler.write(bytes(4096))
    assert shutil.disk_usage(file.parent).free == 0


@pytest.mark.parametrize("free_kb", [0, 8, 300, 1100])
def test_on_a_full_disk_the_store_is_whole_and_rolling_back_works(store, free_kb, run_here, refused):
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", store]
    store.mkdir()
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this user may not mount a small disk")
    try:
        small, tiny = put(store, SMALL), put(store, TINY)
        make_active(store, small)
        make_active(store, tiny)
        shutil.rmtree(store / "bundles" / small)
        fill(store / "filler")
        os.truncate(store / "filler", (store / "filler").stat().st_size - 1024 * free_kb)
        refused(run_here("bundle", "install", SMALL), 2, "make room")
        assert require_whole(store, {tiny}) == tiny
        (store / "filler").unlink()
        put(store, SMALL)
        fill(store / "filler")
        assert run_here("bundle", "rollback").returncode == 0
        assert require_whole(store, {small}) == small
    finally:
        subprocess.run(["umount", store], check=True)
