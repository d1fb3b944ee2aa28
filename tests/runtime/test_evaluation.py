from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from edgedigits.errors import DatasetError
from edgedigits.evaluation import Evaluation, Outcome, evaluate
from edgedigits.verification.statistics import wilson


def test_every_figure_is_counted_as_documented():
    outcomes = (
        Outcome("3", "3", rejected=False),  # right
        Outcome("3", "3", rejected=True),  # right, but refused
        Outcome("3", "5", rejected=False),  # wrong
        Outcome("5", "6", rejected=True),
        Outcome("5", "5", rejected=False),
        Outcome("none", "7", rejected=False),  # accepted wrongly
        Outcome("none", "7", rejected=True),
        Outcome("none", "1", rejected=True),
    )
    assert Evaluation(outcomes, ("one line",)).to_dict() == {
        "n": 8, "top1": 2 / 5, "top1_unrejected": 3 / 5, "ci95": list(wilson(2, 5)),
        "per_class": {"3": {"n": 3, "top1": 1 / 3, "rejected": 1}, "5": {"n": 2, "top1": 1 / 2, "rejected": 1}},
        "rejected": 4, "rejected_wrongly": 2, "accepted_wrongly": 1, "unreadable": 1,
    }  # fmt: skip


def test_without_labelled_images_there_is_no_accuracy():
    found = Evaluation((Outcome("none", "1", rejected=False),), ()).to_dict()
    assert (found["top1"], found["top1_unrejected"], found["ci95"], found["per_class"]) == (None, None, None, {})
    assert (found["n"], found["accepted_wrongly"], found["rejected_wrongly"]) == (1, 1, 0)


def test_folders_of_real_pictures_are_read(classifier, pictures, tmp_path):
    folder = tmp_path / "pictures"
    (folder / "none").mkdir()
    Image.new("L", (60, 60), "white").save(folder / "none" / "paper.png")
    (folder / "4" / "broken.png").write_text("text")
    result = evaluate(classifier, folder)
    assert [outcome.label for outcome in result.outcomes] == [*np.repeat(list("0123456789"), 2), "none"]
    assert result.outcomes[-1].label == "none" and result.outcomes[-1].rejected
    figures = result.to_dict()
    assert (figures["n"], figures["rejected"], figures["accepted_wrongly"], figures["unreadable"]) == (21, 1, 0, 1)
    assert figures["top1"] >= 0.8
    assert result.errors[0].startswith(f"{folder / '4' / 'broken.png'}: expected an image")


def test_pictures_of_mnist_may_be_fed_as_they_are(classifier, tmp_path, digits):
    (tmp_path / "5").mkdir()
    Image.fromarray(255 - digits.images[0, ..., 0]).save(tmp_path / "5" / "x.png")
    plain, as_is = (evaluate(classifier, tmp_path, mnist=mnist).outcomes[0] for mnist in (False, True))
    assert plain.predicted == str(digits.labels[0])
    assert as_is.predicted != plain.predicted  # dark on white is no digit to the model


def test_a_folder_that_is_no_label_is_refused(classifier, pictures, tmp_path):
    (tmp_path / "pictures" / "3").rename(tmp_path / "pictures" / "three")
    with pytest.raises(DatasetError) as caught:
        evaluate(classifier, tmp_path / "pictures")
    assert str(caught.value) == (
        f"{tmp_path / 'pictures'}: expected classes named like the labels, found 'three'; labels left over: '3'; "
        "rename one side, or name a file with the labels in the model's order: --labels"
    )
