import io
from pathlib import Path

import httpx
import pytest

from emolens.core.errors import InputError, InputNotFoundError, ServerError
from tests.unit.client.conftest import OpenClient
from tests.unit.client.fake_server import image_answer


def answering(content: object) -> httpx.Response:
    return httpx.Response(200, json=content)


def test_an_image_is_sent_as_it_is_with_its_file_name(
    open_client: OpenClient, tmp_path: Path
) -> None:
    path = tmp_path / "Jörg & Co.jpg"
    path.write_bytes(b"jpeg")
    client = open_client(lambda request: answering(image_answer(request.url.params["name"])))
    with path.open("rb") as file:
        for image in (path, str(path), file):
            record = client.analyze(image, min_confidence=0.5, sideways=False)
            assert record.path == "Jörg & Co.jpg"
            assert record.faces[0].label == "happy"
    first, _, third = client.requests
    assert (first.method, first.url.path) == ("POST", "/v1/analyze")
    assert first.content == third.content == b"jpeg"
    assert first.headers["content-type"] == "application/octet-stream"
    assert dict(first.url.params) == {
        "name": "Jörg & Co.jpg",
        "min_confidence": "0.5",
        "face_crops": "false",
        "sideways": "false",
    }


def test_bytes_have_the_name_that_is_given_or_none(open_client: OpenClient) -> None:
    client = open_client(lambda _: answering(image_answer()))
    client.analyze(b"jpeg")
    client.analyze(io.BytesIO(b"jpeg"), name="a.jpg", face_crops=True)
    first, second = client.requests
    assert "name" not in first.url.params
    assert second.url.params["name"] == "a.jpg"
    assert second.url.params["face_crops"] == "true"


def test_several_images_are_one_form(open_client: OpenClient, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"first")
    client = open_client(lambda _: answering({"images": [image_answer("a.png"), image_answer()]}))
    records = client.analyze_many([path, b"second"], min_confidence=0.25)
    assert [record.path for record in records] == ["a.png", "image"]
    [request] = client.requests
    assert request.headers["content-type"].startswith("multipart/form-data; boundary=")
    assert request.url.params["min_confidence"] == "0.25"
    for part in (b'filename="a.png"', b"first", b'filename="image-2"', b"second"):
        assert part in request.content
    # A suffix may be wrong, and the server refuses images of another type than they are said to be.
    assert request.content.count(b"Content-Type: application/octet-stream") == 2


def test_no_images_are_an_error_without_a_request(open_client: OpenClient) -> None:
    client = open_client(lambda _: answering({"images": []}))
    with pytest.raises(InputError, match="images is empty; allowed: 1 or more"):
        client.analyze_many([])
    assert client.requests == []


def test_a_missing_file_is_an_error_without_a_request(
    open_client: OpenClient, tmp_path: Path
) -> None:
    client = open_client(lambda _: answering(image_answer()))
    for method in ("analyze", "explain", "create_job"):
        with pytest.raises(InputNotFoundError, match=r"nothing.jpg: cannot be read: No such file"):
            getattr(client, method)(tmp_path / "nothing.jpg")
    assert client.requests == []


def test_an_explanation_is_asked_for_in_numbers_or_as_a_drawing(open_client: OpenClient) -> None:
    explanation = {
        "path": "image",
        "width": 9,
        "height": 9,
        "kind": "occlusion",
        "agreement": "well",
        "faces": [],
        "n_left_out": 0,
    }
    in_numbers = open_client(lambda _: answering(explanation))
    assert in_numbers.explain(b"jpeg").kind == "occlusion"
    assert in_numbers.requests[0].headers["accept"] == "application/json"
    assert "kind" not in in_numbers.requests[0].url.params
    drawn = open_client(lambda _: httpx.Response(200, content=b"\x89PNG"))
    assert drawn.explain_png(b"jpeg", emotion="happy", kind="activation") == b"\x89PNG"
    assert drawn.requests[0].headers["accept"] == "image/png"
    assert drawn.requests[0].url.params["emotion"] == "happy"
    assert drawn.requests[0].url.params["kind"] == "activation"


def test_a_drawing_without_a_face_is_none(open_client: OpenClient) -> None:
    client = open_client(lambda _: httpx.Response(204))
    assert client.explain_png(b"jpeg") is None


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, content=b"<html>welcome</html>"),
        httpx.Response(200, json={"path": "image"}),
        httpx.Response(200, json={**image_answer(), "colour": "red"}),
    ],
    ids=["a page", "half a record", "an unknown key"],
)
def test_an_answer_that_is_no_record_is_an_error(
    open_client: OpenClient, answer: httpx.Response
) -> None:
    client = open_client(lambda _: answer)
    with pytest.raises(ServerError, match=r"answer of https://faces.example is not one of emolens"):
        client.analyze(b"jpeg")


def test_the_id_of_a_job_cannot_change_the_path(open_client: OpenClient) -> None:
    client = open_client(lambda _: httpx.Response(204))
    client.delete_job("../models?x")
    assert client.requests[0].url.raw_path == b"/v1/jobs/..%2Fmodels%3Fx"
