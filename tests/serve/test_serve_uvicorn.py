"""What is overridden of uvicorn, which promises none of it, is still there and is called in the same way."""

from __future__ import annotations

import inspect

import pytest
import uvicorn

from edgedigits.serve.connection import Connection
from edgedigits.serve.server import _Server

OVERRIDDEN = [
    (ours, theirs, name)
    for ours, theirs in ((Connection, Connection.__base__), (_Server, uvicorn.Server))
    for name, value in vars(ours).items()
    if inspect.isfunction(value) and not name.startswith("_")
]


def test_there_is_something_to_compare():
    assert {name for _, _, name in OVERRIDDEN} > {"data_received", "send_400_response", "capture_signals"}


@pytest.mark.parametrize(("ours", "theirs", "name"), OVERRIDDEN, ids=[name for _, _, name in OVERRIDDEN])
def test_an_overridden_method_takes_what_uvicorn_s_own_takes(ours, theirs, name):
    assert list(inspect.signature(getattr(ours, name)).parameters) == list(
        inspect.signature(getattr(theirs, name)).parameters
    )
