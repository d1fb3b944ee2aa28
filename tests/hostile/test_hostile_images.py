"""Pictures that are none, through the command: one line, the right code, nothing lost."""

from __future__ import annotations

import io
import json
import os
import signal
import struct
import subprocess
import sys
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

pytestmark = pytest.mark.slow


def encoded(format_, size=(200, 200)):
    noise = np.random.default_rng(0).integers(0, 256, size, np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, format_)
    return buffer.getvalue()


def bomb(width, height):
    """A PNG of which there is nothing but its size."""

    def chunk(kind, body=b""):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)) + chunk(b"IDAT")


PNG, JPEG = encoded("PNG"), encoded("JPEG")
FILES = {
    "empty.png": (b"", "expected an image, found an empty file"),
    "text.png": (b"this is text\n" * 9, "expected an image (PNG, JPEG, BMP, GIF, PPM, TIFF, WEBP), found something"),
    "cut.png": (PNG[: len(PNG) // 2], "is damaged or cut short"),
    "head.png": (PNG[:20], ""),
    "cut.jpg": (JPEG[: len(JPEG) // 2], "is damaged or cut short"),
    "head.jpg": (JPEG[:20], ""),
    "large.png": (bomb(30_000, 30_000), ""),
    "edge.png": (bomb(9_000, 9_000), "expected at most 64 megapixels, found 9000 x 9000; make it smaller first"),
    "model.png": (b"\x1c\0\0\0TFL3" + bytes(500), "found something else"),
    "tar.gif": (b"GIF89a" + b"\xff" * 40, ""),
    "p.ppm": (b"P6 99999999 99999999 255\n", "cannot be decoded (Image size"),
    "script.png": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "found something else"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_no_picture_is_one_line_and_2(run_here, refused, tmp_path, name):
    data, message = FILES[name]
    (tmp_path / name).write_bytes(data)
    done = run_here("classify", name)
    refused(done, 2, f"{name}: ", message)
    assert done.stdout == ""
    assert (tmp_path / name).read_bytes() == data


@pytest.mark.parametrize(
    ("name", "message"),
    [("nothing.png", "No such file or directory"), ("loop.png", "Too many levels"),
     ("x" * 300, "File name too long"), ("file/below.png", "Not a directory")],
)  # fmt: skip
def test_a_path_that_is_no_file_is_one_line_and_2(run_here, refused, tmp_path, name, message):
    (tmp_path / "loop.png").symlink_to("loop.png")
    (tmp_path / "file").touch()
    refused(run_here("classify", name), 2, f"{name}: cannot be read ({message}")


def test_empty_standard_input_is_one_line_and_2(command, refused):
    refused(command("classify", "-", input=""), 2, "expected an image, found an empty file")


@pytest.mark.parametrize("data", [b"text", PNG[: len(PNG) // 2], bytes(100_000), bomb(30_000, 30_000)])
def test_standard_input_that_is_no_picture_is_one_line_and_2(command, tmp_path, data):
    (tmp_path / "data").write_bytes(data)
    with (tmp_path / "data").open("rb") as file:
        for stdin in ({"input": data}, {"stdin": file}):
            done = command("classify", "-", text=False, **stdin)
            assert done.returncode == 2
            assert done.stderr.startswith(b"edgedigits: ")
            assert done.stderr.count(b"\n") == 1


def test_standard_input_that_is_closed_is_one_line_and_2(command, refused):
    done = command("classify", "-", preexec_fn=lambda: os.close(0))
    refused(done, 2, "-: expected an image on standard input, found it closed")


def test_a_folder_without_pictures_is_one_line_and_2(run_here, refused, tmp_path):
    (tmp_path / "notes.txt").touch()
    refused(run_here("classify", "."), 2, ".: expected image files, found none in this folder")


def test_a_pattern_that_matches_nothing_is_one_line_and_2(run_here, refused):
    refused(run_here("classify", "*.png"), 2, "*.png: expected image files, found none that match this pattern")


def test_of_a_folder_of_all_sorts_every_picture_is_answered(command, pictures, tmp_path):
    folder = tmp_path / "sorts"
    folder.mkdir()
    for name, (data, _) in FILES.items():
        (folder / name).write_bytes(data)
    (folder / "0.png").write_bytes(pictures[0].read_bytes())
    (folder / "z.png").write_bytes(pictures[1].read_bytes())
    done = command("classify", "--json", "sorts", "nothing/*.png", str(pictures[2]))
    assert done.returncode == 2
    told = [json.loads(line) for line in done.stdout.splitlines()]
    answered = [one["source"] for one in told if "error" not in one]
    assert answered == ["sorts/0.png", "sorts/z.png", str(pictures[2])]
    assert len(told) == len(FILES) + 4
    assert done.stderr.splitlines() == [f"edgedigits: {one['error']}" for one in told if "error" in one]


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null", "/dev/urandom"])
def test_a_device_is_one_line_and_2(command, refused, device):
    refused(command("classify", device), 2, f"{device}: expected an image")


def test_a_pipe_with_a_name_is_read(command, pictures, tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    with ThreadPoolExecutor(1) as pool:
        pool.submit((tmp_path / "pipe.png").write_bytes, pictures[0].read_bytes())
        done = command("classify", "--json", "pipe.png")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["digit"] == json.loads(command("classify", "--json", pictures[0]).stdout)["digit"]


def test_a_camera_without_its_program_is_one_line_and_3(command, refused, tmp_path):
    done = command("classify", "camera:0", env={"PATH": str(tmp_path)})
    refused(done, 3, "camera:0: rpicam-vid is not installed; sudo apt install rpicam-apps-lite")


@pytest.mark.parametrize("name", ["camera:", "camera:x", "camera:-1"])
def test_a_camera_of_no_kind_is_one_line_and_2(run_here, refused, name):
    refused(run_here("classify", name), 2, f"{name}: expected camera:0 (a Raspberry Pi's camera) or camera:/dev/video0")


def test_a_camera_that_is_not_there_is_one_line_and_2(run_here, refused, rpicam):
    rpicam()
    refused(
        run_here("classify", "camera:7"), 2, "camera:7: the camera gives no picture (ERROR: *** no cameras available"
    )


def test_a_camera_that_dies_leaves_its_answers_and_one_line(command, refused, rpicam):
    rpicam(end="cut")
    done = command("classify", "--json", "camera:0")
    assert done.returncode == 2
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert [one["source"] for one in told] == ["camera:0#1", "camera:0#2", "camera:0#3", "camera:0"]
    assert done.stderr.splitlines() == [f"edgedigits: {told[-1]['error']}"]


def test_a_camera_gives_as_many_answers_as_asked(run_here, rpicam):
    rpicam()
    done = run_here("classify", "--json", "--max-frames", "4", "camera:0")
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 4


def test_ctrl_c_ends_the_answers_and_the_camera(rpicam, tmp_path):
    pid = rpicam()
    # A process started in the background may have inherited that Ctrl-C is ignored.
    code = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    code += "from edgedigits.cli.main import main; raise SystemExit(main())"
    words = [sys.executable, "-c", code, "classify", "--json", "camera:0"]
    with subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert json.loads(process.stdout.readline())["source"] == "camera:0#1"
        process.send_signal(signal.SIGINT)
        process.stdout.read()
        assert process.stderr.read() == "edgedigits: interrupted\n"
        assert process.wait() == 130
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


def test_all_that_can_be_answered_is_answered_and_each_failure_has_its_line(run_here, pictures, tmp_path):
    for name, (data, _) in FILES.items():
        (tmp_path / name).write_bytes(data)
    mixed = [name for pair in zip(FILES, map(str, pictures), strict=False) for name in pair]
    done = run_here("classify", "--json", "-o", "out.jsonl", *mixed)
    assert done.returncode == 2
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert [one["source"] for one in told] == mixed
    assert [set(one) == {"source", "error"} for one in told] == [True, False] * len(FILES)
    assert done.stderr.splitlines() == [f"edgedigits: {one['error']}" for one in told if "error" in one]
    assert (tmp_path / "out.jsonl").read_text() == done.stdout


def test_a_picture_without_permission_is_one_line_and_2(command, refused, tmp_path, unprivileged):
    (tmp_path / "secret.png").write_bytes(PNG)
    (tmp_path / "secret.png").chmod(0)
    done = command("classify", "secret.png", **unprivileged)
    refused(done, 2, "secret.png: cannot be read (Permission denied); expected an image file")


def test_a_folder_that_takes_no_result_is_one_line_and_2(command, refused, tmp_path, unprivileged, pictures):
    (tmp_path / "locked").mkdir(0o555)
    done = command("classify", pictures[0], "-o", "locked/out", **unprivileged)
    refused(done, 2, "locked/out: cannot be written (Permission denied)")
    assert done.stdout.startswith(f"{pictures[0]}: ")  # the answer itself is not lost


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
@pytest.mark.parametrize("words", [["show"], ["classify", "x.png"], ["classify", "--json", "x.png"]])
def test_output_to_a_full_disk_is_one_line_and_2(command, refused, tmp_path, pictures, words):
    (tmp_path / "x.png").write_bytes(pictures[0].read_bytes())
    with open("/dev/full", "w") as full:
        done = command(*words, stdout=full)
    refused(done, 2, "No space left on device")


@pytest.mark.parametrize("words", [["classify"], ["classify", "--json"]])
def test_a_file_name_that_is_no_text_is_answered(command, tmp_path, pictures, words):
    name = os.fsdecode(b"d\xff.png")
    try:
        (tmp_path / name).write_bytes(pictures[0].read_bytes())
    except (OSError, UnicodeError):
        pytest.skip("this file system takes no such name")
    done = command(*words, name, errors="surrogateescape", env={"PYTHONIOENCODING": "utf-8"})
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 1
    assert done.stderr == ""


def test_a_file_name_with_a_line_break_still_gives_one_line(command, refused):
    refused(command("classify", "two\nlines.png"), 2, "two lines.png: cannot be read")
