"""`POST /v1/analyze`, without a socket."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from emolens.contract import image_record
from emolens.core.errors import ModelError
from emolens.media.images import encode_image
from emolens.media.sample import sample_image
from emolens.pipeline.analyzer import ImageAnalyzer
from emolens.server.settings import Limits
from emolens.server.workers import Lane
from tests.unit.server.conftest import Start, services_of

JPEG = {"Content-Type": "image/jpeg"}
SAMPLE = sample_image().read_bytes()


@pytest.fixture
def client(start: Start) -> TestClient:
    return start()


def error_of(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def test_the_answer_is_the_record_of_the_image(client: TestClient, analyzer: ImageAnalyzer) -> None:
    answer = client.post("/v1/analyze?name=a.jpg", content=SAMPLE, headers=JPEG)
    assert answer.status_code == 200
    expected = image_record("a.jpg", analyzer.analyze(SAMPLE)).to_dict()
    assert answer.json() == expected
    assert list(answer.json()) == list(expected)


@pytest.mark.parametrize("media_type", ["application/octet-stream", "IMAGE/JPEG; q=1", ""])
def test_the_media_type_may_be_general(client: TestClient, media_type: str) -> None:
    answer = client.post("/v1/analyze", content=SAMPLE, headers={"Content-Type": media_type})
    assert answer.json()["path"] == "image"
    assert len(answer.json()["faces"]) == 1


def test_an_image_without_a_face_has_an_empty_list(client: TestClient) -> None:
    grey = encode_image(np.full((48, 64, 3), 127, np.uint8), ".png")
    assert client.post("/v1/analyze", content=grey).json()["faces"] == []


def test_options_are_those_of_the_command(client: TestClient, analyzer: ImageAnalyzer) -> None:
    sure = client.post("/v1/analyze?min_confidence=1", content=SAMPLE).json()["faces"][0]
    assert (sure["label"], sure["top"]) == (None, "happy")
    crop = client.post("/v1/analyze?face_crops=true", content=SAMPLE).json()["faces"][0]
    assert crop["detection_score"] is None


@pytest.mark.parametrize(
    ("content", "headers", "status", "code"),
    [
        (b"", {}, 422, "empty_file"),
        (b"no image", {}, 415, "unsupported_format"),
        (b"#EXTM3U\nhttp://127.0.0.1/x.jpg\n", JPEG, 415, "unsupported_format"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", {}, 415, "unsupported_format"),
        (SAMPLE, {"Content-Type": "image/png"}, 415, "unsupported_format"),
        (SAMPLE, {"Content-Type": "text/html"}, 415, "unsupported_format"),
        (SAMPLE[:5000], JPEG, 422, "damaged_image"),
    ],
)
def test_what_is_no_image_has_a_code(
    client: TestClient, content: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    assert error_of(client.post("/v1/analyze", content=content, headers=headers)) == (status, code)


@pytest.mark.parametrize("name", ["../a.jpg", "/etc/passwd", "a\\b", "..", "a\x00b", "x" * 300])
def test_names_with_folders_are_refused(client: TestClient, name: str) -> None:
    answer = client.post("/v1/analyze", params={"name": name}, content=SAMPLE)
    assert error_of(answer) == (422, "bad_input")


@pytest.mark.parametrize("query", ["min_confidence=2", "min_confidence=nan", "face_crops=perhaps"])
def test_wrong_parameters_are_named(client: TestClient, query: str) -> None:
    answer = client.post(f"/v1/analyze?{query}", content=SAMPLE)
    assert error_of(answer) == (422, "bad_input")
    assert query.partition("=")[0] in answer.json()["error"]["message"]


def test_too_many_bytes_and_pixels_are_refused(start: Start) -> None:
    client = start(limits={"image_bytes": len(SAMPLE), "image_pixels": 512 * 512 - 1})
    assert error_of(client.post("/v1/analyze", content=SAMPLE)) == (413, "image_too_large")
    assert error_of(client.post("/v1/analyze", content=SAMPLE + b"0")) == (413, "request_too_large")


def files_of(*parts: tuple[str, bytes, str]) -> list[tuple[str, tuple[str, bytes, str]]]:
    return [("images", part) for part in parts]


def test_a_form_has_a_record_for_each_image_and_goes_on(client: TestClient) -> None:
    answer = client.post(
        "/v1/analyze",
        files=files_of(
            ("a.jpg", SAMPLE, "image/jpeg"),
            ("no.jpg", b"no image", "image/jpeg"),
            ("b.png", SAMPLE, "image/png"),
            ("c.jpg", SAMPLE, "application/octet-stream"),
        ),
    )
    assert answer.status_code == 200
    records = answer.json()["images"]
    assert [record["path"] for record in records] == ["a.jpg", "no.jpg", "b.png", "c.jpg"]
    assert [(record["error"] or {}).get("code") for record in records] == [
        None,
        "unsupported_format",
        "unsupported_format",
        None,
    ]
    assert records[0]["faces"] == records[3]["faces"] != []


@pytest.mark.parametrize("name", ["../a.jpg", "a\\..\\b.jpg"])
def test_names_in_forms_are_checked(client: TestClient, name: str) -> None:
    answer = client.post("/v1/analyze", files=files_of((name, SAMPLE, "image/jpeg")))
    assert error_of(answer) == (422, "bad_input")


def test_forms_are_bounded(start: Start) -> None:
    client = start(limits={"images": 2, "image_bytes": 100})
    small = ("a.jpg", b"x", "image/jpeg")
    answer = client.post("/v1/analyze", files=files_of(small, small, small))
    assert error_of(answer) == (422, "bad_input")
    large = ("a.jpg", b"x" * 101, "image/jpeg")
    assert error_of(client.post("/v1/analyze", files=files_of(large))) == (413, "request_too_large")


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (b"", "multipart/form-data"),
        (b"", "multipart/form-data; boundary=x"),
        (b"--x--", "multipart/form-data; boundary=x"),
        (b"garbage", "multipart/form-data; boundary=x"),
        (
            b'--x\r\ncontent-disposition: form-data; name="a"\r\n\r\ntext\r\n--x--\r\n',
            "multipart/form-data; boundary=x",
        ),
    ],
)
def test_a_damaged_form_is_refused(client: TestClient, content: bytes, media_type: str) -> None:
    answer = client.post("/v1/analyze", content=content, headers={"Content-Type": media_type})
    assert error_of(answer) == (422, "bad_input")


@pytest.mark.parametrize("error", [OSError, ValueError, ModelError, MemoryError])
def test_texts_of_libraries_are_logged_and_not_told(
    client: TestClient,
    error: type[Exception],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error("secret of /home/somewhere")

    monkeypatch.setattr("emolens.pipeline.analyzer.ImageAnalyzer.analyze_image", fail)
    code = "internal" if error is ModelError else "processing"
    one = client.post("/v1/analyze", content=SAMPLE, headers={"X-Request-ID": "one"})
    many = client.post(
        "/v1/analyze",
        files=files_of(("a.jpg", SAMPLE, "image/jpeg")),
        headers={"X-Request-ID": "many"},
    )
    assert one.json()["error"]["code"] == code
    assert many.json()["images"][0]["error"]["code"] == code
    assert "secret" not in one.text + many.text
    logged = [record for record in caplog.records if record.message == "failed"]
    assert [record.fields["request_id"] for record in logged] == ["one", "many"]  # type: ignore[attr-defined]
    assert caplog.text.count("secret of /home/somewhere") >= 2


def test_no_image_of_a_form_touches_the_disk(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tempfile

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a temporary file")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    monkeypatch.setattr(tempfile, "NamedTemporaryFile", refuse)
    big = encode_image(np.full((1000, 1000, 3), 127, np.uint8), ".png") + b"\0" * 2_000_000
    assert len(big) > 2_000_000
    answer = client.post("/v1/analyze", files=files_of(("a.png", big, "image/png")))
    assert answer.json()["images"][0]["error"] is None


def test_a_full_server_says_so_before_the_body_is_read(start: Start) -> None:
    client = start(limits={"waiting": 1})
    with services_of(client).workers.place(Lane.IMAGES):
        answer = client.post("/v1/analyze", content=b"x" * (Limits().image_bytes + 1))
    assert error_of(answer) == (503, "busy")
    assert int(answer.headers["Retry-After"]) >= 1
    assert client.post("/v1/analyze", content=SAMPLE).status_code == 200


def test_unknown_parameters_are_refused(client: TestClient) -> None:
    answer = client.post("/v1/analyze?min_confidnce=0.5", content=SAMPLE)
    assert error_of(answer) == (422, "bad_input")
    assert "min_confidnce: unknown parameter" in answer.json()["error"]["message"]


def test_images_and_faces_are_counted(client: TestClient) -> None:
    client.post("/v1/analyze", content=SAMPLE)
    text = client.get("/metrics").text
    assert "emolens_images_total 1.0" in text
    assert "emolens_faces_total 1.0" in text


def test_the_record_equals_that_of_the_command(client: TestClient, tmp_path: Path) -> None:
    from emolens.jobs.images import analyze_images

    path = tmp_path / "a.jpg"
    path.write_bytes(SAMPLE)
    (outcome,) = analyze_images(ImageAnalyzer.load(), [str(path)])
    answer = client.post("/v1/analyze?name=a.jpg", content=SAMPLE).json()
    assert {**outcome.record.to_dict(), "path": "a.jpg"} == answer
