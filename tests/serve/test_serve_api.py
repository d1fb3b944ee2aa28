"""What programs ask and get: the command's own objects, the description of the interface, problem details."""

from __future__ import annotations

import asyncio
import base64
import io
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import jsonschema
import numpy as np
import pytest
from PIL import Image
from running import png_of

from edgedigits import DigitClassifier, __version__
from edgedigits.images.judge import Reason
from edgedigits.manifest import Manifest
from edgedigits.records import from_plain
from edgedigits.serve.app import make_app
from edgedigits.serve.limits import LIMITS
from edgedigits.serve.metrics import Metrics
from edgedigits.serve.service import Service
from edgedigits.serve.static_files import openapi
from edgedigits.system_info.source import this_machine

VARIABLE = ("timing_ms", "source")


@pytest.mark.slow
def test_classify_answers_as_the_command_does(service, drawn, command, tmp_path: Path) -> None:
    for label, picture in drawn.items():
        (tmp_path / "picture.png").write_bytes(picture)
        told = json.loads(command("classify", "--json", "picture.png").stdout) if label < 2 else None
        answer = service.post("/v1/classify", picture)
        assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
        found = answer.json()
        assert found["digit"] == label
        assert found["rejected"] is None
        if told:
            assert told.keys() == found.keys()
            assert {k: v for k, v in told.items() if k not in VARIABLE} == {
                k: v for k, v in found.items() if k not in VARIABLE
            }


def test_read_answers_as_the_command_does(service, several, command, tmp_path: Path) -> None:
    (tmp_path / "page.png").write_bytes(several)
    told = json.loads(command("read", "--json", "page.png").stdout)
    found = service.post("/v1/read", several).json()
    assert found["text"].replace(" ", "") == "123"
    assert {k: v for k, v in told.items() if k not in VARIABLE} == {k: v for k, v in found.items() if k not in VARIABLE}


def test_a_page_sent_to_classify_is_told_to_be_read(service, several) -> None:
    assert service.post("/v1/classify", several).json()["rejected"] == "several_digits"


def test_the_image_that_the_model_saw_comes_along_when_asked_for(service, drawn, classifier) -> None:
    found = service.post("/v1/classify?model_input=true", drawn[5]).json()
    seen = np.asarray(Image.open(io.BytesIO(base64.b64decode(found["model_input"]))))
    np.testing.assert_array_equal(seen, classifier.classify(drawn[5]).model_input)
    assert "model_input" not in service.post("/v1/classify?model_input=false", drawn[5]).json()


def test_a_form_s_file_is_the_picture(service, drawn) -> None:
    form = (
        b'--x\r\nContent-Disposition: form-data; name="note"\r\n\r\nhello\r\n'
        b'--x\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n'
        + drawn[3]
        + b"\r\n--x--\r\n"
    )
    answer = service.ask("POST", "/v1/classify", form, {"Content-Type": "multipart/form-data; boundary=x"})
    assert answer.json()["digit"] == 3


@pytest.mark.parametrize("kind", ["image/png", "application/x-www-form-urlencoded", ""])
def test_a_body_s_type_does_not_matter_for_curl_calls_everything_a_form(service, drawn, several, kind) -> None:
    assert service.ask("POST", "/v1/classify", drawn[8], {"Content-Type": kind}).json()["label"] == "8"
    assert service.ask("POST", "/v1/read", several, {"Content-Type": kind}).json()["text"] == "1 2 3"


FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize(
    ("send", "status", "says"),
    [
        (lambda png: (base64.b64encode(png), {}), 422, "found text in base64; give the bytes that it stands for"),
        (lambda png: (b"data:image/png;base64," + base64.b64encode(png), {}), 422, "found text in base64; "),
        (lambda png: (json.dumps({"image": base64.b64encode(png).decode()}).encode(), {}), 422, "found JSON; give the"),
        (
            lambda png: (b"image=" + base64.b64encode(png), FORM),
            400,
            "found a urlencoded form; use curl --data-binary @F",
        ),
        (
            lambda png: (urlencode({"image": png}).encode(), FORM),
            400,
            "found a urlencoded form; use curl --data-binary ",
        ),
        (lambda png: (png.translate(None, b"\0\r\n"), FORM), 400, "without zeros and line ends, as curl --data sends"),
        (lambda png: (b"", FORM), 422, "found an empty file"),
        (lambda png: (b"\0\0\0\x18ftypheic\0\0\0\0", {}), 422, "found a HEIC photograph; save it as JPEG or PNG first"),
    ],
)
@pytest.mark.parametrize("path", ["/v1/classify", "/v1/read"])
def test_a_body_that_is_text_about_a_picture_is_told_with_the_cure(service, drawn, path, send, status, says) -> None:
    body, headers = send(drawn[8])
    answer = service.ask("POST", path, body, headers)
    assert (answer.status, answer.headers["content-type"]) == (status, "application/problem+json")
    detail = answer.json()["detail"]
    assert says in detail
    assert "\n" not in detail


def test_a_picture_of_the_format_that_has_neither_zeros_nor_line_ends_is_read_where_that_is_taken(start) -> None:
    grey = b"P5 28 28 255 " + bytes([200]) * 784
    assert start("--formats", "ppm").ask("POST", "/v1/classify", grey, FORM).status == 200


def test_model_tells_which_one_answers_and_its_manifest(service, shipped) -> None:
    card = service.get("/v1/model").json()
    assert from_plain(Manifest, card["manifest"], "test") == shipped.manifest
    assert card["model"]["bundle"] == shipped.id
    assert card["camera"] is False


def test_a_lone_file_has_no_manifest_and_nothing_to_be_proved_on(start, shipped, drawn) -> None:
    lone = start("--bundle", shipped.path / "small-int8.tflite")
    assert lone.get("/v1/model").json()["manifest"] is None
    assert lone.get("/readyz").json() == {"status": "ready", "golden_inputs": None}
    answer = lone.post("/v1/classify", drawn[4]).json()
    assert (answer["pipeline"], answer["rejected"]) == ("resize/1", None)


