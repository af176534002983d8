from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

import httpx
import pytest

from emolens.client.clips import is_done, pauses_s
from emolens.contract.server import JobRecord
from emolens.core.errors import InputNotFoundError, ServerError, SourceError
from tests.unit.client.conftest import OpenClient
from tests.unit.client.fake_server import ADDRESS, Handler, error_answer, job_answer


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"video")
    return path


def job_server(states: Iterable[dict[str, Any]], session: dict[str, Any]) -> Handler:
    """A server whose job has one state after the other."""
    remaining = iter(states)
    outputs = {"table": b"a,b\r\n", "report": b"<html>"}

    def handler(request: httpx.Request) -> httpx.Response:
        match request.method, request.url.path.removeprefix("/v1/jobs").split("/"):
            case "POST", [""]:
                return httpx.Response(202, json=next(remaining))
            case "GET", ["", "a1b2"]:
                return httpx.Response(200, json=next(remaining))
            case "GET", ["", "a1b2", "summary"]:
                return httpx.Response(200, json=session)
            case "GET", ["", "a1b2", output]:
                return httpx.Response(200, content=outputs[output])
            case "DELETE", ["", "a1b2"]:
                return httpx.Response(204)
        raise AssertionError(request)

    return handler


@pytest.fixture
def session() -> dict[str, Any]:
    """A summary without tracks."""
    from emolens.contract import SessionRecord
    from emolens.sessions.session import SessionSummary

    found = SessionSummary().finish()
    assert isinstance(found.to_dict(), dict)
    return SessionRecord.model_validate(found.to_dict()).model_dump()


def test_a_video_is_uploaded_followed_fetched_and_deleted(
    open_client: OpenClient, clip: Path, session: dict[str, Any]
) -> None:
    states = [job_answer("waiting"), job_answer("running"), job_answer("done")]
    client = open_client(job_server(states, session))
    seen: list[JobRecord] = []
    results = client.analyze_video(clip, table="csv", on_progress=seen.append)
    assert results.table == b"a,b\r\n"
    assert results.report == b"<html>"
    assert results.summary.n_frames == session["n_frames"]
    assert [job.state for job in seen] == ["waiting", "running", "done"]
    assert results.job == seen[-1]
    assert len(client.waits_s) == 2
    assert client.requests[-1].method == "DELETE"


def test_without_a_report_none_is_fetched(
    open_client: OpenClient, clip: Path, session: dict[str, Any]
) -> None:
    done = job_answer("done", outputs=["table", "summary"])
    client = open_client(job_server([done], session))
    assert client.analyze_video(clip, report=False).report is None
    assert client.requests[0].url.params["report"] == "false"


def test_a_failed_job_raises_its_error_and_is_deleted(
    open_client: OpenClient, clip: Path, session: dict[str, Any]
) -> None:
    failed = job_answer("failed", error={"code": "source", "message": "clip.mp4: no video."})
    client = open_client(job_server([job_answer("waiting"), failed], session))
    with pytest.raises(SourceError, match="^clip.mp4: no video.$"):
        client.analyze_video(clip)
    assert client.requests[-1].method == "DELETE"


def test_a_job_that_is_gone_raises_the_error_of_the_question(
    open_client: OpenClient, clip: Path
) -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            return httpx.Response(202, json=job_answer("running"))
        return error_answer(404, "not_found", f"no job ({request.method})")

    client = open_client(handler)
    with pytest.raises(InputNotFoundError, match=r"^no job \(GET\)"):
        client.analyze_video(clip)


def test_an_interruption_deletes_the_job(
    open_client: OpenClient, clip: Path, session: dict[str, Any]
) -> None:
    def interrupt(_: JobRecord) -> None:
        raise KeyboardInterrupt

    client = open_client(job_server([job_answer("running")], session))
    with pytest.raises(KeyboardInterrupt):
        client.analyze_video(clip, on_progress=interrupt)
    assert client.requests[-1].method == "DELETE"


def test_a_folder_is_no_video(open_client: OpenClient, tmp_path: Path) -> None:
    client = open_client(lambda _: httpx.Response(202, json=job_answer("waiting")))
    with pytest.raises(InputNotFoundError, match="it is a folder"):
        client.analyze_video(tmp_path)


def test_a_job_that_fails_without_an_error_names_the_server() -> None:
    job = JobRecord.model_validate(job_answer("failed"))
    with pytest.raises(ServerError, match=f"clip.mp4: the server at {ADDRESS} cannot analyse it"):
        is_done(job, ADDRESS)


def test_questions_become_rarer() -> None:
    waits_s = list(islice(pauses_s(), 40))
    assert waits_s == sorted(waits_s)
    assert waits_s[0] == pytest.approx(0.1)
    assert waits_s[-1] == pytest.approx(2.0)
