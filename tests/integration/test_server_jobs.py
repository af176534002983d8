"""Jobs over HTTP, with the real process: from the bytes of a clip to its table."""

import os
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.testclient import TestClient

from emolens.contract.server import JobRecord
from emolens.core.errors import EmolensError
from emolens.server import job_routes
from emolens.server.bodies import Bodies
from emolens.server.clips import Clips
from emolens.server.errors import error_answer
from emolens.server.settings import Limits, ServerSettings
from emolens.testing.sample_clip import crossing_clip
from tests.clips import ClipRecipe, make_clip, make_sound
from tests.command_line import run_emolens

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

NAME = "été (1).mp4"


@dataclass(slots=True)
class FewServices:
    """What the routes of jobs use."""

    limits: Limits
    bodies: Bodies
    clips: Clips


@contextmanager
def serving(**limits: Any) -> Iterator[TestClient]:
    """Serve the routes of jobs. The header X-Key names the key of a request."""
    settings = ServerSettings(limits=Limits(**limits))
    services = FewServices(settings.limits, Bodies(settings.limits), Clips(settings))

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await services.clips.start()
        yield
        await services.clips.stop()

    app = FastAPI(lifespan=lifespan)
    app.state.services = services
    app.include_router(job_routes.router)

    @app.middleware("http")
    async def name_client(
        request: Request, call_next: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        request.state.client = request.headers.get("x-key")
        return await call_next(request)

    @app.exception_handler(EmolensError)
    async def answer(_request: Request, error: EmolensError) -> Response:
        return error_answer(error, "request")

    with TestClient(app) as client:
        yield client


@pytest.fixture(scope="module")
def temporary(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of temporary files of the server."""
    folder = tmp_path_factory.mktemp("temporary")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(folder))
        yield folder


@pytest.fixture(scope="module")
def client(temporary: Path) -> Iterator[TestClient]:
    with serving(clip_s=30.0, clip_pixels=640 * 480) as client:
        yield client


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip of 1 s with two faces."""
    source = crossing_clip(size_wh=(320, 240), rate_hz=25, duration_s=1)
    recipe = ClipRecipe(size_wh=(320, 240), n_frames=25)
    path = tmp_path_factory.mktemp("clips") / NAME
    return make_clip(path, recipe, images=(frame.image for frame in source))


@pytest.fixture(scope="module")
def long_clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A clip of 28 s, whose analysis takes seconds."""
    recipe = ClipRecipe(size_wh=(320, 240), n_frames=700, codec="mpeg4")
    return make_clip(tmp_path_factory.mktemp("long") / "long.mp4", recipe).read_bytes()


def send(client: TestClient, content: bytes, name: str = "clip.mp4", **more: Any) -> Any:
    headers = {"Content-Type": "video/mp4", **more.pop("headers", {})}
    return client.post("/v1/jobs", params={"name": name, **more}, content=content, headers=headers)


def ended(client: TestClient, job: dict[str, Any]) -> JobRecord:
    """Poll a job until it ends."""
    until_s = time.monotonic() + 60
    while time.monotonic() < until_s:
        record = JobRecord(**client.get(f"/v1/jobs/{job['id']}").json())
        if record.state in ("done", "failed"):
            return record
        time.sleep(0.05)
    raise AssertionError(record)


def error_of(record: JobRecord) -> tuple[str, str]:
    assert record.error is not None
    return record.error.code, record.error.message


MEDIA_TYPES = {"csv": "text/csv", "parquet": "application/vnd.apache.parquet"}


@pytest.mark.parametrize("table", MEDIA_TYPES)
def test_a_job_gives_the_table_of_the_command_byte_for_byte(
    table: str,
    client: TestClient,
    clip: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Metadata of Parquet contain the time.
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    answer = send(client, clip.read_bytes(), NAME, table=table)
    assert answer.status_code == 202
    job = answer.json()
    assert answer.headers["location"] == f"/v1/jobs/{job['id']}"
    done = ended(client, job)
    assert (done.state, done.failures, done.n_frames, done.n_expected) == ("done", [], 25, 25)
    assert done.outputs == ["table", "summary", "report"]
    command = run_emolens("video", str(clip), "--table", f"of-command.{table}", cwd=tmp_path)
    assert command.returncode == 0, command.stderr
    # A part cannot be asked for.
    part = {"Range": "bytes=0-9,99999999-"}
    fetched = client.get(f"{answer.headers['location']}/table", headers=part)
    assert fetched.status_code == 200
    assert fetched.content == (tmp_path / f"of-command.{table}").read_bytes()
    assert fetched.headers["content-type"].startswith(MEDIA_TYPES[table])
    assert fetched.headers["content-disposition"] == (
        f'attachment; filename="_t_ (1).{table}"; '
        f"filename*=UTF-8''%C3%A9t%C3%A9%20%281%29.{table}"
    )
    summary = client.get(f"{answer.headers['location']}/summary").json()
    assert (summary["n_frames"], len(summary["tracks"])) == (25, 2)
    assert summary["provenance"]["input"]["name"] == NAME
    page = client.get(f"{answer.headers['location']}/report")
    assert page.text.startswith("<!doctype html>")
    assert NAME in page.text
    assert client.delete(answer.headers["location"]).status_code == 204


def test_a_running_job_shows_its_progress_and_ends_when_it_is_deleted(
    client: TestClient, long_clip: bytes, temporary: Path
) -> None:
    job = send(client, long_clip, detect_hz=0).json()
    states = set()
    until_s = time.monotonic() + 60
    while time.monotonic() < until_s:
        record = JobRecord(**client.get(f"/v1/jobs/{job['id']}").json())
        states.add(record.state)
        if record.n_frames:
            break
        time.sleep(0.02)
    assert states <= {"waiting", "running"}
    assert record.n_expected == 700
    assert 0 < record.n_frames < 700
    assert len(processes()) == 1
    assert list(temporary.rglob("clip.mp4")) != []
    missing = client.get(f"/v1/jobs/{job['id']}/table")
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "not_found")
    assert client.delete(f"/v1/jobs/{job['id']}").status_code == 204
    assert processes() == []
    assert list(temporary.rglob("clip.mp4")) == []
    assert client.get(f"/v1/jobs/{job['id']}").status_code == 404
    assert client.delete(f"/v1/jobs/{job['id']}").status_code == 404


def processes() -> list[str]:
    """Return the processes that this one has started to analyse videos."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
            parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
        except OSError:
            continue
        if int(parent) == os.getpid() and b"emolens.server.clip_process" in words:
            found.append(folder.name)
    return found


def test_clips_beyond_the_limits_fail_with_a_reason(client: TestClient, tmp_path: Path) -> None:
    recipe = ClipRecipe(n_frames=30 * 25 + 5, codec="mpeg4")
    too_long = make_clip(tmp_path / "a.mp4", recipe).read_bytes()
    recipe = ClipRecipe(size_wh=(656, 480), n_frames=2)
    too_large = make_clip(tmp_path / "b.mp4", recipe).read_bytes()
    jobs = [send(client, too_long, "a.mp4").json(), send(client, too_large, "b.mp4").json()]
    assert [error_of(ended(client, job)) for job in jobs] == [
        (
            "request_too_large",
            "a.mp4 lasts 30.2 s; allowed: up to 30 s. Send a shorter part of it.",
        ),
        (
            "image_too_large",
            "b.mp4 has frames of 656x480 px; allowed: up to 307,200 pixels. Send a smaller video.",
        ),
    ]


def test_truncated_and_damaged_clips_name_no_folder(
    client: TestClient, clip: Path, temporary: Path, tmp_path: Path
) -> None:
    recipe = ClipRecipe(n_frames=30)
    whole = make_clip(tmp_path / "a.mkv", recipe).read_bytes()
    sound = make_sound(tmp_path / "a.mka", "aac").read_bytes()
    contents = {"cut.mkv": whole[: len(whole) * 2 // 3], "bad.mp4": clip.read_bytes()[:2000]}
    contents["sound.mkv"] = sound
    jobs = {name: send(client, content, name).json() for name, content in contents.items()}
    records = {name: ended(client, job) for name, job in jobs.items()}
    cut = records["cut.mkv"]
    assert cut.state == "done"
    assert 5 < cut.n_frames < 30
    assert any("may be truncated" in failure for failure in cut.failures)
    assert error_of(records["bad.mp4"])[1].startswith("cannot read bad.mp4 as a video: ")
    assert error_of(records["sound.mkv"]) == (
        "source",
        "sound.mkv has sound but no video track. Give a file with video.",
    )
    assert str(temporary) not in str(records)


@pytest.mark.parametrize(
    ("content", "query", "refusal"),
    [
        (b"#EXTM3U\nhttp://10.0.0.1/a.ts\n", {}, (415, "unsupported_format")),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 5000, {}, (415, "unsupported_format")),
        (b"ID3\x04\0\0\0\0\0\0" + b"\0" * 5000, {}, (415, "unsupported_format")),
        (b"", {}, (422, "empty_file")),
        (b"video", {"name": "../../a.mp4"}, (422, "bad_input")),
        (b"video", {"name": "/etc/a.mp4"}, (422, "bad_input")),
        (b"video", {"headers": {"Content-Type": "text/plain"}}, (415, "unsupported_format")),
    ],
)
def test_other_bodies_are_refused_and_nothing_is_kept(
    content: bytes,
    query: dict[str, Any],
    refusal: tuple[int, str],
    client: TestClient,
    temporary: Path,
) -> None:
    before = set(temporary.rglob("*"))
    answer = send(client, content, **query)
    assert (answer.status_code, answer.json()["error"]["code"]) == refusal
    assert str(temporary) not in answer.text
    assert set(temporary.rglob("*")) == before


@pytest.mark.parametrize(
    "query", [{"table": "xlsx"}, {"min_confidence": 2}, {"detect_hz": "nan"}, {"detect_hz": -1}]
)
def test_options_that_are_not_allowed_are_refused(
    client: TestClient, query: dict[str, Any]
) -> None:
    assert send(client, b"video", **query).status_code == 422


def test_another_key_does_not_reach_a_job(client: TestClient, clip: Path) -> None:
    anna, ben = {"X-Key": "anna"}, {"X-Key": "ben"}
    address = send(client, clip.read_bytes(), headers=anna).headers["location"]
    for headers in (ben, {}):
        assert client.get(address, headers=headers).status_code == 404
        assert client.get(f"{address}/table", headers=headers).status_code == 404
        assert client.delete(address, headers=headers).status_code == 404
    assert client.get(address, headers=anna).status_code == 200
    assert client.delete(address, headers=anna).status_code == 204


def test_a_body_that_is_too_large_and_one_that_finds_no_room_are_refused(temporary: Path) -> None:
    with serving(clip_bytes=1000, jobs=1, job_s=0.2) as client:
        assert send(client, b"x" * 1001).status_code == 413
        head = b"\0\0\0\x18ftypisom\0\0\0\0isommp41"
        job = send(client, head).json()
        busy = send(client, head)
        assert (busy.status_code, busy.json()["error"]["code"]) == (503, "busy")
        assert busy.headers["retry-after"] == "10"
        # No process starts within the deadline.
        assert error_of(ended(client, job)) == (
            "timeout",
            "clip.mp4 takes longer than 0.2 s to analyse",
        )
        assert send(client, head).status_code == 202


def test_stopping_the_server_stops_jobs_and_removes_all_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, long_clip: bytes
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with serving() as client:
        send(client, long_clip)
        send(client, long_clip)
        assert len(list(tmp_path.rglob("clip.mp4"))) == 2
    assert list(tmp_path.iterdir()) == []
    assert processes() == []
