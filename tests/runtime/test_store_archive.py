"""Archives that nobody vouches for: what is not a bundle's plain files is refused before anything is written."""

from __future__ import annotations

import io
import os
import shutil
import tarfile
from pathlib import Path

import pytest

from edgedigits.bundle import SHIPPED
from edgedigits.errors import BundleError
from edgedigits.store.archive import MAX_BYTES, parts_of, write_archive
from edgedigits.store.contents import open_contents

TINY = SHIPPED / "tiny"
FILES = {file.name: file.read_bytes() for file in TINY.iterdir()}


def tar(folder: Path, entries: list[tuple[tarfile.TarInfo, bytes]], kind: int = tarfile.USTAR_FORMAT) -> Path:
    path = folder / "bundle.tar"
    with tarfile.open(path, "w", format=kind) as archive:
        for entry, data in entries:
            archive.addfile(entry, io.BytesIO(data))
    return path


def entry(name: str, data: bytes = b"", **more: object) -> tuple[tarfile.TarInfo, bytes]:
    found = tarfile.TarInfo(name)
    found.size = len(data)
    for key, value in more.items():
        setattr(found, key, value)
    return found, data


def whole() -> list[tuple[tarfile.TarInfo, bytes]]:
    return [entry(name, data) for name, data in FILES.items()]


def test_an_archive_depends_on_names_and_contents_alone(tmp_path, run_here):
    copy = shutil.copytree(TINY, tmp_path / "copy")
    for number, file in enumerate(sorted(copy.iterdir(), reverse=True)):
        os.utime(file, (number, number))
        file.chmod(0o600 + number)
    (copy / "notes.txt").write_text("of no bundle")
    for place, name in ((TINY, "a.tar"), (copy, "b.tar")):
        assert run_here("bundle", "pack", place, "-o", name).returncode == 0
    assert (tmp_path / "a.tar").read_bytes() == (tmp_path / "b.tar").read_bytes()
    with tarfile.open(tmp_path / "a.tar") as archive:
        assert archive.getnames() == sorted(FILES)
        assert {(one.mtime, one.uid, one.gid, one.uname, one.mode) for one in archive} == {(0, 0, 0, "", 0o644)}
    assert dict(open_contents(tmp_path / "a.tar", None).files()) == FILES


def test_other_programs_archives_of_plain_files_are_read_too(tmp_path):
    assert open_contents(tar(tmp_path, whole()), None).manifest.name == "tiny"


@pytest.mark.parametrize(
    "bad",
    [
        entry("../manifest.json"), entry("/etc/passwd"), entry("a/b"), entry(".hidden"), entry("two words"),
        entry("link", type=tarfile.SYMTYPE, linkname="/etc/passwd"), entry("hard", type=tarfile.LNKTYPE, linkname="x"),
        entry("device", type=tarfile.CHRTYPE), entry("block", type=tarfile.BLKTYPE),
        entry("pipe", type=tarfile.FIFOTYPE),
        entry("folder", type=tarfile.DIRTYPE), entry("sparse", type=tarfile.GNUTYPE_SPARSE),
        entry("manifest.json", b"a second one"), entry("else.bin", b"in no manifest"),
    ],
    ids=lambda one: f"{one[0].name}-{one[0].type.decode()}",
)  # fmt: skip
def test_what_is_no_plain_file_of_the_bundle_is_refused(bad, tmp_path, run_here, refused, monkeypatch):
    monkeypatch.setenv("EDGEDIGITS_STORE", str(tmp_path / "store"))
    path = tar(tmp_path, [*whole(), bad])
    line = refused(run_here("bundle", "install", path), 2, "expected")
    assert bad[0].name in line
    assert not (tmp_path / "store").exists()
    if bad[0].name != "else.bin":  # by its header alone
        with pytest.raises(BundleError, match="expected regular files, once each"):
            parts_of(path)


