"""Signatures by OpenSSH: whose count, and everything that does not."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from edgedigits.bundle import SHIPPED

pytestmark = pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="OpenSSH's ssh-keygen is not installed")


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keys of somebody who releases and of a stranger, and the file of allowed signers."""
    folder = tmp_path_factory.mktemp("keys")
    for name in ("release", "stranger"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
    key = (folder / "release.pub").read_text()
    (folder / "allowed").write_text(f'release@example namespaces="edgedigits" {key}')
    (folder / "revoked").write_text(key)
    return folder


@pytest.fixture
def signed(tmp_path, keys, run_here) -> Path:
    place = Path(shutil.copytree(SHIPPED / "tiny", tmp_path / "signed"))
    assert run_here("bundle", "sign", place, "--key", keys / "release").returncode == 0
    return place


@pytest.fixture(autouse=True)
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("EDGEDIGITS_STORE", str(tmp_path / "store"))
    return tmp_path / "store"


def test_a_signed_bundle_is_installed_activated_and_loaded(signed, keys, run_here, pictures):
    need = ("--require-signature", keys / "allowed")
    run_here("bundle", "pack", signed, "-o", "signed.tar")
    told = json.loads(run_here("bundle", "install", "signed.tar", *need, "--json").stdout)
    assert told["signer"] == "release@example"
    assert run_here("bundle", "activate", told["bundle"], *need).returncode == 0
    for place in (signed, "active"):
        done = run_here("classify", "--bundle", place, *need, pictures[0])
        assert done.returncode == 0, done.stderr
    assert "signed by release@example" in run_here("bundle", "verify", "signed.tar", *need).stdout


def unsigned(place, keys):
    (place / "manifest.json.sig").unlink()


def wrong(place, keys):
    (place / "manifest.json.sig").write_text("no signature")


def strangers(place, keys):
    sign(place, keys / "stranger")


def of_another_purpose(place, keys):
    sign(place, keys / "release", "file")


def of_another_bundle(place, keys):
    manifest = SHIPPED / "small" / "manifest.json"
    shutil.copy(manifest, place / "manifest.json")
    for file in manifest.parent.glob("*[!g]"):
        shutil.copy(file, place)


def sign(place, key, namespace="edgedigits"):
    (place / "manifest.json.sig").unlink()
    manifest = place / "manifest.json"
    subprocess.run(["ssh-keygen", "-q", "-Y", "sign", "-f", key, "-n", namespace, manifest], check=True)


@pytest.mark.parametrize(
    ("spoil", "told"),
    [(unsigned, "found none"), (wrong, "stranger's or none that can be read"), (strangers, "stranger's"),
     (of_another_purpose, "namespace"), (of_another_bundle, "found another")],
)  # fmt: skip
def test_any_other_signature_is_refused_with_one_line_and_1(
    spoil, told, signed, keys, store, run_here, refused, pictures
):
    need = ("--require-signature", keys / "allowed")
    spoil(signed, keys)
    run_here("bundle", "pack", signed, "-o", "x.tar")
    for place in (signed, "x.tar"):
        refused(run_here("bundle", "install", place, *need), 1, told)
    assert not store.exists()
    refused(run_here("classify", "--bundle", signed, *need, pictures[0]), 1, told)
    done = run_here("bundle", "install", signed)
    assert done.returncode == 0, done.stderr
    (installed,) = (store / "bundles").iterdir()
    refused(run_here("bundle", "activate", installed.name, *need), 1, told)


def test_a_revoked_key_does_not_count(signed, keys, run_here, refused):
    need = ("--require-signature", keys / "allowed", "--revoked", keys / "revoked")
    refused(run_here("bundle", "install", signed, *need), 1, "a key of release@example that counts", "revoked")


def test_a_signed_manifest_vouches_for_every_file(signed, keys, run_here, refused):
    need = ("--require-signature", keys / "allowed")
    file = signed / "tiny-int8.tflite"
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    refused(run_here("bundle", "install", signed, *need), 2, "tiny-int8.tflite: expected SHA-256")
    refused(run_here("classify", "--bundle", signed, *need, "x.png"), 2, "expected SHA-256")


def test_wrong_use_is_told(signed, keys, run_here, refused, tmp_path):
    refused(run_here("bundle", "install", signed, "--require-signature", "nowhere"), 2, "nowhere: expected a file")
    refused(run_here("bundle", "install", signed, "--revoked", keys / "revoked"), 2, "--require-signature with it")
    refused(run_here("bundle", "sign", signed, "--key", keys / "release"), 2, "exists already")
    refused(run_here("bundle", "sign", signed, "--key", "nowhere", "--overwrite"), 2, "expected a private key")
    (tmp_path / "x.tflite").write_bytes(b"x")
    lone = ("classify", "--bundle", "x.tflite", "--require-signature", keys / "allowed", "x.png")
    refused(run_here(*lone), 2, "has no signature")