def test_it_is_ready_when_every_golden_input_was_answered_as_recorded(service, shipped) -> None:
    assert service.get("/healthz").json() == {"status": "ok"}
    assert service.get("/readyz").json() == {"status": "ready", "golden_inputs": shipped.manifest.golden.file.count}


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "says"),
    [
        ("GET", "/nothing", None, 404, "/openapi.json"),
        ("GET", "/../../etc/passwd", None, 404, "nothing here"),
        ("GET", "/%2e%2e/manifest.schema.json", None, 404, "nothing here"),
        ("GET", "/v1/model/", None, 404, "nothing here"),
        ("GET", "/v1/classify", None, 405, "does not support this method"),
        ("GET", "/v1/camera", None, 404, "--camera"),
        ("GET", "/v1/camera/stream", None, 404, "--camera"),
        ("POST", "/v1/classify", b"", 422, "empty"),
        ("POST", "/v1/classify", b"no picture", 422, "expected an image"),
        ("POST", "/v1/read", b"\x89PNG\r\n\x1a\n", 422, "damaged"),
        ("POST", "/v1/classify?model_input=maybe", b"", 400, "true or false"),
    ],
)
def test_what_goes_wrong_is_a_problem_detail(service, method, path, body, status, says) -> None:
    answer = service.ask(method, path, body)
    problem = answer.json()
    assert (answer.status, answer.headers["content-type"]) == (status, "application/problem+json")
    assert problem["status"] == status
    assert problem["type"] == "about:blank"
    assert says in problem["detail"]
    assert "\n" not in problem["detail"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    if method == "GET":  # what a browser may show as a page
        assert "default-src 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("form", "says"),
    [
        (b"", "cut short"),
        (b"--x--\r\n", "0 files"),
        (b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nhello\r\n--x--\r\n', "0 files"),
        (b'--x\r\nContent-Disposition: form-data; name="a"; filename="a"\r\n\r\nhello', "cut short"),
        (
            2 * b'--x\r\nContent-Disposition: form-data; name="a"; filename="a"\r\n\r\nhello\r\n' + b"--x--\r\n",
            "2 files",
        ),
        (b"no form at all", "damaged"),
    ],
)
def test_a_form_without_exactly_one_file_is_refused(service, form, says) -> None:
    answer = service.ask("POST", "/v1/classify", form, {"Content-Type": "multipart/form-data; boundary=x"})
    assert answer.status == 400
    assert says in answer.json()["detail"]


def test_a_form_without_a_boundary_is_refused(service) -> None:
    answer = service.ask("POST", "/v1/classify", b"--x--\r\n", {"Content-Type": "multipart/form-data"})
    assert answer.status == 400


def test_a_model_that_is_not_of_digits_classifies_and_cannot_read(bundle_copy, edit_manifest, drawn) -> None:
    edit_manifest(
        bundle_copy, lambda values: values.update(preprocessing={"id": "resize/1", "locator": None, "parameters": {}})
    )
    with DigitClassifier(bundle_copy) as other:
        service = Service(other, Metrics(this_machine()), LIMITS)
        app = make_app(service)
        status, told = asyncio.run(ask(app, "/v1/classify", drawn[1]))
        assert (status, told["pipeline"]) == (200, "resize/1")
        status, told = asyncio.run(ask(app, "/v1/read", drawn[1]))
        service.close()
    assert status == 501
    assert "digit/2" in told["detail"]


async def ask(app: Any, path: str, body: bytes) -> tuple[int, Any]:
    """Post to an application in this very process."""
    sent: list[dict[str, Any]] = []
    received = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> dict[str, Any]:
        return received.pop() if received else await asyncio.Future()

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "query_string": b"",
        "headers": [(b"host", b"localhost")], "client": None, "server": None, "scheme": "http", "root_path": "",
    }  # fmt: skip
    await app(scope, receive, send)
    return sent[0]["status"], json.loads(b"".join(message.get("body", b"") for message in sent))


def test_the_description_names_each_reason_and_matches_what_is_answered(service, drawn, several) -> None:
    described = service.get("/openapi.json").json()
    assert described["info"]["version"] == __version__
    schemas = described["components"]["schemas"]
    assert set(schemas["Prediction"]["properties"]["rejected"]["enum"]) == {None, *Reason.__args__}
    for path, body, name in [
        ("/v1/classify", drawn[0], "Prediction"),
        ("/v1/classify?model_input=true", drawn[0], "Prediction"),
        ("/v1/read", several, "Reading"),
    ]:
        schema = {"$ref": f"#/components/schemas/{name}", "components": described["components"]}
        jsonschema.validate(service.post(path, body).json(), schema)
    card = {"$ref": "#/components/schemas/Card", "components": described["components"]}
    jsonschema.validate(service.get("/v1/model").json(), card)


def test_every_route_is_described_and_nothing_else(service) -> None:
    from edgedigits.serve import api

    assert set(openapi()["paths"]) == {route.path for route in api.routes()}


@pytest.mark.slow
def test_metrics_count_requests_stages_and_rejections(start, drawn) -> None:
    counted = start()
    for _ in range(3):
        counted.post("/v1/classify", drawn[2])
    counted.post("/v1/classify", png_of(np.full((100, 100), 255, np.uint8)))
    counted.get("/somewhere")
    counted.get("/somewhere-else")
    answer = counted.get("/metrics")
    text = answer.body.decode()
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert 'edgedigits_requests_total{path="/v1/classify",status="200"} 4.0' in text
    assert 'edgedigits_requests_total{path="other",status="404"} 2.0' in text
    assert 'edgedigits_stage_seconds_count{stage="infer"} 4.0' in text
    assert 'edgedigits_rejections_total{reason="no_digit"} 1.0' in text
    assert "process_resident_memory_bytes" in text
