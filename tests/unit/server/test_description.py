"""The OpenAPI document."""

from typing import Any

import pytest

from emolens.server.media_types import IMAGE_TYPES
from tests.unit.server.conftest import KEY, Start, keys_of


@pytest.fixture
def document(start: Start) -> dict[str, Any]:
    return dict(start().get("/openapi.json").json())


def test_it_declares_every_route(document: dict[str, Any]) -> None:
    assert set(document["paths"]) == {
        "/livez",
        "/metrics",
        "/readyz",
        "/v1/analyze",
        "/v1/explain",
        "/v1/jobs",
        "/v1/jobs/{job_id}",
        "/v1/jobs/{job_id}/{output}",
        "/v1/models",
        "/v1/tickets",
    }


def test_it_declares_media_types_and_errors(document: dict[str, Any]) -> None:
    analyze = document["paths"]["/v1/analyze"]["post"]
    assert {*IMAGE_TYPES, "multipart/form-data"} <= set(analyze["requestBody"]["content"])
    assert {"200", "413", "415", "422", "503"} <= set(analyze["responses"])
    assert "HTTPValidationError" not in document["components"]["schemas"]


def test_every_operation_has_a_summary_and_described_parameters(document: dict[str, Any]) -> None:
    for path, operations in document["paths"].items():
        for operation in operations.values():
            assert operation["summary"].endswith("."), path
            for parameter in operation.get("parameters", []):
                assert parameter["description"], (path, parameter["name"])


def test_only_a_server_with_keys_declares_them(start: Start, document: dict[str, Any]) -> None:
    assert "securitySchemes" not in document["components"]
    client = start(keys=keys_of(laptop=KEY))
    locked = client.get("/openapi.json", headers={"Authorization": f"Bearer {KEY}"}).json()
    assert locked["components"]["securitySchemes"]["key"]["scheme"] == "bearer"
    assert locked["paths"]["/v1/analyze"]["post"]["security"] == [{"key": []}]
    assert "security" not in locked["paths"]["/livez"]["get"]


def test_it_names_no_software(document: dict[str, Any]) -> None:
    text = str(document).lower()
    assert not any(word in text for word in ("fastapi", "uvicorn", "starlette", "python"))


def test_every_operation_declares_the_answers_of_the_guard(start: Start) -> None:
    document = start().get("/openapi.json").json()
    for path, operations in document["paths"].items():
        for operation in operations.values():
            assert "403" in operation["responses"], path
            assert ("503" in operation["responses"]) >= path.startswith("/v1/"), path
