from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from fastapi.testclient import TestClient

from emolens.contract.server import ExplanationRecord
from emolens.core.emotion import LABELS, Emotion
from emolens.core.errors import BusyError, ModelError
from emolens.core.ports import FaceDetector
from emolens.explanation import FaceExplainer, MapKind
from emolens.explanation.agreement import agreement_text
from emolens.imaging.decode import decode_image, read_image
from emolens.jobs.explain import explain_image
from emolens.jobs.images import analyze_encoded
from emolens.media.images import encode_image
from emolens.pipeline.models import Models
from emolens.server.explain_routes import router
from emolens.server.media_types import IMAGE_TYPES
from emolens.server.settings import Limits
from emolens.server.workers import Lane
from tests.unit.server.small_app import client_of

PNG = {"Accept": "image/png"}
RAMP = np.linspace(0, 255, 64 * 64 * 3).reshape(64, 64, 3).astype(np.uint8)
BLANK = encode_image(RAMP, ".png")
LIMITS = Limits(image_pixels=1_000_000, image_bytes=1_000_000)


@pytest.fixture(scope="module")
def models() -> Models:
    return Models(n_threads=1)


@pytest.fixture(scope="module")
def client(models: Models) -> Iterator[TestClient]:
    with client_of(router, models=models, limits=LIMITS) as client:
        yield client


@pytest.fixture(scope="module")
def portrait(astronaut: npt.NDArray[np.uint8]) -> bytes:
    return encode_image(astronaut, ".jpg")


@pytest.fixture(scope="module")
def two_faces(astronaut: npt.NDArray[np.uint8]) -> bytes:
    small = cv2.resize(astronaut, (320, 320), interpolation=cv2.INTER_AREA)
    two = np.full((512, 860, 3), 120, np.uint8)
    two[:, :512], two[100:420, 520:840] = astronaut, small[:, ::-1]
    return encode_image(two, ".jpg")


@pytest.mark.parametrize("kind", MapKind)
def test_the_numbers_are_those_of_the_python_interface(
    kind: MapKind, client: TestClient, models: Models, two_faces: bytes
) -> None:
    answer = client.post(f"/v1/explain?kind={kind}&name=two.jpg", content=two_faces)
    assert answer.status_code == 200
    record = ExplanationRecord.model_validate_json(answer.content)
    framed = models.image_analyzer().frame_faces(decode_image(two_faces).image)
    maps = models.explainer_of(kind).explain([face.crop for face in framed])
    assert len(record.faces) == len(framed) == 2
    for of_face, face, expected in zip(record.faces, framed, maps, strict=True):
        assert list(of_face.maps) == list(LABELS)
        assert np.array_equal(list(of_face.maps.values()), expected.maps)
        assert of_face.centers == list(expected.centers)
        assert of_face.square == list(face.square.to_tuple())
        assert of_face.rotation_degrees == face.turn_degrees
    assert (record.path, record.width, record.height) == ("two.jpg", 860, 512)
    assert (record.kind, record.n_left_out) == (kind.value, 0)
    assert record.agreement == agreement_text(kind, models.classifier.model_sha256)


def test_the_faces_are_those_of_an_analysis(
    client: TestClient, models: Models, portrait: bytes
) -> None:
    (face,) = client.post("/v1/explain", content=portrait).json()["faces"]
    record = analyze_encoded(models.image_analyzer(), "a.jpg", portrait).record.to_dict()
    (expected,) = record["faces"]
    assert {key: face[key] for key in ("box", "label", "top", "assessable", "reasons")} == {
        key: expected[key] for key in ("box", "label", "top", "assessable", "reasons")
    }
    assert face["probabilities"] == pytest.approx(expected["probabilities"], abs=1e-5)
    assert set(face) == set(expected) | {"maps", "centers", "square", "rotation_degrees"}


@pytest.mark.parametrize("emotion", [None, Emotion.HAPPY])
def test_the_drawing_is_that_of_the_command(
    emotion: Emotion | None, client: TestClient, models: Models, portrait: bytes, tmp_path: Path
) -> None:
    (tmp_path / "a.jpg").write_bytes(portrait)
    note = agreement_text(models.default_map_kind, models.classifier.model_sha256)
    detector = models.detector(sideways=True)
    source, out = str(tmp_path / "a.jpg"), tmp_path / "b.png"
    explain_image(source, out, models.explainer, detector, emotion=emotion, note=note)
    parameters = {} if emotion is None else {"emotion": emotion.value}
    answer = client.post("/v1/explain", params=parameters, content=portrait, headers=PNG)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
    assert np.array_equal(decode_image(answer.content).image, read_image(out).image)
    # Versions of libraries and the names of files stay on the server.
    assert b"emolens" not in answer.content


def test_an_image_without_a_face_has_an_empty_answer(client: TestClient) -> None:
    answer = client.post("/v1/explain", content=BLANK)
    assert answer.status_code == 200
    assert answer.json() | {"agreement": ""} == {
        "path": "image",
        "width": 64,
        "height": 64,
        "kind": "occlusion",
        "agreement": "",
        "faces": [],
        "n_left_out": 0,
    }
    drawing = client.post("/v1/explain", content=BLANK, headers=PNG)
    assert (drawing.status_code, drawing.content) == (204, b"")


