"""`edgedigits report BUNDLE` without a training run: many classes with odd names, wrapped files, missing parts."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html import escape, unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgedigits.bundle import Bundle
from edgedigits.cli.main import main
from edgedigits.errors import InputError
from edgedigits.verification.statistics import wilson
from edgedigits_export.lazy_imports import load, quiet
from edgedigits_export.report.figures import read_figures
from edgedigits_export.report.page import Report, render
from edgedigits_export.report.pareto import draw_pareto
from edgedigits_export.report.rows import exported_rows, settled

pytest_plugins = ["browser"]
pytestmark = pytest.mark.tensorflow

DESK, PHONE = 1056, 390
NAMES = ("T-shirt/top", '<b>&"bold"</b>', "Donaudampfschifffahrtsgesellschaftskapitän" * 2, "$x_1$")
LABELS = [f"{NAMES[number % len(NAMES)]} {number}" for number in range(100)]
# How wide the page is beyond its window, and how many tables and pictures are wider than what holds them.
TOO_WIDE = """() => [
    document.documentElement.scrollWidth - document.documentElement.clientWidth,
    [...document.querySelectorAll("table, img, pre, figure")].filter(
        one => one.getBoundingClientRect().right > document.body.getBoundingClientRect().right).length,
]"""


def bench(bundle: Path, file: Path, *words: str) -> Path:
    short = ["--variant", "int8", "--engine", "litert", "--seconds", "0", "--processes", "5"]
    assert main(["bench", str(bundle), *short, *words, "-o", str(file)]) == 0
    return file


# A conversion, and a measurement in five processes.
@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a bundle of a hundred classes, its measurements, and the images that its model was right about."""
    folder = tmp_path_factory.mktemp("hundred")
    images = np.random.default_rng(0).integers(0, 256, (400, 12, 10, 3)).astype(np.uint8)
    keras, layers = load("keras"), load("keras").layers
    with quiet():
        keras.utils.set_random_seed(0)
        dense = layers.Dense(100, kernel_initializer=keras.initializers.RandomNormal(stddev=0.1))
        model = keras.Sequential([keras.Input((12, 10, 3)), layers.Rescaling(1 / 127.5, -1), layers.Flatten(), dense])
        model.save(folder / "hundred.keras")
        answers = model.predict(images.astype(np.float32), verbose=0).argmax(axis=1)
    answers[::10] = (answers[::10] + 1) % 100  # the right one is then the next class
    np.savez(folder / "images.npz", images=images, labels=answers)
    (folder / "labels.txt").write_text("\n".join(LABELS))
    export = ["export", str(folder / "hundred.keras"), "--calibration", str(folder / "images.npz"), "--scale", "1"]
    export += ["--labels", str(folder / "labels.txt"), "--variants", "float32.tflite,int8.tflite"]
    assert main([*export, "-o", str(folder / "bundle")]) in {0, 1}
    bench(folder / "bundle", folder / "bench.json")
    assert main(["parity", str(folder / "bundle"), "-o", str(folder / "parity.json")]) in {0, 1}
    return folder


def page_of(place: Path, tmp_path: Path, bundle: str = "bundle") -> str:
    words = ["--parity", str(place / "parity.json"), "--bench", str(place / "bench.json")]
    assert main(["report", str(place / bundle), *words, "-o", str(tmp_path / "page.html")]) == 0
    return (tmp_path / "page.html").read_text()


