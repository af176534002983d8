"""The client for programs without asyncio."""

import contextlib
import os
import time
from collections.abc import Callable, Iterable
from typing import Self, TypeVar, Unpack

from emolens.client import calls, sync_stream
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


class Client:
    """A client of `emolens serve`. Several threads may share one.

    It keeps connections open until `close`, or until its `with` block ends. Redirects are not
    followed, and a server on this computer is reached without a proxy.

    Args:
        address: Address of the server, such as `https://faces.example`.
        key: Key of the client, if the server has keys.
        timeout_s: Time to wait for the server in seconds.
        retries: Attempts after the first one if the server is busy or cannot be reached.
        transport: Transport of httpx, for tests.
        sleep: Function that waits, for tests.

    Raises:
        ConfigError: One of them cannot be used.
    """

    def __init__(
        self,
        address: str = "http://127.0.0.1:8000",
        *,
        key: str | None = None,
        timeout_s: float = 60.0,
        retries: int = 3,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._endpoint = Endpoint(address, key, timeout_s)
        self._retries = Retries(retries)
        self._sleep = sleep
        self._http = httpx.Client(transport=transport, **self._endpoint.http_options)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._endpoint.address!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def models(self) -> ModelsAnswer:
        """Return the models of the server, and its limits."""
        return self._send(calls.models())

    def analyze(
        self,
        image: ImageFile,
        *,
        name: str | None = None,
        min_confidence: float = 0.0,
        face_crops: bool = False,
        sideways: bool = True,
    ) -> ImageRecord:
        """Detect and classify the faces of an image.

        Args:
            image: A path, the bytes of an image file, or a file opened in binary mode.
            name: The name in the record; the file name by default.
            min_confidence: Minimum probability of a label.
            face_crops: Whether the image is a crop of one face.
            sideways: Whether to detect the faces of images that lie on their side.

        Raises:
            InputError: The image cannot be read.
            AccessError: The server does not accept the key.
            BusyError: The server is at a limit, after all retries.
            ServerError: The server cannot be reached or fails.
        """
        return self._send(
            calls.analyze(
                image,
                name=name,
                min_confidence=min_confidence,
                face_crops=face_crops,
                sideways=sideways,
            )
        )

    def analyze_many(
        self,
        images: Iterable[ImageFile],
        *,
        min_confidence: float = 0.0,
        face_crops: bool = False,
        sideways: bool = True,
    ) -> list[ImageRecord]:
        """Analyse several images in one request; `models().limits` has its limits.

        Returns:
            One record per image, in order. An image that cannot be read has its `error`.
        """
        return self._send(
            calls.analyze_many(
                images, min_confidence=min_confidence, face_crops=face_crops, sideways=sideways
            )
        )

    def explain(
        self,
        image: ImageFile,
        *,
        name: str | None = None,
        kind: MapKind | None = None,
        face_crops: bool = False,
        sideways: bool = True,
    ) -> ExplanationRecord:
        """Return the maps of all faces of an image in numbers."""
        return self._send(
            calls.explain(image, name=name, kind=kind, face_crops=face_crops, sideways=sideways)
        )

    def explain_png(
        self,
        image: ImageFile,
        *,
        emotion: str | None = None,
        kind: MapKind | None = None,
        face_crops: bool = False,
        sideways: bool = True,
    ) -> bytes | None:
        """Return the maps of an image as a PNG file, or None without a face.

        Args:
            image: As for `analyze`.
            emotion: Draw only the map of this class, enlarged; all seven by default.
            kind: Kind of map; by default the one that agrees best with the model.
            face_crops: As for `analyze`.
            sideways: As for `analyze`.
        """
        return self._send(
            calls.explain_png(
                image, emotion=emotion, kind=kind, face_crops=face_crops, sideways=sideways
            )
        )

    def create_job(
        self,
        path: str | os.PathLike[str],
        **options: Unpack[ClipOptions],
    ) -> JobRecord:
        """Upload a video, which the server then analyses; see `analyze_video`."""
        return self._send(calls.create_job(path, **options))

    def job(self, job_id: str) -> JobRecord:
        """Return the state of a job."""
        return self._send(calls.job(job_id))

    def job_table(self, job_id: str) -> bytes:
        """Return the table of a finished job."""
        return self._send(calls.job_file(job_id, "table"))

    def job_summary(self, job_id: str) -> SessionRecord:
        """Return the summary of a finished job."""
        return self._send(calls.job_summary(job_id))

    def job_report(self, job_id: str) -> bytes:
        """Return the page of a finished job (HTML)."""
        return self._send(calls.job_file(job_id, "report"))

    def delete_job(self, job_id: str) -> None:
        """Delete a job and its results; a running one is stopped."""
        self._send(calls.delete_job(job_id))

    def analyze_video(
        self,
        path: str | os.PathLike[str],
        *,
        on_progress: OnProgress | None = None,
        **options: Unpack[ClipOptions],
    ) -> ClipResults:
        """Upload a video, wait for its results, and delete it on the server.

        Args:
            path: Path of the video.
            on_progress: Called with the state of the job until it is done.
            **options: Options of the analysis, see `ClipOptions`.

        Raises:
            EmolensError: See `analyze`, or the error that ended the job.
        """
        job = self.create_job(path, **options)
        try:
            return self._results(job, on_progress)
        finally:
            with contextlib.suppress(EmolensError):
                self.delete_job(job.id)

    def stream(
        self, *, min_confidence: float = 0.0
    ) -> contextlib.AbstractContextManager[sync_stream.Stream]:
        """Open a stream of frames for a `with` block. A lost connection is not opened again.

        Raises:
            AccessError: The server does not accept the key.
            BusyError: The server has too many streams.
            ServerError: The server cannot be reached.
        """
        return sync_stream.open_stream(self._endpoint, min_confidence)

    def _results(self, job: JobRecord, on_progress: OnProgress | None) -> ClipResults:
        for pause_s in pauses_s():
            if on_progress is not None:
                on_progress(job)
            if is_done(job, self._endpoint.address):
                break
            self._sleep(pause_s)
            job = self.job(job.id)
        report = self.job_report(job.id) if "report" in job.outputs else None
        return ClipResults(job, self.job_table(job.id), self.job_summary(job.id), report)

    def _send(self, call: Call[T]) -> T:
        n_failed = 0
        while True:
            try:
                return self._try(call)
            except EmolensError as error:
                n_failed += 1
                wait_s = self._retries.wait_s(n_failed, error, is_repeatable=call.is_repeatable)
                if wait_s is None:
                    raise
            self._sleep(wait_s)

    def _try(self, call: Call[T]) -> T:
        body = call.body.chunks() if isinstance(call.body, FileBody) else call.body
        address = self._endpoint.address
        try:
            answer = self._http.send(calls.build_request(call, self._http, body))
        except httpx.RequestError as error:
            raise error_of_transport(error, address) from error
        return calls.read_answer(call, answer, address)
