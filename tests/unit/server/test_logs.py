"""Logs are JSON, one object per line."""

import json
import logging
from collections.abc import Iterator

import pytest

from emolens.server.logs import LOGGER, configure_logs, log


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """Loggers as they were."""
    loggers = [LOGGER, logging.getLogger("uvicorn"), logging.getLogger("uvicorn.error")]
    before = [(one.level, list(one.handlers), one.propagate) for one in loggers]
    yield
    for one, (level, handlers, propagate) in zip(loggers, before, strict=True):
        one.setLevel(level)
        one.handlers, one.propagate = handlers, propagate


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_a_line_has_time_level_message_and_fields(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(requests=True)
    log("request", status=200, route="/v1/analyze", client=None)
    (line,) = lines(capsys)
    assert str(line.pop("time")).endswith("Z")
    assert line == {
        "level": "info",
        "message": "request",
        "status": 200,
        "route": "/v1/analyze",
        "client": None,
    }


def test_a_traceback_stays_on_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(requests=False)
    try:
        raise RuntimeError("two\nlines")
    except RuntimeError:
        log("failed", level=logging.ERROR, exc_info=True)
    (line,) = lines(capsys)
    assert "RuntimeError: two\nlines" in str(line["traceback"])


def test_without_requests_only_problems_are_logged(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(requests=False)
    log("request")
    logging.getLogger("uvicorn.error").warning("Invalid HTTP request received.")
    logging.getLogger("uvicorn.error").error("broken")
    assert [line["message"] for line in lines(capsys)] == ["broken"]