def test_the_command_says_which_file_to_ship_as_the_page_does(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = page_of(place, tmp_path)
    accuracy, choice, where = capsys.readouterr().out.splitlines()
    assert re.match(r"Keras has [\d.]+% of [\d,]+ images right, its 2 files in .*bundle [\d.]+%", accuracy)
    assert escape(choice) in page
    assert where.endswith("open it in a browser")


def test_names_of_classes_are_escaped_and_wrong_answers_have_both(place: Path, tmp_path: Path) -> None:
    page = page_of(place, tmp_path)
    assert '"bold"' not in page
    assert "&lt;b&gt;&amp;&#34;bold&#34;&lt;/b&gt; " in page
    wrong = re.findall(r"<b>(.+)</b>, \d+\s%<br>is (.+)</figcaption>", unescape(page))
    assert any(LABELS.index(truth) == (LABELS.index(answer) + 1) % 100 for answer, truth in wrong)
    assert page.index("Ordinary images") < page.index("Wrong answers") < page.index("Golden inputs")
    assert re.search(r"<summary>\d+ more classes</summary>", page)


def test_the_caption_tells_how_latency_was_measured(place: Path, tmp_path: Path) -> None:
    measured = json.loads((place / "bench.json").read_bytes())
    page = page_of(place, tmp_path)
    assert "Latency: one inference, with the time to set and get tensors, 1 thread, in litert " in page
    assert f"bench on {measured['machine']['cpu']}, {measured['machine']['cores']} cores" in page
    assert "had 5 fresh processes, one in each round" in page
    assert "at least 0 s and 100 inferences" in page


def test_times_that_were_withheld_or_doubted_are_told(place: Path) -> None:
    bundle = Bundle.load(place / "bundle")
    parity, measured = (read_figures(place / f"{name}.json", bundle) for name in ("parity", "bench"))
    doubted = measured | {"complete": False, "warnings": ["the machine was busy"]}
    assert "Doubtful: the measurement was interrupted; the machine was busy" in render(
        Report(None, bundle, parity, doubted)
    )
    rows = [row | {"summary": None} for row in measured["rows"]]
    page = render(Report(None, bundle, parity, measured | {"rows": rows, "withheld": "it is emulated"}))
    assert "Latency was not measured: it is emulated." in page
    assert "latency not measured</h1>" in page
    assert page.count('<img alt="accuracy over') == 1  # over size alone


def test_figures_of_another_release_are_refused(place: Path) -> None:
    bundle = Bundle.load(place / "bundle")
    parity = read_figures(place / "parity.json", bundle)
    with pytest.raises(InputError, match="expected figures of bench of this version"):
        render(Report(None, bundle, parity, {"machine": {}, "rows": [{"configuration": {}}]}))


@pytest.mark.parametrize("correct", [0, 40])
def test_all_right_and_all_wrong_are_drawn(place: Path, correct: int) -> None:
    (row, *_) = exported_rows(Bundle.load(place / "bundle").manifest, {"rows": []})
    drawn = draw_pareto([replace(row, accuracy=correct / 40, ci95=wilson(correct, 40))], "kilobytes")
    assert drawn is not None


def test_images_that_are_gone_are_told(place: Path, tmp_path: Path) -> None:
    stored = json.loads((place / "parity.json").read_bytes())
    (tmp_path / "parity.json").write_text(json.dumps(stored | {"data": "gone.npz"}))
    (tmp_path / "bench.json").write_bytes((place / "bench.json").read_bytes())
    (tmp_path / "bundle").symlink_to(place / "bundle")
    page = page_of(tmp_path, tmp_path)
    assert "The images of the export are not here, so that none of them is shown: gone.npz" in page
    assert "Golden inputs" in page
    assert "Wrong answers" not in page


def test_a_bundle_without_reference_has_the_figures_of_its_export(
    bundle_copy: Path, edit_manifest: Any, tmp_path: Path
) -> None:
    edit_manifest(bundle_copy, lambda values: values["reference"].update(file=None))
    measured = bench(bundle_copy, tmp_path / "bench.json")
    words = ["--bench", str(measured), "-o", str(tmp_path / "page.html")]
    assert main(["report", str(bundle_copy), *words]) == 0
    page = (tmp_path / "page.html").read_text()
    files = Bundle.load(bundle_copy).manifest.files
    assert "<h1>Ship " in page
    assert page.count('class="text passed"') == sum(file.judgement.outcome == "passed" for file in files) > 0


def test_a_verdict_on_few_images_gives_way_to_that_of_the_export(place: Path) -> None:
    manifest = Bundle.load(place / "bundle").manifest
    (few, *_) = exported_rows(manifest, {"rows": []})
    doubtful = replace(few, outcome="undecided", reasons="too few", drop=0.0, judged_on=5)
    others = [replace(doubtful, engine="another 1.0"), replace(doubtful, outcome="failed")]
    assert settled([doubtful, *others], manifest) == [few, *others]
    assert few.judged_on == manifest.files[0].judgement.count


def test_a_wrapped_file_is_reported_as_what_it_is(place: Path, tmp_path: Path) -> None:
    file, bundle = place / "bundle" / "hundred-int8.tflite", tmp_path / "bundle"
    words = ["--calibration", str(place / "images.npz"), "--labels", str(place / "labels.txt"), "--scale", "1"]
    assert main(["export", str(file), *words, "-o", str(bundle)]) in {0, 1}
    bench(bundle, tmp_path / "bench.json")
    assert main(["parity", str(bundle), "-o", str(tmp_path / "parity.json")]) in {0, 1}
    page = page_of(tmp_path, tmp_path)
    assert "answers other than litert " in page
    assert "which says that engines agree, not that they are right" in page
    assert "calibration: none here, the file was finished" in page
    assert "parameters</li>" not in page


@pytest.mark.parametrize(
    ("place", "why"),
    [("locator", "whose maps have no classes to report"), ("model.tflite", "wrap it with edgedigits export")],
)
def test_what_is_no_classifiers_bundle_is_refused(
    place: str, why: str, run_here: Any, refused: Any, tmp_path: Path
) -> None:
    (tmp_path / "model.tflite").write_bytes(b"")
    refused(run_here("report", place, "-o", "page.html"), 2, why)
    assert not (tmp_path / "page.html").exists()


@pytest.mark.browser
@pytest.mark.parametrize("width", [DESK, PHONE])
def test_the_page_is_as_wide_as_its_window(place: Path, tmp_path: Path, chromium: Any, width: int) -> None:
    page_of(place, tmp_path)
    page = chromium.new_page(viewport={"width": width, "height": 800})
    page.goto((tmp_path / "page.html").as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert page.evaluate(TOO_WIDE) == [0, 0]
    page.close()
