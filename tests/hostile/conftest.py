"""A process without root's privilege to pass over permissions, whoever runs the tests."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys

import pytest

PR_CAPBSET_DROP = 24
CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 1, 2


def drop() -> None:
    """Give up the capabilities that let root read and write what permissions forbid."""
    libc = ctypes.CDLL(None)
    for capability in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
        libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)


@pytest.fixture
def unprivileged(tmp_path):
    """Options of a command that permissions hold for; skipped where there is no way to that."""
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    options = {"preexec_fn": drop} if root and sys.platform == "linux" else {}
    probe = tmp_path / "probe"
    probe.touch(0)
    reading = [sys.executable, "-c", "import sys; open(sys.argv[1])", probe]
    done = subprocess.run(reading, capture_output=True, check=False, **options)
    probe.unlink()
    if not done.returncode:
        pytest.skip("permissions do not hold for this user")
    return options