@pytest.mark.parametrize("kind", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_extended_headers_are_refused_as_no_files(kind, tmp_path):
    with pytest.raises(BundleError, match="expected regular files"):
        parts_of(tar(tmp_path, [entry("x" * 150, b"long")], kind))


def test_a_size_is_believed_only_as_far_as_the_archive_goes(tmp_path):
    path = tar(tmp_path, [entry("manifest.json", b"{}")])
    data = bytearray(path.read_bytes())
    header = tarfile.TarInfo("manifest.json")
    header.size = 1 << 32
    data[:512] = header.tobuf(tarfile.USTAR_FORMAT)[:512]
    path.write_bytes(data)
    with pytest.raises(BundleError, match="json whole"):
        parts_of(path)


def test_an_archive_beyond_all_bundles_is_refused_by_its_headers_alone(tmp_path):
    path = tmp_path / "big.tar"
    header = tarfile.TarInfo("manifest.json")
    header.size = MAX_BYTES + 1
    with path.open("wb") as file:
        file.write(header.tobuf(tarfile.USTAR_FORMAT))
        file.truncate(2 * MAX_BYTES)  # a hole, no bytes of the disk
    with pytest.raises(BundleError, match="expected at most"):
        parts_of(path)


def test_many_files_are_refused(tmp_path):
    with pytest.raises(BundleError):
        parts_of(tar(tmp_path, [entry(f"f{number}") for number in range(200)]))


@pytest.mark.parametrize("data", [b"", b"short", bytes(512) + b"x", b"\xff" * 2048, b"{}" * 600])
def test_what_is_no_archive_is_no_bundle(data, tmp_path):
    (tmp_path / "x.tar").write_bytes(data)
    with pytest.raises(BundleError, match="expected a bundle"):
        open_contents(tmp_path / "x.tar", None)


def test_an_archive_cut_short_anywhere_is_refused(tmp_path):
    data = write_archive(FILES)
    for end in range(0, len(data) - 10240, 9973):  # the end is padding
        (tmp_path / "cut.tar").write_bytes(data[:end])
        with pytest.raises(BundleError):
            dict(open_contents(tmp_path / "cut.tar", None).files())


def test_a_changed_byte_of_any_file_is_told_with_its_name(tmp_path, run_here, refused, monkeypatch):
    monkeypatch.setenv("EDGEDIGITS_STORE", str(tmp_path / "store"))
    for name, data in FILES.items():
        changed = {**FILES, name: data[:300] + bytes([data[300] ^ 1]) + data[301:]}
        (tmp_path / "x.tar").write_bytes(write_archive(changed))
        refused(run_here("bundle", "install", "x.tar"), 2, name)
        refused(run_here("bundle", "verify", "x.tar"), 2, name)
        assert not list((tmp_path / "store").glob("bundles/*"))


def test_links_and_pipes_in_a_folder_are_not_followed(tmp_path, run_here, refused):
    copy = shutil.copytree(TINY, tmp_path / "copy")
    (copy / "golden.npz").unlink()
    (copy / "golden.npz").symlink_to(TINY / "golden.npz")
    refused(run_here("bundle", "verify", copy), 2, "expected golden.npz, which its manifest names, found none")
    (copy / "golden.npz").unlink()
    os.mkfifo(copy / "golden.npz")
    refused(run_here("bundle", "verify", copy), 2, "expected golden.npz")
    os.mkfifo(tmp_path / "pipe.tar")
    refused(run_here("bundle", "verify", "pipe.tar"), 2, "expected a file, found something else")


def test_a_bundle_without_its_reference_is_packed_and_installed_as_it_is(tmp_path, run_here):
    copy = shutil.copytree(TINY, tmp_path / "copy")
    (copy / "reference.npz").unlink(missing_ok=True)
    assert run_here("bundle", "pack", copy, "-o", "x.tar").returncode == 0
    assert run_here("bundle", "verify", "x.tar").returncode == 0
