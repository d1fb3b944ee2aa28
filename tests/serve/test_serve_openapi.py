"""The description of the interface holds for whatever schemathesis thinks of asking."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from running import png_of

from edgedigits.serve.static_files import openapi

schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed: the extra [dev] is not there")

PICTURES = st.builds(
    lambda side, seed: png_of(np.random.default_rng(seed).integers(0, 256, (side, side), np.uint8)),
    st.integers(1, 64),
    st.integers(0, 9),
)
schemathesis.openapi.media_type("image/*", PICTURES | st.binary(max_size=100))
DESCRIBED = schemathesis.openapi.from_dict(openapi())
OPERATIONS = [(path, method.upper()) for path, methods in openapi()["paths"].items() for method in methods]
MODES = schemathesis.GenerationMode
# No schema can say that bytes are a picture; 422 is an answer to those that are none.
UNSAYABLE = [schemathesis.checks.positive_data_acceptance]


def ask_all(service, path: str, method: str, mode) -> set[int]:
    seen: set[int] = set()

    @given(case=DESCRIBED[path][method].as_strategy(generation_mode=mode))
    @settings(suppress_health_check=list(HealthCheck))
    def ask(case) -> None:
        response = case.call(base_url=service.url.rstrip("/"))
        case.validate_response(response, excluded_checks=UNSAYABLE if method == "POST" else [])
        seen.add(response.status_code)

    ask()
    return seen


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_every_answer_to_what_is_as_described_is_as_described(service, path: str, method: str) -> None:
    seen = ask_all(service, path, method, MODES.POSITIVE)
    if method == "POST":
        assert {200, 422} <= seen  # pictures and what is none: both were tried


@pytest.mark.slow
@pytest.mark.parametrize(("path", "method"), [operation for operation in OPERATIONS if operation[1] == "POST"])
def test_what_is_not_as_described_is_refused_as_described(service, path: str, method: str) -> None:
    assert ask_all(service, path, method, MODES.NEGATIVE) & {400, 422}
