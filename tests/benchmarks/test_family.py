"""The family: what ships is chosen by validation digits, and the table tells means and spreads of what was measured."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from benchmarks.accuracy.family import family_table
from benchmarks.latency.training import training_table
from edgedigits.bundle import Bundle
from models import make

ROOT = Path(__file__).parents[2]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (ROOT / "models").is_dir(), reason="the wheel alone has no models"),
]


def run(member: str, seed: int, validation: float, test: float, **others: Any) -> dict[str, Any]:
    told = {
        "member": member,
        "seed": seed,
        "validation": validation,
        "test": test,
        "paper": None,
        "seconds": 90,
        "versions": {"tensorflow": "2.21"},
    }
    same = {
        "keras_validation_loss": 0.02,
        "keras_test": 0.997,
        "bytes": 9876,
        "weight_bytes": 7654,
        "parameters": 7334,
        "macs": 127_180,
    }
    return {**told, **same, **others}


def test_the_test_digits_have_no_say_in_what_ships():
    runs = [run("nano", 0, 0.991, 0.999), run("nano", 1, 0.993, 0.98), run("tiny", 2, 0.999, 0.999)]
    assert make.seeds_by_validation(runs, "nano") == [1, 0]
    runs.append(run("nano", 2, 0.993, 0.5, keras_validation_loss=0.01))
    assert make.seeds_by_validation(runs, "nano") == [2, 1, 0]


def test_a_run_elsewhere_with_other_threads_is_the_same_run():
    assert make._alike({"model": "nano", "threads": 2}, {"model": "nano", "threads": 8})
    assert not make._alike({"model": "nano", "threads": 2}, {"model": "tiny", "threads": 2})


def test_every_member_has_a_recipe_and_learns_from_a_teacher_or_is_a_textbook_s():
    from edgedigits_train.config import LOCATOR, PRESETS

    assert {*make.MEMBERS, LOCATOR} == set(PRESETS["best"])
    order = list(make.MEMBERS)
    assert all(order.index(make.TEACHER) < order.index(student) for student in make.STUDENTS)


def test_students_learn_from_the_teacher_that_ships(tmp_path, monkeypatch):
    asked: list[tuple[str, ...]] = []
    monkeypatch.setattr(make, "_edgedigits", lambda *words: asked.append(words))
    make._train("nano", 0, tmp_path / "nano-0")
    (words,) = asked
    teacher = words[words.index("--teacher") + 1]
    assert make.TEACHER in make.SHIPPED
    assert (make.ROOT / teacher).is_file()


def test_constants_are_counted_once():
    from edgedigits_export.keras_model.load import load_keras

    data = (ROOT / "runtime/edgedigits/bundles/small/small-int8.tflite").read_bytes()
    weighted = [
        layer.kernel.shape for layer in load_keras(ROOT / "models/small.keras").layers if hasattr(layer, "kernel")
    ]
    kernels, biases = sum(map(math.prod, weighted)), sum(shape[-1] for shape in weighted)
    # And at most a shape.
    assert 0 <= make._weight_bytes(data) - (kernels + 4 * biases) <= 16


def test_what_ships_is_the_seed_with_the_best_validation_figure():
    runs = json.loads(make.RESULT.read_text())["runs"]
    for member in make.SHIPPED:
        seed = make.seeds_by_validation(runs, member)[0]
        (best,) = (one for one in runs if (one["member"], one["seed"]) == (member, seed))
        record = json.loads((ROOT / "models" / f"{member}.train.json").read_text())
        assert (record["config"]["model"], record["config"]["seed"]) == (member, best["seed"])
        assert best["sha256"] in {file.sha256 for file in Bundle.load(member).manifest.files}


def test_every_run_s_record_is_kept():
    for one in json.loads(make.RESULT.read_text())["runs"]:
        record = json.loads((make.RECORDS / f"{one['member']}-{one['seed']}.json").read_text())
        assert (record["config"]["model"], record["config"]["seed"]) == (one["member"], one["seed"])
        assert record["validation"]["accuracy"] == one["keras_validation"]


def test_members_are_as_small_and_as_cheap_as_their_names_say():
    kilobytes = {"nano": 10, "tiny": 16, "small": 64, "base": 512}
    macs = {"nano": 150_000, "tiny": 500_000, "small": 2_500_000}
    for one in json.loads(make.RESULT.read_text())["runs"]:
        assert one["bytes"] <= 1024 * kilobytes.get(one["member"], 512)
        assert one["macs"] <= macs.get(one["member"], 20_000_000)


def test_every_member_passes_all_that_proves_a_bundle():
    proofs = json.loads(make.RESULT.read_text())["proofs"]
    assert set(proofs) == set(make.MEMBERS)
    assert not any(proof[command] for proof in proofs.values() for command in make.VERIFICATIONS)


def test_table_tells_mean_spread_and_what_did_not_pass():
    runs = [run("base", 0, 0.998, 0.9975), run("nano", 0, 0.991, 0.99), run("nano", 1, 0.993, 0.992)]
    passed = {"selftest": 0, "check": 0, "parity": 0}
    result = {"runs": runs, "proofs": {"base": passed, "nano": passed}}
    lines = family_table(result).splitlines()
    assert lines[2] == "| `base` | 9,876 | 7,654 | 7,334 | 0.13 | 99.80 % | 99.75 % | 99.70 % | 2 |"
    assert "| 0.13 | 99.20 ± 0.14 % | 99.10 ± 0.14 % | 99.70 ± 0.00 % | 2 |" in lines[3]
    assert "over 2 seeds" in lines[-1]
    runs[0]["versions"] = {"jax": "0.10"}
    assert "| 2 (JAX) |" in family_table(result)
    assert "All variants of every member pass" in lines[-1]
    result["proofs"]["nano"] = {**passed, "parity": 1}
    assert "did not pass: `parity` of `nano`." in family_table(result)


def test_training_table_tells_the_medians_and_what_the_pipeline_costs():
    row = {
        "model": "small", "batch_size": 256, "images_per_second": {"bare": [1, 2, 3]},
        "median": {"bare": 11_000, "whole": 10_000}, "pipeline_costs": 0.0917,
    }  # fmt: skip
    machine = {"board": None, "cpu": "a processor", "cores": 2}
    result = {"rows": [row], "machine": machine, "versions": {"keras": "3", "tensorflow": "2"}}
    lines = training_table(result).splitlines()
    assert lines[2] == "| `small` | 256 | 11,000 | 10,000 | 9.2 % | ≤ 10 % |"
    assert "medians of 3 epochs" in lines[-1]


def test_a_seed_whose_files_fail_their_gates_leaves_its_place_to_the_next(tmp_path, monkeypatch):
    monkeypatch.setattr(make, "RUNS", tmp_path)
    monkeypatch.setattr(make, "BUNDLES", tmp_path)
    for seed, validation in enumerate([0.99, 0.98]):
        (tmp_path / f"mlp-{seed}").mkdir()
        (tmp_path / f"mlp-{seed}" / make.FIGURES).write_text(json.dumps(run("mlp", seed, validation, 0.5)))
    (tmp_path / "mlp").mkdir()
    (tmp_path / "mlp" / "manifest.json").write_text('{"id": "an id"}')
    monkeypatch.setattr(make, "_call", lambda command, model, *_: int(command == "export" and "mlp-0" in model))
    assert make._verify("mlp") == tmp_path / "mlp-1"
    monkeypatch.setattr(make, "_call", lambda *_: 4)
    with pytest.raises(SystemExit, match="mlp: expected a seed whose files pass their gates, found none"):
        make._verify("mlp")
