"""What only `AsyncClient` can do; its requests are tested together with those of `Client`."""

import asyncio
from pathlib import Path

import httpx
import pytest

from emolens.client import AsyncClient
from tests.unit.client.fake_server import ADDRESS, image_answer, job_answer

pytestmark = pytest.mark.timeout(60)


def test_tasks_share_a_client_and_do_not_wait_for_each_other() -> None:
    async def run() -> list[str]:
        all_here = asyncio.Barrier(3)

        async def answer(request: httpx.Request) -> httpx.Response:
            await all_here.wait()
            return httpx.Response(200, json=image_answer(request.url.params["name"]))

        async with AsyncClient(ADDRESS, transport=httpx.MockTransport(answer)) as client:
            tasks = [client.analyze(b"jpeg", name=name) for name in ("a", "b", "c")]
            return [record.path for record in await asyncio.gather(*tasks)]

    assert asyncio.run(run()) == ["a", "b", "c"]


def test_a_cancelled_analysis_deletes_its_job(tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").write_bytes(b"video")
    methods: list[str] = []

    async def answer(request: httpx.Request) -> httpx.Response:
        methods.append(request.method)
        if request.method == "DELETE":
            return httpx.Response(204)
        return httpx.Response(200, json=job_answer("running"))

    async def run() -> None:
        async with AsyncClient(ADDRESS, transport=httpx.MockTransport(answer)) as client:
            task = asyncio.create_task(client.analyze_video(tmp_path / "clip.mp4"))
            while "GET" not in methods:
                await asyncio.sleep(0.01)
            task.cancel()
            await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(run())
    assert methods[0] == "POST"
    assert methods[-1] == "DELETE"


def test_a_client_is_closed_with_its_block() -> None:
    async def run() -> None:
        transport = httpx.MockTransport(lambda _: httpx.Response(200, json=image_answer()))
        async with AsyncClient(ADDRESS, transport=transport) as client:
            await client.analyze(b"jpeg")
        await client.analyze(b"jpeg")

    with pytest.raises(RuntimeError, match="closed"):
        asyncio.run(run())
