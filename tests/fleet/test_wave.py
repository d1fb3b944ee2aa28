"""One roll-out over three boards and one that is stopped: what `.ci/run` looks at of the fleet."""

from __future__ import annotations

import planted


def test_one_wave_takes_a_good_bundle_and_refuses_a_silently_wrong_one(make_fleet, pack, drawn):
    fleet = make_fleet(3)
    good = fleet.roll_out(pack(planted.good))
    assert good.code == 0, good.said
    assert set(good.states().values()) == {"switched"}
    bad = fleet.roll_out(pack(planted.relabelled))
    assert bad.code != 0
    assert bad.states() == {"board0": "failed", "board1": "waiting", "board2": "waiting"}
    assert "parity: 10 of 10 answers changed" in bad.told["boards"]["board0"]["why"]
    for board in fleet.boards:
        assert board.answers(drawn["seen-7.png"]) == (good.told["bundle"], "7")
