"""Signatures of bundles by OpenSSH: SSHSIG in the namespace ``edgedigits``, over the manifest, which has all hashes.

The format is described in OpenSSH's PROTOCOL.sshsig; ``man ssh-keygen`` has the format of allowed signers.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

from edgedigits.errors import GateFailedError, InputError, TargetError

SIGNATURE = "manifest.json.sig"
NAMESPACE = "edgedigits"
MAX_SIGNATURE = 1 << 16


class Signers(NamedTuple):
    """Whose signatures count: OpenSSH's file of allowed signers, and one of keys that are revoked."""

    allowed: Path
    revoked: Path | None


def sign(manifest: bytes, key: Path) -> bytes:
    """Return the signature of a manifest by a private key, or by the agent's for a public one.

    Raises
    ------
    InputError: ssh-keygen cannot sign with this key.

    """
    done = _ssh_keygen(["-Y", "sign", "-f", str(key), "-n", NAMESPACE], manifest)
    if done.returncode or not done.stdout:
        raise InputError(f"{key}: expected a private key that ssh-keygen signs with, found: {_last(done)}")
    return done.stdout


def require_signature(manifest: bytes, signature: bytes | None, signers: Signers, where: str) -> str:
    """Return who signed a manifest.

    Raises
    ------
    InputError: a file of signers cannot be read.
    GateFailedError: it is not signed, or not by one of the signers, or by a revoked key, or was altered afterwards.

    """
    for file in filter(None, signers):
        if not file.is_file():
            raise InputError(f"{file}: expected a file for ssh-keygen (man ssh-keygen, ALLOWED SIGNERS), found none")
    if signature is None:
        raise GateFailedError(f"{where}: expected a signature, found none; edgedigits bundle sign makes one")
    with tempfile.TemporaryDirectory(prefix="edgedigits-") as folder:
        file = Path(folder, SIGNATURE)
        file.write_bytes(signature)
        known = ["-f", str(signers.allowed), "-s", str(file)]
        found = _ssh_keygen(["-Y", "find-principals", *known], b"")
        if found.returncode:
            raise GateFailedError(
                f"{where}: expected a signature by somebody in {signers.allowed}, found a stranger's or none that can "
                f"be read ({_last(found)})"
            )
        for name in found.stdout.decode(errors="replace").splitlines():
            verify = ["-Y", "verify", *known, "-I", name, "-n", NAMESPACE]
            done = _ssh_keygen(verify, manifest)
            if done.returncode:
                continue
            # ssh-keygen says nothing of why it refuses a revoked key.
            if signers.revoked and _ssh_keygen([*verify, "-r", str(signers.revoked)], manifest).returncode:
                raise GateFailedError(f"{where}: expected a key of {name} that counts, found one in {signers.revoked}")
            return name
    raise GateFailedError(
        f"{where}: expected the manifest that {name} signed in the namespace {NAMESPACE}, found another: {_last(done)}"
    )


def _ssh_keygen(words: list[str], data: bytes) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(["ssh-keygen", *words], input=data, capture_output=True, check=False)  # noqa: S603, S607
    except OSError as error:
        raise TargetError(
            f"ssh-keygen: cannot be started ({error.strerror}); install OpenSSH: sudo apt install openssh-client"
        ) from error


def _last(done: subprocess.CompletedProcess[bytes]) -> str:
    said = (done.stderr.strip() or done.stdout.strip()).decode(errors="replace").splitlines()
    # The line that names the cause comes first, one without news last.
    return said[0][:200] if said else f"exit code {done.returncode}"
