import pytest
from fastapi import FastAPI

from emolens.core.errors import BusyError, EmolensError, MissingExtraError
from emolens.server.errors import status_of
from emolens.server.media_types import ANY_TYPE, IMAGE_TYPES
from emolens.server.openapi import IMAGE, IMAGE_OR_IMAGES, MULTIPART_TYPE, error_responses


def error(kind: type[EmolensError]) -> EmolensError:
    return kind("a", "b", "c") if issubclass(kind, MissingExtraError) else kind("a")


def all_errors(base: type[EmolensError] = EmolensError) -> list[type[EmolensError]]:
    return [base] + [one for below in base.__subclasses__() for one in all_errors(below)]


def test_the_answer_of_every_error_can_be_declared() -> None:
    for kind in all_errors():
        status = status_of(error(kind))
        declared = error_responses(status)
        assert set(declared) == {status, 500}, kind
        assert all(one["description"] for one in declared.values())


def test_an_unknown_status_is_a_mistake() -> None:
    with pytest.raises(KeyError):
        error_responses(418)


def test_the_document_has_the_errors_and_the_media_types_of_a_route() -> None:
    app = FastAPI()

    @app.post("/", responses=error_responses(415, 422, 503), openapi_extra={"requestBody": IMAGE})
    def send(number: int) -> None:
        """Receive an image."""

    operation = app.openapi()["paths"]["/"]["post"]
    answers = operation["responses"]
    assert set(answers) == {"200", "415", "422", "500", "503"}
    # FastAPI's own record of validation errors is not what the server answers.
    for status in ("415", "422", "500", "503"):
        schema = answers[status]["content"]["application/json"]["schema"]
        assert schema == {"$ref": "#/components/schemas/ErrorAnswer"}
    assert [status for status, one in answers.items() if "headers" in one] == [
        str(status_of(BusyError("busy")))
    ]
    content = operation["requestBody"]["content"]
    assert set(content) == {*IMAGE_TYPES, ANY_TYPE}
    assert all(one["schema"]["format"] == "binary" for one in content.values())


def test_a_form_is_declared_only_where_several_images_are_allowed() -> None:
    assert MULTIPART_TYPE not in IMAGE["content"]
    form = IMAGE_OR_IMAGES["content"][MULTIPART_TYPE]["schema"]
    assert form["properties"]["images"]["items"]["format"] == "binary"
    assert set(IMAGE_OR_IMAGES["content"]) == {*IMAGE["content"], MULTIPART_TYPE}
