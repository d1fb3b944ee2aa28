"""`edgedigits report`: one page, whole in itself, about a real short run and its bundle."""

from __future__ import annotations

import base64
import io
import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

import pytest
from PIL import Image
from trained import DIGITS, TrainedRun

from edgedigits.bundle import Bundle
from edgedigits.cli.main import main
from edgedigits.errors import InputError
from edgedigits_export.report.figures import measure_figures

pytestmark = pytest.mark.tensorflow


# Whole commands: an export, a measurement, and a report that runs parity and asks Keras for answers.
@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory, trained_run: TrainedRun) -> Path:
    """A folder with run, bundle and page, made by the commands."""
    folder = tmp_path_factory.mktemp("report")
    run, bundle, page = (str(folder / name) for name in ("run", "bundle", "page.html"))
    shutil.copytree(trained_run.folder, run)
    export = ["export", f"{run}/model.keras", "--calibration", str(DIGITS), "-o", bundle, "--variants", "float32,int8"]
    export += ["--preprocess", "digit"]
    assert main(export) in {0, 1}  # seven epochs of nano may lose too much in int8
    bench = str(folder / "bench.json")
    assert main(["bench", bundle, "--engine", "litert", "--seconds", "0", "--processes", "5", "-o", bench]) == 0
    assert main(["report", run, bundle, "--bench", bench, "-o", page]) == 0
    return folder


class Sources(HTMLParser):
    """Everything that a page would fetch."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(text)

    def handle_starttag(self, _tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value or "" for name, value in attrs if name in {"src", "href", "srcset"}]


def test_the_page_needs_no_other_file_and_its_pictures_are_pictures(made: Path) -> None:
    page = (made / "page.html").read_text()
    sources = Sources(page).found
    assert len(sources) > 20
    for source in sources:
        kind, data = re.fullmatch(r"data:([\w/+]+);base64,(.+)", source).groups()
        content = base64.b64decode(data)
        if kind == "image/svg+xml":
            assert Xml.fromstring(content).tag.endswith("svg")  # noqa: S314  our own picture
        else:
            Image.open(io.BytesIO(content)).load()
    assert "url(" not in page
    assert "<script" not in page


def test_the_page_tells_what_was_measured_and_what_was_run(made: Path) -> None:
    page = (made / "page.html").read_text()
    record = json.loads((made / "run" / "train.json").read_text())
    manifest = json.loads((made / "bundle" / "manifest.json").read_text())
    assert f"{100 * record['test']['accuracy']:.2f} %" in page
    for file in manifest["files"]:
        assert file["path"] in page
        assert file["sha256"] in page
    assert f"learning_rate: {record['config']['learning_rate']}" in page
    assert f"{manifest['parameters']:,}" in page


def test_figures_of_another_bundle_are_refused(made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stored = tmp_path / "parity.json"
    stored.write_text(json.dumps({"bundle": "0" * 64, "rows": []}))
    words = ["report", str(made / "run"), str(made / "bundle"), "-o", str(tmp_path / "page.html")]
    assert main([*words, "--parity", str(stored)]) == 2
    assert "those of another" in capsys.readouterr().err
    stored.write_text("{")
    assert main([*words, "--bench", str(stored)]) == 2
    assert not (tmp_path / "page.html").exists()


def page_of(made: Path, tmp_path: Path, bench: dict[str, Any]) -> tuple[int, list[str]]:
    """The exit code with such a bench, and the cells of the page's tables."""
    (tmp_path / "bench.json").write_text(json.dumps(bench))
    words = ["report", str(made / "run"), str(made / "bundle"), "--bench", str(tmp_path / "bench.json"), "-o"]
    code = main([*words, str(tmp_path / "page.html"), "--overwrite"])
    page = (tmp_path / "page.html").read_text() if code == 0 else ""
    return code, [cell.strip() for cell in re.findall(r"<td[^>]*>([^<]*)", page)]


