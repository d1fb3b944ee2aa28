"""What a bundle is made of, verified: its manifest, whoever signed it, and each file against its hash."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from edgedigits.bundle import MANIFEST, Bundle
from edgedigits.errors import BundleError
from edgedigits.manifest import Manifest, read_manifest
from edgedigits.store.archive import Part, parts_of
from edgedigits.store.signature import MAX_SIGNATURE, SIGNATURE, Signers, require_signature

MAX_MANIFEST = 1 << 24


class Contents(NamedTuple):
    """A bundle that was found in a folder or an archive; its files are verified as they are read.

    Attributes
    ----------
    signer: who signed it; None where no signature was asked for.

    """

    place: Path
    manifest: Manifest
    signer: str | None
    parts: Mapping[str, Part]

    @property
    def size(self) -> int:
        """The bytes of its files together."""
        return sum(self.parts[name].size for name in self._names())

    def files(self) -> Iterator[tuple[str, bytes]]:
        """Yield the name and the verified content of each file, in the order of their names.

        Raises
        ------
        BundleError: a file is not the one in the manifest.

        """
        hashes = _hashes(self.manifest)
        for name in self._names():
            data = self.parts[name].read()
            found = hashlib.sha256(data).hexdigest()
            if found != hashes.get(name, found):
                raise BundleError(
                    f"{self.place}: {name}: expected SHA-256 {hashes[name][:16]}..., found {found[:16]}...; "
                    "the file is not the one that was exported: copy the bundle again"
                )
            yield name, data

    def _names(self) -> list[str]:
        return sorted(self.parts.keys() & {MANIFEST, SIGNATURE, *_hashes(self.manifest)})


def open_contents(place: Path, signers: Signers | None) -> Contents:
    """Read the manifest of a bundle's folder or archive, and verify its signature if ``signers`` are given.

    Raises
    ------
    BundleError: there is no bundle, or files are missing, or an archive has others besides.
    GateFailedError: the signature is missing or is not one of the signers'.

    """
    parts = parts_of(place)
    if MANIFEST not in parts:
        raise BundleError(f"{place}: expected a bundle with a {MANIFEST}, found none")
    data = parts[MANIFEST].read(MAX_MANIFEST)
    signature = parts[SIGNATURE].read(MAX_SIGNATURE) if signers and SIGNATURE in parts else None
    signer = require_signature(data, signature, signers, str(place)) if signers else None
    manifest = read_manifest(data, f"{place}: {MANIFEST}")
    known = _hashes(manifest)
    reference = manifest.reference.file
    may_lack = {reference.path} if reference else set()
    if missing := sorted(known.keys() - parts.keys() - may_lack):
        raise BundleError(
            f"{place}: expected {', '.join(missing)}, which its manifest names, found none; copy it again"
        )
    if place.is_file() and (others := sorted(parts.keys() - known.keys() - {MANIFEST, SIGNATURE})):
        raise BundleError(f"{place}: expected only what its manifest names, found {', '.join(others)}")
    return Contents(place, manifest, signer, parts)


def signed_bundle(bundle: Bundle, signers: Signers) -> Bundle:
    """Return the bundle if its manifest, as it was loaded, is signed by one of the signers.

    Raises
    ------
    GateFailedError: it is not.
    BundleError: somebody replaced the manifest meanwhile.

    """
    found = open_contents(bundle.path, signers).manifest
    if found.id != bundle.id:
        raise BundleError(f"{bundle.path}: expected the bundle {bundle.id[:12]}, found {found.id[:12]}; try again")
    return bundle


def _hashes(manifest: Manifest) -> dict[str, str]:
    hashes = {file.path: file.sha256 for file in manifest.files}
    attachments = (manifest.golden.file, manifest.reference.file)
    return hashes | {one.path: one.sha256 for one in attachments if one is not None}
