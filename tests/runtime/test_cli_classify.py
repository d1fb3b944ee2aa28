from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from edgedigits.bundle import Bundle
from edgedigits.engines import ENGINES

FIELDS = [
    "source", "digit", "label", "confidence", "probabilities", "rejected", "measured", "box", "passed_through",
    "pipeline", "timing_ms", "model", "engine",
]  # fmt: skip


def test_one_picture_gets_one_line(command, pictures, classifier):
    done = command("classify", pictures[0])
    found = classifier.classify(pictures[0])
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{pictures[0]}: {found.label}  {found.confidence:.1%}\n"


@pytest.mark.slow
def test_many_pictures_get_a_json_object_a_line(run_here, pictures, classifier):
    done = run_here("classify", "--json", *pictures)
    assert (done.returncode, done.stderr) == (0, "")
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert [one["source"] for one in told] == [str(path) for path in pictures]
    for one, path in zip(told, pictures, strict=True):
        assert list(one) == FIELDS
        expected = classifier.classify(path)
        assert one["probabilities"] == [float(value) for value in expected.probabilities]
        assert one["model"] == {
            "name": "small", "variant": expected.model.variant, "sha256": expected.model.sha256,
            "bundle": Bundle.load().id,
        }  # fmt: skip
        assert all(value >= 0 for value in one["timing_ms"].values())
    right = sum(one["label"] == path.parent.name for one, path in zip(told, pictures, strict=True))
    assert right >= 16


def test_an_engine_and_a_variant_can_be_chosen(run_here, pictures, engine):
    format_ = ENGINES[engine].format
    done = run_here("classify", "--json", "--engine", engine, "--variant", f"int8.{format_}", pictures[0])
    told = json.loads(done.stdout)
    assert (told["engine"]["name"], told["model"]["variant"]) == (engine, f"int8.{format_}")


@pytest.mark.slow
def test_a_bundle_can_be_named_by_name_or_path(run_here, pictures, bundle_copy):
    answers = [run_here("classify", "--bundle", place, pictures[0]).stdout for place in ("small", bundle_copy)]
    assert answers[0] == answers[1] != ""


def test_standard_input_is_an_image(command, pictures, classifier):
    done = command("classify", "-", "--json", input=pictures[3].read_bytes(), text=False)
    told = json.loads(done.stdout)
    assert told["source"] == "-"
    assert told["digit"] == classifier.classify(pictures[3]).digit


@pytest.mark.slow
def test_one_of_three_that_fails_does_not_stop_the_others(run_here, pictures, tmp_path):
    (tmp_path / "broken.png").write_text("text")
    done = run_here("classify", "--json", pictures[0], tmp_path / "broken.png", pictures[1], "-o", tmp_path / "out")
    assert done.returncode == 2
    first, broken, last = (json.loads(line) for line in done.stdout.splitlines())
    assert (first["source"], last["source"]) == (str(pictures[0]), str(pictures[1]))
    assert set(broken) == {"source", "error"}
    assert broken["source"] == str(tmp_path / "broken.png")
    assert done.stderr == f"edgedigits: {broken['error']}\n"
    assert (tmp_path / "out").read_text() == done.stdout
    plain = run_here("classify", pictures[0], tmp_path / "broken.png", pictures[1])
    assert plain.returncode == 2
    assert len(plain.stdout.splitlines()) == 2


def test_a_stored_result_is_not_overwritten_unless_asked(run_here, pictures, tmp_path, refused):
    (tmp_path / "out").write_text("precious")
    done = run_here("classify", pictures[0], "-o", tmp_path / "out")
    refused(done, 2, f"{tmp_path / 'out'}: exists already; choose another path or add --overwrite")
    assert done.stdout == ""
    assert (tmp_path / "out").read_text() == "precious"
    done = run_here("classify", pictures[0], "-o", tmp_path / "out", "--overwrite")
    assert done.returncode == 0
    assert json.loads((tmp_path / "out").read_text())["source"] == str(pictures[0])
    assert done.stdout.startswith(f"{pictures[0]}: ")


@pytest.mark.slow
def test_a_picture_without_ink_is_no_answer_and_no_failure(run_here, tmp_path):
    Image.new("L", (80, 80), "white").save(tmp_path / "paper.png")
    done = run_here("classify", "paper.png")
    assert (done.returncode, done.stdout) == (0, "paper.png: no digit found\n")
    told = json.loads(run_here("classify", "--json", "paper.png").stdout)
    assert (told["rejected"], told["box"]) == ("no_digit", None)
    assert told["digit"] == int(told["label"]) == np.argmax(told["probabilities"])


def test_mnist_feeds_the_picture_as_it_is(run_here, tmp_path, digits, classifier):
    dark_on_white = 255 - digits.images[0, ..., 0]
    Image.fromarray(dark_on_white).save(tmp_path / "x.png")
    told = json.loads(run_here("classify", "--json", "--mnist", "x.png").stdout)
    expected = classifier.classify(dark_on_white, mnist=True)
    assert told["probabilities"] == [float(value) for value in expected.probabilities]


