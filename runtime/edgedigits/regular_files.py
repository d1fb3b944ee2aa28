"""Reading regular files of a bounded size, and nothing else: no pipe, no device, no link that leads out of a folder.

Errors are those of the system, so that one line about a file that cannot be read tells all of them.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)  # opening a pipe would wait


def read_regular(path: Path, limit: int, *, links: bool = True) -> bytes:
    """Return the bytes of a file; the size is looked at before anything is read. Without ``links`` it must be no link.

    Raises
    ------
    OSError: the file cannot be read, is no regular one, is longer than ``limit`` bytes, or changes meanwhile.

    """
    try:
        handle = os.open(path, _FLAGS | (0 if links else getattr(os, "O_NOFOLLOW", 0)))
    except OSError as error:
        if error.errno == errno.ELOOP and not links:
            raise OSError(errno.ELOOP, "expected a file, found a link", str(path)) from error
        raise
    with os.fdopen(handle, "rb") as file:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode):
            kind = "a folder" if stat.S_ISDIR(found.st_mode) else "a pipe or a device"
            raise OSError(errno.EINVAL, f"expected a file, found {kind}", str(path))
        if found.st_size > limit:
            raise OSError(errno.EFBIG, f"expected at most {limit:,} bytes, found {found.st_size:,}", str(path))
        data = file.read(found.st_size + 1)  # not the limit: room for it is taken, and 32 bits may not hold it
        if len(data) != found.st_size:
            raise OSError(errno.EBUSY, "changed while it was read", str(path))
        return data
