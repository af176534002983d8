"""The client for programs with asyncio."""

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable, Iterable
from typing import Self, TypeVar, Unpack

from emolens.client import async_stream, calls
from emolens.client.calls import Call, ClipOptions, MapKind
from emolens.client.clips import ClipResults, OnProgress, is_done, pauses_s
from emolens.client.endpoint import Endpoint
from emolens.client.failures import error_of_transport
from emolens.client.files import FileBody, ImageFile
from emolens.client.libraries import httpx
from emolens.client.retries import Retries
from emolens.contract import ImageRecord, SessionRecord
from emolens.contract.server import ExplanationRecord, JobRecord, ModelsAnswer
from emolens.core.errors import EmolensError

T = TypeVar("T")


class AsyncClient:
    """A client of `emolens serve` for asyncio, with the arguments and methods of `Client`.

    Files are read in threads. Several tasks of one event loop may share a client.
    """

    def __init__(
        self,
        address: str = "http://127.0.0.1:8000",
        *,
        key: str | None = None,
        timeout_s: float = 60.0,
        retries: int = 3,
        transport: httpx.AsyncBaseTransport | None = None,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._endpoint = Endpoint(address, key, timeout_s)
        self._retries = Retries(retries)
        self._sleep = sleep
        self._http = httpx.AsyncClient(transport=transport, **self._endpoint.http_options)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._endpoint.address!r})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def models(self) -> ModelsAnswer:
        """Return the models of the server, and its limits."""
        return await self._send(calls.models())

    async def analyze(
        self,
        image: ImageFile,
        *,
        name: str | None = None,
        min_confidence: float = 0.0,
        face_crops: bool = False,
        sideways: bool = True,
    ) -> ImageRecord:
        """Detect and classify the faces of an image; see `Client.analyze`."""
        call = await asyncio.to_thread(
            calls.analyze,
            image,
            name=name,
            min_confidence=min_confidence,
            face_crops=face_crops,
            sideways=sideways,
        )
        return await self._send(call)

    async def analyze_many(
        self,
        images: Iterable[ImageFile],
        *,
        min_confidence: float = 0.0,
        face_crops: bool = False,
        sideways: bool = True,
    ) -> list[ImageRecord]:
        """Analyse several images in one request; see `Client.analyze_many`."""
        call = await asyncio.to_thread(
            calls.analyze_many,
            images,
            min_confidence=min_confidence,
            face_crops=face_crops,
            sideways=sideways,
        )
        return await self._send(call)

    async def explain(
        self,
        image: ImageFile,
        *,
        name: str | None = None,
        kind: MapKind | None = None,
        face_crops: bool = False,
        sideways: bool = True,
    ) -> ExplanationRecord:
        """Return the maps of all faces of an image in numbers."""
        call = await asyncio.to_thread(
            calls.explain, image, name=name, kind=kind, face_crops=face_crops, sideways=sideways
        )
        return await self._send(call)

    async def explain_png(
        self,
        image: ImageFile,
        *,
        emotion: str | None = None,
        kind: MapKind | None = None,
        face_crops: bool = False,
        sideways: bool = True,
    ) -> bytes | None:
        """Return the maps of an image as a PNG file; see `Client.explain_png`."""
        call = await asyncio.to_thread(
            calls.explain_png,
            image,
            emotion=emotion,
            kind=kind,
            face_crops=face_crops,
            sideways=sideways,
        )
        return await self._send(call)

    async def create_job(
        self, path: str | os.PathLike[str], **options: Unpack[ClipOptions]
    ) -> JobRecord:
        """Upload a video, which the server then analyses; see `analyze_video`."""
        return await self._send(calls.create_job(path, **options))

    async def job(self, job_id: str) -> JobRecord:
        """Return the state of a job."""
        return await self._send(calls.job(job_id))

    async def job_table(self, job_id: str) -> bytes:
        """Return the table of a finished job."""
        return await self._send(calls.job_file(job_id, "table"))

    async def job_summary(self, job_id: str) -> SessionRecord:
        """Return the summary of a finished job."""
        return await self._send(calls.job_summary(job_id))

    async def job_report(self, job_id: str) -> bytes:
        """Return the page of a finished job (HTML)."""
        return await self._send(calls.job_file(job_id, "report"))

    async def delete_job(self, job_id: str) -> None:
        """Delete a job and its results; a running one is stopped."""
        await self._send(calls.delete_job(job_id))

    async def analyze_video(
        self,
        path: str | os.PathLike[str],
        *,
        on_progress: OnProgress | None = None,
        **options: Unpack[ClipOptions],
    ) -> ClipResults:
        """Upload a video, wait for its results, and delete it; see `Client.analyze_video`."""
        job = await self.create_job(path, **options)
        try:
            return await self._results(job, on_progress)
        finally:
            with contextlib.suppress(EmolensError):
                await self.delete_job(job.id)

    def stream(
        self, *, min_confidence: float = 0.0
    ) -> contextlib.AbstractAsyncContextManager[async_stream.AsyncStream]:
        """Open a stream of frames for an `async with` block; see `Client.stream`."""
        return async_stream.open_stream(self._endpoint, min_confidence)

    async def _results(self, job: JobRecord, on_progress: OnProgress | None) -> ClipResults:
        for pause_s in pauses_s():
            if on_progress is not None:
                on_progress(job)
            if is_done(job, self._endpoint.address):
                break
            await self._sleep(pause_s)
            job = await self.job(job.id)
        report = await self.job_report(job.id) if "report" in job.outputs else None
        return ClipResults(
            job, await self.job_table(job.id), await self.job_summary(job.id), report
        )

    async def _send(self, call: Call[T]) -> T:
        n_failed = 0
        while True:
            try:
                return await self._try(call)
            except EmolensError as error:
                n_failed += 1
                wait_s = self._retries.wait_s(n_failed, error, is_repeatable=call.is_repeatable)
                if wait_s is None:
                    raise
            await self._sleep(wait_s)

    async def _try(self, call: Call[T]) -> T:
        body = call.body.async_chunks() if isinstance(call.body, FileBody) else call.body
        address = self._endpoint.address
        try:
            answer = await self._http.send(calls.build_request(call, self._http, body))
        except httpx.RequestError as error:
            raise error_of_transport(error, address) from error
        return calls.read_answer(call, answer, address)