def test_faces_beyond_the_limit_are_counted(models: Models, two_faces: bytes) -> None:
    with client_of(router, models=models, limits=Limits(explained_faces=1)) as client:
        answer = client.post("/v1/explain", content=two_faces).json()
    assert (len(answer["faces"]), answer["n_left_out"]) == (1, 1)
    assert answer["faces"][0]["box"][2] < 512, "the larger one is left"


def test_a_cropped_face_needs_no_detection(client: TestClient) -> None:
    (face,) = client.post("/v1/explain?face_crops=true", content=BLANK).json()["faces"]
    assert face["detection_score"] is None
    assert face["square"] == [0, 0, 64, 64]


@pytest.mark.parametrize(("query", "sideways"), [("", True), ("?sideways=false", False)])
def test_the_detection_of_sideways_images_is_the_client_s_choice(
    query: str, sideways: bool
) -> None:
    asked = []

    class WatchedModels(Models):
        def detector(self, **options: object) -> FaceDetector:
            asked.append(options)
            return super().detector()

    with client_of(router, models=WatchedModels(n_threads=1)) as client:
        assert client.post(f"/v1/explain{query}", content=BLANK).status_code == 200
    assert asked == [{"sideways": sideways}]


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("emotion=joy", 422, "bad_input"),
        ("emotion=", 422, "bad_input"),
        ("kind=gradient", 422, "bad_input"),
        ("face_crops=perhaps", 422, "bad_input"),
        ("name=../a.jpg", 422, "bad_input"),
    ],
)
def test_wrong_parameters_are_refused(
    query: str, status: int, code: str, client: TestClient
) -> None:
    answer = client.post(f"/v1/explain?{query}", content=BLANK)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


@pytest.mark.parametrize(
    ("content", "media_type", "status", "code"),
    [
        (BLANK, "image/jpeg", 415, "unsupported_format"),
        (BLANK, "application/json", 415, "unsupported_format"),
        (b"%PDF-1.7", "image/png", 415, "unsupported_format"),
        (b"%PDF-1.7", "application/octet-stream", 415, "unsupported_format"),
        (BLANK[:60], "image/png", 422, "damaged_image"),
        (b"", "image/png", 422, "empty_file"),
        (bytes(LIMITS.image_bytes + 1), "image/png", 413, "request_too_large"),
        (
            encode_image(np.zeros((1001, 1000, 3), np.uint8), ".png"),
            *("image/png", 413, "image_too_large"),
        ),
    ],
    ids=["disguised", "other type", "other file", "undeclared", "damaged", "empty", "large", "px"],
)
def test_what_is_no_image_is_refused(
    content: bytes, media_type: str, status: int, code: str, client: TestClient
) -> None:
    headers = {"Content-Type": media_type, **PNG}
    answer = client.post("/v1/explain?name=a.png", content=content, headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


def test_a_busy_server_refuses_before_it_reads_the_body(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    services = client.app.state.services  # type: ignore[attr-defined]
    lanes = []

    def refuse(lane: Lane) -> None:
        lanes.append(lane)
        raise BusyError("busy", retry_after_s=2.5)

    monkeypatch.setattr(services.workers, "check_free", refuse)
    monkeypatch.setattr(services, "bodies", None)
    answer = client.post("/v1/explain", content=BLANK)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "3")
    assert lanes == [Lane.MAPS]


def test_a_kind_that_the_model_does_not_have_is_refused_without_its_file() -> None:
    class DenseModels(Models):
        def explainer_of(self, kind: MapKind) -> FaceExplainer:
            raise ModelError("/srv/models/dense.onnx has no class-activation maps")

    with client_of(router, models=DenseModels(n_threads=1)) as client:
        answer = client.post("/v1/explain?kind=activation", content=BLANK)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "config")
    assert answer.json()["error"]["message"] == (
        "kind is 'activation', and the model has no activation maps; allowed: 'occlusion'"
    )


def test_an_error_of_a_library_concerns_this_image(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise MemoryError("no memory")

    monkeypatch.setattr("emolens.server.explain_routes.explain_faces", fail)
    answer = client.post("/v1/explain", content=BLANK)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "processing")


def test_the_document_declares_what_is_sent_and_answered(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    operation = document["paths"]["/v1/explain"]["post"]
    assert operation["requestBody"]["required"]
    assert set(IMAGE_TYPES) < set(operation["requestBody"]["content"])
    answers = operation["responses"]
    assert set(answers) == {*("200", "204", "401", "403", "408", "413", "415", "422", "500", "503")}
    assert set(answers["200"]["content"]) == {"application/json", "image/png"}
    assert answers["200"]["content"]["application/json"]["schema"] == {
        "$ref": "#/components/schemas/ExplanationRecord"
    }
    assert {one["name"] for one in operation["parameters"]} == {
        *("emotion", "kind", "name", "face_crops", "sideways")
    }
    assert all(one["description"] for one in operation["parameters"])
    assert document["components"]["schemas"]["Emotion"]["enum"] == list(LABELS)
