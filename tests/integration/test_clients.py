"""The clients in Python and JavaScript against the real server."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from emolens.client import AsyncClient, Client, ClipResults
from emolens.contract.server import JobRecord
from emolens.core.emotion import LABELS
from emolens.core.errors import AccessError, DamagedImageError, EmolensError, InputNotFoundError
from emolens.media.sample import sample_image
from emolens.testing.sample_clip import crossing_clip
from tests.command_line import run_emolens
from tests.integration.test_video_command import write_video
from tests.javascript_runtime import needs_node, run_node
from tests.server_process import ServerProcess, running_server

KEY: Final = "a-key-of-this-test-that-is-long-enough-0123456789"

pytestmark = [pytest.mark.timeout(180), pytest.mark.slow]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a photo and a clip."""
    folder = tmp_path_factory.mktemp("clients")
    shutil.copy(sample_image(), folder / "photo.jpg")
    (folder / "damaged.jpg").write_bytes((folder / "photo.jpg").read_bytes()[:2000])
    frames = crossing_clip(size_wh=(320, 240), rate_hz=10, duration_s=2)
    write_video(folder / "clip.mp4", frames)
    return folder


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[ServerProcess]:
    with running_server(folder, key=KEY) as server:
        yield server


@pytest.fixture(params=["Client", "AsyncClient"])
def call(request: pytest.FixtureRequest, server: ServerProcess) -> Callable[..., Any]:
    """Call a method of one of the clients."""

    async def awaited(method: str, *arguments: Any, **options: Any) -> Any:
        async with AsyncClient(server.url, key=KEY) as client:
            return await getattr(client, method)(*arguments, **options)

    def called(method: str, *arguments: Any, **options: Any) -> Any:
        if request.param == "AsyncClient":
            return asyncio.run(awaited(method, *arguments, **options))
        with Client(server.url, key=KEY) as client:
            return getattr(client, method)(*arguments, **options)

    return called


@pytest.fixture(scope="module")
def line(folder: Path) -> dict[str, Any]:
    """What `emolens image --jsonl` writes about the photo."""
    done = run_emolens("image", "photo.jpg", "--jsonl", "-", "--quiet", cwd=folder)
    assert done.returncode == 0, done.stderr
    record: dict[str, Any] = json.loads(done.stdout)
    return record


def test_an_image_has_the_record_of_the_command_line(
    call: Callable[..., Any], folder: Path, line: dict[str, Any]
) -> None:
    assert call("analyze", folder / "photo.jpg").to_dict() == line
    unnamed = call("analyze", (folder / "photo.jpg").read_bytes())
    assert unnamed.to_dict() == {**line, "path": "image"}


def test_options_of_an_image_have_an_effect(
    call: Callable[..., Any], folder: Path, line: dict[str, Any]
) -> None:
    strict = call("analyze", folder / "photo.jpg", min_confidence=1.0, name="a.jpg")
    assert strict.path == "a.jpg"
    assert [face.label for face in strict.faces] == [None] * len(line["faces"])
    [crop] = call("analyze", folder / "photo.jpg", face_crops=True).faces
    assert crop.detection_score is None


def test_an_unreadable_image_among_several_has_an_error(
    call: Callable[..., Any], folder: Path, line: dict[str, Any]
) -> None:
    photo, damaged = call("analyze_many", [folder / "photo.jpg", folder / "damaged.jpg"])
    assert photo.to_dict() == line
    assert damaged.path == "damaged.jpg"
    assert damaged.error.code == "damaged_image"


def test_errors_are_those_of_this_process(call: Callable[..., Any], folder: Path) -> None:
    with pytest.raises(DamagedImageError):
        call("analyze", folder / "damaged.jpg")


def test_an_explanation_has_maps_of_all_classes(call: Callable[..., Any], folder: Path) -> None:
    explanation = call("explain", folder / "photo.jpg")
    assert explanation.path == "photo.jpg"
    [face] = explanation.faces
    assert set(face.maps) == set(LABELS)
    assert call("explain", folder / "photo.jpg", kind="activation").kind == "activation"
    assert call("explain_png", folder / "photo.jpg", emotion="happy")[:4] == b"\x89PNG"


def test_the_server_describes_itself(call: Callable[..., Any]) -> None:
    models = call("models")
    assert tuple(models.labels) == LABELS
    assert models.limits.images == 16


