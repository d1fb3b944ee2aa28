from __future__ import annotations

import os
from contextlib import closing, suppress
from itertools import islice

import numpy as np
import pytest

from edgedigits import extras
from edgedigits.errors import ExtraMissingError, ImageError, TargetError, UsageError
from edgedigits.images import camera
from edgedigits.images.camera import frames, usb_frames

pytestmark = pytest.mark.skipif(os.name == "nt", reason="cameras of Linux")


def runs(pid):
    with suppress(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)
        return True
    return False


@pytest.mark.parametrize("align", [64, 128])
@pytest.mark.parametrize("size", [(640, 480), (1280, 720), (128, 2), (384, 100)])
def test_frames_are_those_that_the_camera_wrote(rpicam, recorded, align, size):
    rpicam(align=align)
    with closing(frames("camera:0", size)) as stream:
        found = list(islice(stream, 5))
    width, height = size
    for index, frame in enumerate(found):
        assert frame.dtype == np.uint8
        assert np.array_equal(frame, recorded[index % 3, :height, :width])


@pytest.mark.parametrize("piece", [1000, 4097, 300_000])
def test_frames_are_whole_in_whatever_pieces_they_come(rpicam, recorded, piece):
    rpicam(piece=piece)
    with closing(frames("camera:0")) as stream:
        assert np.array_equal(list(islice(stream, 3)), recorded[:, :480, :640])


@pytest.mark.parametrize("size", [(600, 480), (320, 240), (1600, 1200), (640, 481), (0, 480), (-128, 2), (128, 0)])
def test_sizes_whose_rows_are_padded_on_some_board_are_refused(rpicam, size):
    rpicam()
    with pytest.raises(UsageError) as caught:
        frames("camera:0", size)
    assert str(caught.value) == (
        f"camera:0: expected a width that is a multiple of 128 and an even height, found {size[0]} x {size[1]}"
    )


def test_the_older_program_does_as_well(rpicam, recorded):
    rpicam("libcamera-vid")
    with closing(frames("camera:0")) as stream:
        assert np.array_equal(next(stream), recorded[0, :480, :640])


@pytest.mark.slow
def test_the_program_ends_with_the_iterator(rpicam):
    pid = rpicam()
    stream = frames("camera:0")
    next(stream)
    assert runs(pid)
    stream.close()
    assert not runs(pid)
    for _ in frames("camera:0"):  # let go without being closed
        break
    assert not runs(pid)

    def interrupted():
        for _ in frames("camera:0"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not runs(pid)


def test_a_program_that_does_not_listen_is_ended_all_the_same(rpicam, monkeypatch):
    monkeypatch.setattr(camera, "_PATIENCE_S", 0.1)
    pid = rpicam(end="deaf")
    with closing(frames("camera:0")) as stream:
        next(stream)
    assert not runs(pid)


def test_no_program_is_left_where_nothing_was_taken(rpicam):
    pid = rpicam()
    frames("camera:0").close()
    assert not pid.exists()


def test_a_program_that_talks_a_lot_does_not_stand_still(rpicam):
    rpicam(end="chatter")
    with closing(frames("camera:0")) as stream:
        assert len(list(islice(stream, 3))) == 3


def test_frames_may_be_kept(rpicam, recorded):
    rpicam()
    with closing(frames("camera:0")) as stream:
        first, second = islice(stream, 2)
    first[:] = 0
    assert np.array_equal(second, recorded[1, :480, :640])


HELP = "; is it connected, and not in use? rpicam-hello --list-cameras"


def test_a_camera_that_is_not_there_is_told(rpicam):
    rpicam()
    with pytest.raises(ImageError) as caught:
        next(frames("camera:7"))
    assert str(caught.value) == (f"camera:7: the camera gives no picture (ERROR: *** no cameras available ***){HELP}")


def test_a_program_that_dies_in_a_frame_is_told_with_its_last_words(rpicam):
    pid = rpicam(end="cut")
    stream = frames("camera:0")
    assert len([next(stream) for _ in range(3)]) == 3
    with pytest.raises(ImageError) as caught:
        next(stream)
    assert str(caught.value) == f"camera:0: the camera gives no picture (ERROR: *** failed to queue request ***){HELP}"
    assert not runs(pid)


def test_a_program_that_dies_without_a_word_is_told(rpicam):
    rpicam(end="mute")
    stream = frames("camera:0")
    with pytest.raises(ImageError, match=r"^camera:0: the camera gives no picture \((.*libcamera v0|ended with)"):
        list(stream)


def test_a_program_that_is_not_installed_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(TargetError) as caught:
        frames("camera:0")
    assert str(caught.value) == "camera:0: rpicam-vid is not installed; sudo apt install rpicam-apps-lite"


def test_a_program_that_does_not_start_is_told(tmp_path, monkeypatch):
    (tmp_path / "rpicam-vid").write_bytes(b"\x7fELF of another machine")
    (tmp_path / "rpicam-vid").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(TargetError, match=r"^camera:0: .*/rpicam-vid cannot be started \(Exec format error\)$"):
        next(frames("camera:0"))


@pytest.mark.parametrize("spec", ["camera:", "camera:x", "camera:-1", "camera:0 ", "camera:²", "camera:video0"])
def test_a_camera_of_no_kind_is_refused(spec):
    with pytest.raises(UsageError) as caught:
        frames(spec)
    expected = "expected camera:0 (a Raspberry Pi's camera) or camera:/dev/video0 (a USB camera)"
    assert str(caught.value) == f"{spec}: {expected}"


def test_a_usb_camera_without_its_extra_gets_the_pip_line(monkeypatch):
    monkeypatch.setattr(extras, "find_spec", lambda package: None)
    with pytest.raises(ExtraMissingError) as caught:
        frames("camera:/dev/video0")
    assert str(caught.value).startswith("camera:/dev/video0: needs av, not installed; install")


def test_a_usb_camera_that_is_not_there_is_told():
    pytest.importorskip("av")
    with pytest.raises(ImageError) as caught:
        next(frames("camera:/dev/no-video"))
    assert str(caught.value) == (
        "camera:/dev/no-video: the camera gives no picture (No such file or directory); "
        "is it connected, and not in use?"
    )


def test_frames_of_a_usb_camera_are_grey(tmp_path, recorded):
    pytest.importorskip("av")
    grey = recorded[:, :480, :640]
    (tmp_path / "recorded.yuv").write_bytes(
        b"".join(frame.tobytes() + bytes([128]) * (frame.size // 2) for frame in grey)
    )
    # FFmpeg's reader of raw files stands in for its reader of devices; both give video range, 16 to 235.
    stream = usb_frames("camera:/dev/video0", str(tmp_path / "recorded.yuv"), (640, 480), "rawvideo")
    found = [next(stream) for _ in range(3)]
    expected = np.clip((grey.astype(float) - 16) * 255 / 219, 0, 255)
    for frame, one in zip(found, expected, strict=True):
        assert (frame.dtype, frame.shape) == (np.uint8, (480, 640))
        assert np.abs(frame - one).max() <= 2
    with pytest.raises(ImageError, match="the camera stopped; connect it again"):
        next(stream)


def test_a_usb_camera_that_gives_rubbish_is_told(tmp_path):
    pytest.importorskip("av")
    (tmp_path / "rubbish").write_bytes(bytes(range(256)) * 40)
    with pytest.raises(ImageError, match=r"^camera:/dev/video0: the camera gives no picture \("):
        list(usb_frames("camera:/dev/video0", str(tmp_path / "rubbish"), (640, 480), "v4l2"))
