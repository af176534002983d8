"""Each error of emolens has one status, and unexpected ones are not described."""

import json
from collections.abc import Iterator

import pytest

import emolens.core.errors as every
from emolens.core.errors import (
    AccessError,
    BusyError,
    EmolensError,
    MissingExtraError,
    OriginError,
    ProcessingError,
)
from emolens.server.errors import error_answer, record_of, status_answer, status_of

# What a client cannot cause, or what never leaves a handler.
INTERNAL = {
    "BrokenLibraryError",
    "DatasetError",
    "EmolensError",
    "MissingExtraError",
    "ModelError",
    "OutputError",
    "ServerError",
}


def kinds(kind: type[EmolensError] = EmolensError) -> Iterator[type[EmolensError]]:
    yield kind
    for one in kind.__subclasses__():
        if one.__module__ == every.__name__:
            yield from kinds(one)


def made(kind: type[EmolensError]) -> EmolensError:
    return kind(*(("why", "serve", "fastapi") if kind is MissingExtraError else ("why",)))


@pytest.mark.parametrize("kind", list(kinds()), ids=lambda kind: kind.__name__)
def test_every_error_has_a_status(kind: type[EmolensError]) -> None:
    status, record = status_of(made(kind)), record_of(made(kind))
    if kind.__name__ in INTERNAL:
        assert status == 500
        assert (record.code, "why" in record.message) == ("internal", False)
    elif kind is ProcessingError:
        assert (status, record.code, "why" in record.message) == (422, "processing", False)
    else:
        assert status != 500
        assert (record.code, record.message) == (kind.code, "why")


def test_codes_differ() -> None:
    codes = [kind.code for kind in kinds()]
    assert len(set(codes)) == len(codes)


def test_answers_say_when_to_retry_and_how_to_identify() -> None:
    busy = error_answer(BusyError("full", 2.5), "id")
    assert (busy.status_code, busy.headers["Retry-After"]) == (503, "3")
    assert error_answer(BusyError("full", 0.0), "id").headers["Retry-After"] == "1"
    assert error_answer(AccessError("no"), "id").headers["WWW-Authenticate"] == "Bearer"
    assert "WWW-Authenticate" not in error_answer(OriginError("no"), "id").headers
    assert json.loads(bytes(busy.body))["request_id"] == "id"


def test_statuses_without_an_error_have_a_code() -> None:
    answer = status_answer(405, "no", "id", {"Allow": "GET"})
    assert json.loads(bytes(answer.body))["error"]["code"] == "method_not_allowed"
    assert answer.headers["Allow"] == "GET"
    assert json.loads(bytes(status_answer(418, "no", "id").body))["error"]["code"] == "bad_input"