@pytest.mark.slow
def test_show_draws_what_the_model_was_fed(run_here, tmp_path, digits):
    Image.fromarray(digits.images[0, ..., 0]).save(tmp_path / "x.png")
    lines = run_here("classify", "--mnist", "--show", "x.png").stdout.splitlines()
    assert len(lines) == 15
    for row, line in enumerate(lines[1:]):
        assert line.endswith("\x1b[0m")
        cells = [cell.split("m")[0].split(";") for cell in line.split("\x1b[")[1:-1]]
        assert [int(cell[2]) for cell in cells] == list(digits.images[0, 2 * row, :, 0])
        assert [int(cell[7]) for cell in cells] == list(digits.images[0, 2 * row + 1, :, 0])
    assert len(run_here("classify", "--show", "--json", "x.png").stdout.splitlines()) == 1


@pytest.mark.slow
def test_the_wrong_bundle_is_refused(run_here, pictures, refused):
    refused(
        run_here("classify", "--bundle", "lenet", pictures[0]),
        2,
        "lenet: expected a bundle's folder, a .tflite or .onnx file, or one of",
        "small",
    )
    refused(run_here("classify", "--variant", "float16", pictures[0]), 2, "found only int8.tflite")
    refused(run_here("classify", "--variant", "int9", pictures[0]), 2, "variant 'int9': expected float32")
    refused(run_here("classify", "--engine", "onnx", pictures[0]), 2, "expected auto or one of litert")
    refused(run_here("classify", "--threads", "0", pictures[0]), 2, "expected at least 1 thread, found 0")


@pytest.mark.slow
def test_eval_counts_what_it_read(command, pictures, tmp_path):
    folder = tmp_path / "pictures"
    (folder / "none").mkdir()
    Image.new("L", (60, 60), "white").save(folder / "none" / "paper.png")
    done = command("eval", folder, "--json", "-o", tmp_path / "out.json")
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    assert told == json.loads((tmp_path / "out.json").read_text())
    assert list(told) == [
        "n", "top1", "top1_unrejected", "ci95", "per_class", "rejected", "rejected_wrongly", "accepted_wrongly",
        "unreadable",
    ]  # fmt: skip
    assert (told["n"], told["rejected"], told["accepted_wrongly"]) == (21, 1, 0)
    assert list(told["per_class"]) == list("0123456789")
    text = command("eval", folder).stdout
    assert text.startswith(f"21 images, top-1 {told['top1']:.2%} (")
    assert "label  images" in text


def test_eval_tells_pictures_it_could_not_read_and_exits_2(run_here, pictures, tmp_path):
    (tmp_path / "pictures" / "3" / "x.png").write_text("text")
    done = run_here("eval", tmp_path / "pictures", "--json")
    assert done.returncode == 2
    assert json.loads(done.stdout)["unreadable"] == 1
    assert done.stderr.count("\n") == 1
    assert "x.png: expected an image" in done.stderr


@pytest.mark.parametrize("place", ["nothing", "empty"])
def test_eval_of_nothing_exits_2(run_here, tmp_path, refused, place):
    (tmp_path / "empty").mkdir()
    refused(run_here("eval", tmp_path / place), 2, f"{tmp_path / place}: ")


@pytest.mark.slow
def test_eval_of_unlabelled_pictures_has_no_accuracy(run_here, tmp_path):
    (tmp_path / "x" / "none").mkdir(parents=True)
    Image.fromarray(np.full((40, 40), 255, np.uint8)).save(tmp_path / "x" / "none" / "a.png")
    assert json.loads(run_here("eval", "x", "--json").stdout)["top1"] is None
    assert run_here("eval", "x").stdout.startswith("1 images, top-1 – (– not counting")


def test_of_several_digits_the_right_verb_is_named(run_here, tmp_path, digits):
    sheet = np.full((120, 320), 255, np.uint8)
    for left, row in ((10, 0), (110, 1), (210, 2)):
        sheet[20:104, left : left + 84] -= np.asarray(Image.fromarray(digits.images[row, ..., 0]).resize((84, 84)))
    Image.fromarray(sheet).save(tmp_path / "three.png")
    done = run_here("classify", "three.png")
    assert (done.returncode, done.stdout) == (
        0,
        "three.png: more than one digit; read them with: edgedigits read three.png\n",
    )


def test_every_stage_is_explained_by_a_picture(run_here, tmp_path, digits, refused):
    sheet = np.full((100, 100), 230, np.uint8)
    sheet[8:92, 8:92] -= np.asarray(Image.fromarray(digits.images[0, ..., 0]).resize((84, 84))) // 2
    Image.fromarray(sheet).save(tmp_path / "one.png")
    done = run_here("classify", "one.png", "--explain", "why")
    assert done.returncode == 0
    stages = ["1-grey", "2-contrast", "3-maps", "4-fed", "5-answer"]
    assert sorted(path.name for path in (tmp_path / "why").iterdir()) == [f"one-{stage}.png" for stage in stages]
    refused(run_here("classify", "one.png", "--explain", "why"), 2, "why")
