"""Roll-outs over eight boards, two of them emulated Raspberry Pis, with everything that goes wrong out there.

The tests follow each other on one fleet, since boards take long to start: what one rolls out is old to the next. After
each of them every board answers as it should.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import planted
import pytest
from boards import Board, Fleet, descendants, kill, until

from edgedigits.bundle import SHIPPED, Bundle
from edgedigits.engines import installed_engines

pytestmark = pytest.mark.xdist_group("fleet")
SIZE, DISK = 8, 3  # boards, and which one has a small disk
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def fleet(make_fleet, emulated) -> Fleet:
    return make_fleet(SIZE, emulated, [DISK])


@pytest.fixture(autouse=True)
def as_it_should(fleet: Fleet, drawn: dict[str, bytes]) -> Iterator[None]:
    """Whatever happens: every board answers rightly, with one and the same bundle, which is the active one."""
    yield
    found = {board.answers(drawn[f"seen-{label}.png"])[1] == str(label) for board in fleet.boards for label in (2, 7)}
    assert found == {True}
    for board in fleet.boards:
        board.variables = {}
        assert board.asks("/v1/model")["model"]["bundle"] == board.active()


@pytest.fixture
def unchanged(fleet: Fleet) -> Iterator[None]:
    """What is active stays active on every board."""
    before = {board.name: board.active() for board in fleet.boards}
    yield
    assert {board.name: board.active() for board in fleet.boards} == before


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / "release"], check=True)
    (folder / "allowed").write_text(f"release@example {(folder / 'release.pub').read_text()}")
    return folder


def measured(bundle: Path, engine: str, folder: Path) -> str:
    """What `bench --recommend` says of a bundle on a kind of board that has this engine alone."""
    file = folder / f"{engine}.json"
    options = ["--engine", engine, "--recommend", "--processes", "5", "--seconds", "0.01", "-o", file]
    subprocess.run(
        [sys.executable, "-m", "edgedigits.cli.main", "bench", bundle, *options], check=True, capture_output=True
    )
    return str(file)


def test_a_good_bundle_reaches_every_board_with_the_variant_of_its_kind_and_only_once(fleet, pack, drawn, tmp_path):
    archive = pack(planted.good)
    before = {board.active() for board in fleet.boards}
    rehearsed = fleet.roll_out(archive, "--check")
    assert rehearsed.code == 0, rehearsed.said
    assert set(rehearsed.states().values()) == {"switched"}
    assert rehearsed.told["check"]
    assert {board.active() for board in fleet.boards} == before
    assert not [board for board in fleet.boards if (board.store / "new.tar").exists()]

    kinds = {"litert": measured(archive.with_suffix(""), "litert", tmp_path)}
    kinds["onnxruntime"] = measured(archive.with_suffix(""), "onnxruntime", tmp_path)
    for number, board in enumerate(fleet.boards):
        board.variables = {"edgedigits_kind": "pi" if board.emulated else ["litert", "onnxruntime"][number % 2]}
    limits = ["--max-slower", "900%", "--max-memory", "100%"]  # another engine is another matter
    done = fleet.roll_out(archive, edgedigits_recommendations=kinds, edgedigits_limits=limits)
    assert done.code == 0, done.said
    new = done.told["bundle"]
    assert {board.active() for board in fleet.boards} == {new}
    for board in fleet.boards:
        assert board.answers(drawn["seen-4.png"]) == (new, "4")
        told, engine = done.told["boards"][board.name], board.asks("/v1/model")["engine"]["name"]
        assert told["state"] == "switched"
        assert told["replay"]["pictures"] == (2 if board.emulated else 10)
        assert (told["replay"]["changed"], told["replay"]["refused_now"]) == (0, 0)
        assert [gate["gate"] for gate in told["report"]["gates"]][:3] == ["requirements", "selftest", "parity"]
        assert engine == ("onnxruntime" if told["kind"] == "onnxruntime" else "litert")
    page = (done.folder / "fleet.html").read_text()
    assert page.count('class="state switched"') == SIZE
    assert f"{SIZE} switched." in page
    again = fleet.roll_out(archive, edgedigits_recommendations=kinds)
    assert again.code == 0
    assert set(again.states().values()) == {"unchanged"}
    assert again.changed() == 0


@pytest.mark.parametrize(
    ("plant", "options", "gate"),
    [
        (planted.relabelled, {}, "parity: 10 of 10 answers changed"),
        (planted.damaged, {}, "selftest: "),
        (planted.slow, {}, "latency: "),
        (planted.crashing, {"edgedigits_engine": "tflite-runtime"}, "died of SIG"),
    ],
)
@pytest.mark.usefixtures("unchanged")
def test_a_bad_bundle_ends_at_the_canary(fleet, pack, plant, options, gate):
    if options.get("edgedigits_engine", "litert") not in installed_engines():
        pytest.skip("tflite-runtime, which crashes, is not installed here")
    done = fleet.roll_out(pack(plant), **options)
    assert done.code != 0
    assert done.told["stopped"]
    assert done.states() == {"board0": "failed", **{f"board{n}": "waiting" for n in range(1, SIZE)}}
    assert gate in done.told["boards"]["board0"]["why"]
    (state, why) = fleet.boards[0].states()[done.told["bundle"]]
    assert state == "refused"
    assert gate in why


@pytest.mark.usefixtures("unchanged")
def test_what_is_not_signed_or_was_altered_goes_nowhere(fleet, pack, keys, tmp_path):
    archive = pack(planted.slow)
    done = fleet.roll_out(archive, edgedigits_signers=str(keys / "allowed"))
    assert done.code != 0
    assert "expected a signature, found none" in done.said
    data = archive.read_bytes()
    (tmp_path / "altered.tar").write_bytes(data[:200_000] + b"x" + data[200_001:])
    done = fleet.roll_out(tmp_path / "altered.tar")
    assert done.code != 0
    assert "expected SHA-256" in done.said


@pytest.mark.usefixtures("unchanged")
def test_bytes_altered_on_the_way_to_one_board_of_the_last_wave_take_the_bundle_back_from_all(fleet, pack):
    board = fleet.boards[5]
    program = board.folder / "altering"
    # It is in the place of the command, and alters what has just arrived.
    program.write_text(
        f'#!/bin/sh\nif [ "$2" = install ]; then printf x | dd of="$3" bs=1 seek=150000 conv=notrunc 2>/dev/null; fi\n'
        f'exec "{board.python}" -m edgedigits.cli.main "$@"\n'
    )
    program.chmod(0o755)
    board.variables = {"edgedigits_command": [str(program)]}
    hosts = [f"board{number}" for number in range(6)]
    done = fleet.roll_out(pack(better), edgedigits_limits=["--max-slower", "900%"], edgedigits_hosts=",".join(hosts))
    assert done.code != 0
    assert done.told["stopped"]
    assert done.states() == {name: "failed" if name == board.name else "rolled back" for name in hosts}
    assert "expected SHA-256" in done.told["boards"]["board5"]["why"]
    for other in fleet.boards[:6]:
        if other is not board:
            state, why = other.states()[done.told["bundle"]]
            assert state == "refused"
            assert "board5 did not take it" in why


@pytest.mark.usefixtures("unchanged")
def test_a_full_disk_is_told_and_nothing_changes(fleet, pack):
    board = fleet.boards[DISK]
    if not os.path.ismount(board.store):
        pytest.skip("this user may not mount a small disk")
    with (board.store / "filler").open("wb", 0) as filler:
        try:
            while True:
                filler.write(bytes(4096))
        except OSError:
            pass
    done = fleet.roll_out(pack(better), edgedigits_hosts=f"board{DISK},board1")
    (board.store / "filler").unlink()
    assert done.code != 0
    assert done.states()[f"board{DISK}"] == "failed"
    assert re.search("No space left|make room", done.told["boards"][f"board{DISK}"]["why"])


def better(folder: Path) -> Path:
    """The next good bundle."""
    return planted.copy(folder, lambda values: values.update(name="tiny-5"))


def best(folder: Path) -> Path:
    """And the one after it."""
    return planted.copy(folder, lambda values: values.update(name="tiny-6"))


def test_boards_that_are_gone_or_go_in_the_middle_and_ssh_that_hangs_hold_nobody_up(fleet, pack, keys, drawn):
    gone, hanging, leaving, frozen = (fleet.boards[number] for number in (0, 2, 4, 5))
    old = gone.active()
    gone.leave()
    hanging.leave()
    deaf = socket.create_server(("127.0.0.1", hanging.port), reuse_port=False)  # it accepts, and never says a word

    archive = pack(best, keys / "release")
    new = Bundle.load(archive.with_suffix("")).id

    def leave() -> None:
        until((leaving.store / "bundles" / new).exists, "the gates begin", 300)
        leaving.leave()

    def freeze() -> None:
        until((frozen.store / "bundles" / new).exists, "the gates begin", 300)
        for session in descendants(frozen.sshd.pid):
            os.kill(session, signal.SIGSTOP)
        os.kill(frozen.sshd.pid, signal.SIGSTOP)

    threads = [threading.Thread(target=work, daemon=True) for work in (leave, freeze)]
    for thread in threads:
        thread.start()
    done = fleet.roll_out(
        archive, edgedigits_signers=str(keys / "allowed"), edgedigits_reach_timeout=15,
        edgedigits_limits=["--max-slower", "900%"],
    )  # fmt: skip
    for thread in threads:
        thread.join()
    deaf.close()
    for session in descendants(frozen.sshd.pid):
        kill(session)
    kill(frozen.sshd.pid)
    frozen.sshd.wait()
    assert not done.told["stopped"], done.said
    assert done.states() == {
        "board0": "unreachable", "board1": "switched", "board2": "unreachable", "board3": "switched", "board4": "lost",
        "board5": "lost", "board6": "switched", "board7": "switched",
    }  # fmt: skip
    assert done.code != 0
    assert "without an answer: board0, board2, board4, board5" in done.said
    for board in (gone, hanging, leaving, frozen):
        assert board.active() in {old, new}
        assert Bundle.load(board.store / "bundles" / board.active()).id == board.active()
        board.listen(fleet.key)
        # A service of a board that came back after a cut is started by its system.
        os.kill(board.service.pid, signal.SIGHUP)
        until(lambda board=board: board.asks("/v1/model")["model"]["bundle"] == board.active(), "it is taken")


def test_without_the_guard_of_parity_the_wrong_bundle_would_be_everywhere(fleet, pack, drawn):
    few = {"edgedigits_hosts": "board0,board1"}
    done = fleet.roll_out(
        pack(planted.relabelled), edgedigits_limits=["--max-changed", "99", "--max-slower", "900%"], **few
    )
    assert set(done.states().values()) == {"switched"}
    assert fleet.boards[1].answers(drawn["seen-7.png"]) == (done.told["bundle"], "2")
    for number in (0, 1):
        board: Board = fleet.boards[number]
        environment = {**os.environ, "EDGEDIGITS_STORE": str(board.store)}
        subprocess.run([*board.command, "bundle", "rollback"], env=environment, check=True, capture_output=True)
        os.kill(board.service.pid, signal.SIGHUP)
        until(lambda board=board: board.asks("/v1/model")["model"]["bundle"] == board.active(), "it is taken back")


def test_the_runtime_is_installed_from_its_wheel_once(fleet, tmp_path):
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", tmp_path, ROOT], check=True, capture_output=True
    )
    (wheel,) = tmp_path.glob("*.whl")
    board = fleet.boards[1]
    wanted = {
        "edgedigits_hosts": board.name, "edgedigits_wheel": str(wheel), "edgedigits_home": str(board.folder / "opt"),
        "edgedigits_service_control": "none", "edgedigits_python": sys.executable,
    }  # fmt: skip
    rehearsed = fleet.play("runtime", "--check", **wanted)
    assert rehearsed.code == 0, rehearsed.said
    assert not (board.folder / "opt").exists()
    done = fleet.play("runtime", **wanted)
    assert done.code == 0, done.said
    program = board.folder / "opt" / "venv" / "bin" / "edgedigits"
    clean = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    told = subprocess.run([program, "selftest", "--json"], env=clean, capture_output=True, text=True, check=True).stdout
    assert json.loads(told)["bundle"] == Bundle.load(SHIPPED / "small").id
    again = fleet.play("runtime", **wanted)
    assert again.code == 0
    assert again.changed() == 0