def test_a_video_has_the_table_of_the_command_line(
    call: Callable[..., Any], folder: Path, tmp_path: Path
) -> None:
    states: list[JobRecord] = []
    results: ClipResults = call("analyze_video", folder / "clip.mp4", on_progress=states.append)
    done = run_emolens("video", "clip.mp4", "--table", str(tmp_path / "a.csv"), cwd=folder)
    assert done.returncode == 0, done.stderr
    assert results.table == (tmp_path / "a.csv").read_bytes()
    assert results.summary.n_frames == 20
    assert results.report is not None
    assert b"Track 2" in results.report
    assert states[-1].state == "done"
    with pytest.raises(InputNotFoundError):
        call("job", results.job.id)


def test_a_clip_that_is_none_raises_its_error(call: Callable[..., Any], folder: Path) -> None:
    with pytest.raises(EmolensError, match="photo"):
        call("analyze_video", folder / "photo.jpg")


def test_a_stream_answers_each_frame(server: ServerProcess, folder: Path) -> None:
    photo, damaged = ((folder / name).read_bytes() for name in ("photo.jpg", "damaged.jpg"))
    with Client(server.url, key=KEY) as client, client.stream() as stream:
        results = [stream.send(photo, captured_s=10 + 0.1 * number) for number in range(3)]
        with pytest.raises(DamagedImageError):
            stream.send(damaged, captured_s=11)
        last = stream.send(photo, captured_s=12)
    times_s = [result.result.media_time_s for result in (*results, last)]
    assert times_s == pytest.approx([0, 0.1, 0.2, 2])
    assert [len(result.result.faces) for result in results] == [1, 1, 1]
    assert (last.n_received, last.n_dropped) == (5, 0)


def test_of_a_fast_stream_the_newest_frames_have_results(
    server: ServerProcess, folder: Path
) -> None:
    photo = (folder / "photo.jpg").read_bytes()

    async def camera() -> AsyncIterator[tuple[bytes, float]]:
        for number in range(100):
            yield photo, number / 100
            await asyncio.sleep(0.01)

    async def run() -> tuple[list[float], int]:
        async with AsyncClient(server.url, key=KEY) as client, client.stream() as stream:
            captured = [result.captured_s async for result in stream.results(camera())]
            return captured, stream.n_dropped

    captured, n_dropped = asyncio.run(run())
    assert captured == sorted(captured)
    assert captured[-1] == 0.99
    assert len(captured) + n_dropped == 100


def test_without_a_key_nothing_is_answered(server: ServerProcess, folder: Path) -> None:
    for key in (None, "another-key-that-is-long-enough-0123456789"):
        with Client(server.url, key=key) as client:
            with pytest.raises(AccessError):
                client.analyze(folder / "photo.jpg")
            with pytest.raises(AccessError), client.stream() as stream:
                stream.send(b"jpeg")


@needs_node
def test_the_client_in_javascript_gets_the_same_answers(
    server: ServerProcess, folder: Path, line: dict[str, Any]
) -> None:
    done = run_node(
        "against_server.mjs",
        server.url,
        *("photo.jpg", "clip.mp4"),
        cwd=folder,
        environment={"EMOLENS_KEY": KEY},
    )
    assert done.returncode == 0, done.stderr
    got = json.loads(done.stdout)
    with Client(server.url, key=KEY) as client:
        assert got["record"] == line
        assert got["records"][0] == line
        assert got["explanation"] == client.explain(folder / "photo.jpg").to_dict()
        models = client.models().model_dump(mode="json", exclude_unset=True)
        assert got["models"] == models
        assert got["video"]["table"].encode() == client.analyze_video(folder / "clip.mp4").table
    assert got["records"][1]["error"]["code"] == "damaged_image"
    assert bytes(got["png"]) == b"\x89PNG"
    first, damaged, last = got["stream"]["results"]
    assert (first["captured_s"], damaged, last["captured_s"]) == (1, "damaged_image", 3)
    assert len(last["result"]["faces"]) == 1
    assert got["stream"]["states"] == ["connecting", "ready", "closed"]
    assert got["video"]["state"] == "done"
    assert got["video"]["afterwards"] == ["not_found", 404, True]
    assert got["damaged"] == ["damaged_image", 422, True]
    assert got["denied"] == ["access", 401, True]
