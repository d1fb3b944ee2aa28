from __future__ import annotations

import os
import subprocess
import sys
from contextlib import closing

import numpy as np
import pytest
from PIL import Image

from edgedigits.cli.inputs import expand
from edgedigits.errors import EdgeDigitsError, ImageError, TargetError, UsageError
from edgedigits.images.decode import read_pixels


@pytest.fixture
def scans(tmp_path, monkeypatch):
    """A folder of pictures and other things, which is the working folder's."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scans" / "deeper").mkdir(parents=True)
    for name in ("b.PNG", "a.jpg", "c.tiff", "deeper/d.png", ".hidden.png"):
        Image.new("L", (9, 9)).save(tmp_path / "scans" / name)
    (tmp_path / "scans" / "notes.txt").touch()
    (tmp_path / "scans" / "folder.png").mkdir()
    (tmp_path / "empty").mkdir()
    return tmp_path


def named(*names):
    """What was found, by name; errors as their text."""
    found = list(expand(names))
    for name, source in found:
        if not isinstance(source, EdgeDigitsError):
            assert str(source) == name
            assert read_pixels(source).shape == (9, 9, 1)
    return [str(source) for _, source in found]


def test_a_file_is_itself_whether_it_is_there_or_not(scans):
    assert named("scans/a.jpg", "scans/b.PNG") == ["scans/a.jpg", "scans/b.PNG"]
    ((name, source),) = expand(["nothing.png"])
    assert (name, str(source)) == ("nothing.png", "nothing.png")  # to be told by who opens it


def test_a_folder_gives_its_own_images_in_order(scans):
    expected = ["scans/a.jpg", "scans/b.PNG", "scans/c.tiff"]
    assert named("scans") == expected
    assert named("scans/") == expected
    assert named(str(scans / "scans")) == [str(scans / name) for name in expected]


def test_a_pattern_that_the_shell_left_is_resolved(scans):
    assert named("scans/*.[jP]*") == ["scans/a.jpg", "scans/b.PNG"]
    assert named("scans/?.tiff") == ["scans/c.tiff"]
    assert named("**/d.png") == ["scans/deeper/d.png"]


def test_a_file_whose_name_looks_like_a_pattern_is_a_file(scans):
    Image.new("L", (9, 9)).save("x[1].png")
    Image.new("L", (9, 9)).save("x1.png")
    assert named("x[1].png") == ["x[1].png"]


def test_what_gives_nothing_is_told_and_the_others_are_still_there(scans):
    assert named("empty", "scans/a.jpg", "*.gif", "scans/folder.*", "scans/c.tiff") == [
        "empty: expected image files, found none in this folder",
        "scans/a.jpg",
        "*.gif: expected image files, found none that match this pattern",
        "scans/folder.*: expected image files, found none that match this pattern",
        "scans/c.tiff",
    ]
    ((_, error),) = expand(["empty"])
    assert isinstance(error, ImageError)


def test_what_a_folder_without_pictures_has_is_told(scans):
    for name in ("a.nef", "b.NEF", "film.mp4", "list"):
        (scans / "empty" / name).touch()
    assert named("empty") == ["empty: expected image files, found none in this folder, only 2 .nef, 1 .mp4"]


def test_a_telephone_s_photographs_in_a_folder_are_told_and_the_others_read(scans, run_here):
    (scans / "scans" / "IMG_1.HEIC").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
    done = run_here("classify", "scans", "--json")
    assert done.returncode == 2
    assert done.stderr == (
        "edgedigits: scans/IMG_1.HEIC: expected an image (PNG, JPEG, BMP, GIF, PPM, TIFF, WEBP), "
        "found a HEIC photograph; save it as JPEG or PNG first\n"
    )
    assert done.stdout.count('"digit"') == 3


@pytest.mark.parametrize("name", ["x" * 300, "two\nlines", "nul\0byte", "", "\udcff.png", "[", "a" * 5000 + "*"])
def test_odd_names_are_no_failure(scans, name):
    for _, source in expand([name]):
        if isinstance(source, EdgeDigitsError):
            continue
        with pytest.raises(ImageError):
            read_pixels(source)


def test_a_folder_that_may_not_be_listed_is_told(scans, monkeypatch):
    def refuse(_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "listdir", refuse)  # permissions do not hold for root
    assert named("scans") == ["scans: cannot be read (Permission denied); expected a folder of images"]


READ = "from edgedigits.cli.inputs import expand; from edgedigits.images.decode import read_pixels\n"
SHAPES = READ + "for name, source in expand(['-']): print(name, read_pixels(source).shape)"


@pytest.mark.slow
def test_standard_input_is_a_picture_piped_or_not(scans):
    expected = b"- (9, 9, 1)\n"
    data = (scans / "scans" / "a.jpg").read_bytes()
    assert (
        subprocess.run([sys.executable, "-c", SHAPES], input=data, capture_output=True, check=True).stdout == expected
    )
    with (scans / "scans" / "a.jpg").open("rb") as file:
        done = subprocess.run([sys.executable, "-c", SHAPES], stdin=file, capture_output=True, check=True)
    assert done.stdout == expected


def test_standard_input_that_is_closed_is_told(monkeypatch):
    monkeypatch.setattr(sys, "stdin", None)
    ((name, error),) = expand(["-"])
    assert (name, str(error)) == ("-", "-: expected an image on standard input, found it closed")


def test_a_camera_gives_as_many_frames_as_asked(rpicam, recorded):
    pid = rpicam()
    found = list(expand(["camera:0"], max_frames=2))
    assert [name for name, _ in found] == ["camera:0#1", "camera:0#2"]
    for (_, frame), expected in zip(found, recorded, strict=False):
        assert np.array_equal(frame, expected[:480, :640])
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


@pytest.mark.parametrize("count", [0, -1])
def test_less_than_one_frame_is_refused(count):
    with pytest.raises(UsageError) as caught:
        list(expand(["camera:0"], max_frames=count))
    assert str(caught.value) == f"a camera: expected at least 1 frame, found {count}"


def test_a_camera_streams_until_somebody_closes_it(rpicam):
    pid = rpicam()
    with closing(expand(["camera:0"])) as inputs:
        assert [next(inputs)[0] for _ in range(7)][-1] == "camera:0#7"
        os.kill(int(pid.read_text()), 0)
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


def test_a_camera_that_fails_is_told_after_what_it_gave_and_the_others_are_still_there(rpicam, scans):
    rpicam(end="cut")
    found = list(expand(["camera:0", "camera:7", "camera:x", "scans/a.jpg"]))
    assert [name for name, _ in found] == [
        "camera:0#1", "camera:0#2", "camera:0#3", "camera:0", "camera:7", "camera:x", "scans/a.jpg",
    ]  # fmt: skip
    assert [type(source) for _, source in found[3:6]] == [ImageError, ImageError, UsageError]


def test_a_camera_without_its_program_is_told(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    ((_, error),) = expand(["camera:0"])
    assert isinstance(error, TargetError)


def test_help_needs_nothing_heavy():
    code = "import sys, edgedigits.cli.inputs; print({'numpy', 'PIL'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_of_a_tiff_every_page_is_a_picture_and_a_broken_one_is_told(tmp_path):
    pages = [Image.new("L", (9, 9), shade) for shade in (10, 20, 30)]
    file = tmp_path / "scan.tif"
    pages[0].save(file, save_all=True, append_images=pages[1:])
    found = list(expand([str(file)]))
    assert [name for name, _ in found] == [str(file), f"{file}#2", f"{file}#3"]
    assert [int(read_pixels(source)[0, 0, 0]) for _, source in found] == [10, 20, 30]
    second = file.read_bytes().index(bytes([20]) * 81)
    with Image.open(file) as image:
        image.seek(2)
        third = image.tag_v2[273][0]  # where its pixels begin
    file.write_bytes(file.read_bytes()[: third + 9])
    assert second < third
    *whole, (name, error) = list(expand([str(file)]))
    assert len(whole) == 2 and name == f"{file}#3"
    assert isinstance(error, ImageError)