def test_what_bench_stored_is_in_the_table(made: Path, tmp_path: Path) -> None:
    bench = json.loads((made / "bench.json").read_bytes())
    for index, row in enumerate(bench["rows"]):
        row["summary"].update(p50_us=1000.5 + index, p99_us=2000.5 + index)
    bench["rows"][0]["summary"] = None  # one that failed
    code, cells = page_of(made, tmp_path, bench)
    assert code == 0
    assert [cell for cell in cells if re.fullmatch(r"[12]00\d\.5", cell)] == [
        f"{start + index}.5" for index in range(1, len(bench["rows"])) for start in (1000, 2000)
    ]
    for row in bench["rows"]:
        assert f"{row['configuration']['bytes'] / 1e3:.1f}" in cells


def test_a_bench_of_another_bundle_or_release_is_refused(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bench = json.loads((made / "bench.json").read_bytes())
    bench["rows"][-1]["configuration"]["bundle"] = "0" * 64
    assert page_of(made, tmp_path, bench)[0] == 2
    assert "expected figures of the bundle" in capsys.readouterr().err
    old = {"schema": "edgedigits/bench/1", "rows": [{"file": "a", "engine": "litert", "bytes": 1, "p50_us": 2.0}]}
    assert page_of(made, tmp_path, old)[0] == 2
    assert "expected figures of bench of this version" in capsys.readouterr().err
    assert page_of(made, tmp_path, {"rows": [1]})[0] == 2
    assert not (tmp_path / "page.html").exists()


def test_run_and_bundle_are_told_apart_by_what_is_in_them(made: Path, tmp_path: Path) -> None:
    words = ["report", str(made / "bundle"), str(made / "run"), "--bench", str(made / "bench.json")]
    assert main([*words, "-o", str(tmp_path / "page.html")]) == 0
    assert (tmp_path / "page.html").read_text() == (made / "page.html").read_text()


@pytest.mark.parametrize(
    ("places", "found"),
    [
        (("run",), "run (a training run)"),
        (("run", "run", "bundle"), "run (a training run), "),
        (("bundle", "bundle"), "bundle, "),
        (("", "bundle"), "expected one bundle, and at most the training run"),
    ],
)
def test_other_than_one_bundle_and_its_run_is_refused(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], places: tuple[str, ...], found: str
) -> None:
    assert main(["report", *(str(made / one) for one in places), "-o", str(tmp_path / "page.html")]) == 2
    assert found in capsys.readouterr().err
    assert not (tmp_path / "page.html").exists()


def test_a_run_without_its_record_is_refused(made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "train.json").write_text("{}")
    assert main(["report", str(tmp_path), str(made / "bundle"), "-o", str(tmp_path / "page.html")]) == 2
    assert "expected the record of a finished training run" in capsys.readouterr().err


def test_what_is_not_stored_is_measured_by_the_command_itself(bundle_copy: Path, edit_manifest: Any) -> None:
    def leave_onnx(values: dict[str, Any]) -> None:  # one engine alone reads it
        values["files"] = [file for file in values["files"] if file["format"] == "onnx"]

    bundle = edit_manifest(bundle_copy, leave_onnx)
    said: list[str] = []
    figures = measure_figures("bench", bundle, said.append)
    assert said == [f"edgedigits bench {bundle.path}"]
    assert {row["configuration"]["file"] for row in figures["rows"]} == {bundle.manifest.files[0].path}
    assert all(row["summary"]["p50_us"] > 0 for row in figures["rows"])


def test_a_command_without_figures_is_named_with_its_exit_code(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    gone = Bundle.load("small")._replace(path=tmp_path / "gone")
    said: list[str] = []
    with pytest.raises(InputError, match=r"edgedigits parity gave no figures \(exit code 2\)"):
        measure_figures("parity", gone, said.append)
    assert said == [f"edgedigits parity {gone.path}"]
    assert f"edgedigits: {gone.path}" in capfd.readouterr().err


def test_an_existing_page_is_not_replaced(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (made / "page.html").read_bytes()
    assert main(["report", str(made / "run"), str(made / "bundle"), "-o", str(made / "page.html")]) == 2
    assert "exists already" in capsys.readouterr().err
    assert (made / "page.html").read_bytes() == before
