from __future__ import annotations

import hashlib

import numpy as np
import pytest

from edgedigits.bundle import Bundle
from edgedigits.engines import ENGINES
from edgedigits.verification.selftest import selftest


@pytest.mark.slow
def test_every_file_in_every_engine_that_reads_it_passes(shipped, engine):
    rows = selftest(shipped, shipped.manifest.files, [engine])
    assert [row.file for row in rows] == [
        file.path for file in shipped.manifest.files if file.format == ENGINES[engine].format
    ]
    for row in rows:
        assert (row.engine, row.error, row.exit_code) == (engine, None, 0)
        assert row.result.passed
        assert row.result.reference_engine.engine == engine
        assert row.result.count == shipped.manifest.golden.file.count


def test_a_file_that_was_changed_fails_its_row_and_no_other(bundle_copy, engine):
    format_ = ENGINES[engine].format
    bundle = Bundle.load(bundle_copy)
    files = [file for file in bundle.manifest.files if file.format == format_]
    data = bytearray((bundle_copy / files[0].path).read_bytes())
    data[len(data) // 2] ^= 1
    (bundle_copy / files[0].path).write_bytes(data)
    rows = selftest(bundle, files, [engine])
    assert rows[0].result is None
    assert "expected SHA-256" in rows[0].error
    assert [row.exit_code for row in rows] == [2] + [0] * (len(files) - 1)


def test_outputs_other_than_recorded_fail(bundle_copy, edit_manifest, engine):
    with np.load(bundle_copy / "golden.npz") as archive:
        arrays = dict(archive)
    for key, value in arrays.items():
        if key.startswith("expected/"):
            value[5] = value[5, ::-1].copy()
    np.savez(bundle_copy / "golden.npz", **arrays)
    sha256 = hashlib.sha256((bundle_copy / "golden.npz").read_bytes()).hexdigest()
    bundle = edit_manifest(bundle_copy, lambda values: values["golden"]["file"].update(sha256=sha256))
    file = next(file for file in bundle.manifest.files if file.format == ENGINES[engine].format)
    (row,) = selftest(bundle, [file], [engine])
    assert row.exit_code == 1
    assert row.result.wrong == (5,)
