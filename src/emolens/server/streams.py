"""The WebSocket of live streams: frames in, results out."""

import asyncio
import contextlib
import math
import struct
import time
from collections import deque
from dataclasses import dataclass, replace
from typing import Final

from fastapi import APIRouter
from pydantic import ValidationError
from starlette.websockets import WebSocket, WebSocketDisconnect

from emolens.contract import frame_record
from emolens.contract.server import (
    StreamError,
    StreamReady,
    StreamResult,
    StreamStart,
)
from emolens.core.errors import (
    AccessError,
    BusyError,
    EmolensError,
    InputError,
    RequestTimeoutError,
    UnsupportedFormatError,
)
from emolens.core.frame import Frame, FrameResult
from emolens.imaging.decode import decode_image
from emolens.imaging.kinds import HEAD_BYTES, kind_by_content
from emolens.jobs.images import explaining_errors
from emolens.pipeline.stream import StreamAnalyzer
from emolens.pipeline.stream_settings import StreamSettings
from emolens.server.errors import log_unexpected, record_of
from emolens.server.services import Services, services_of
from emolens.server.workers import Lane

FRAME_FORMATS: Final = ("JPEG", "PNG", "WebP")
"""Formats of frames: those that browsers and OpenCV encode."""
_CAPTURED: Final = struct.Struct(">d")
# Close codes of RFC 6455 and of the IANA registry of WebSockets.
_NORMAL, _GOING_AWAY, _WRONG_TYPE, _POLICY = 1000, 1001, 1003, 1008
_RESTART, _BUSY, _FAILED = 1012, 1013, 1011

router = APIRouter()


@dataclass(frozen=True, slots=True, eq=False)
class _Received:
    """A frame as it arrived.

    Attributes:
        index: Number of the frame on its stream, from 0.
        captured_s: Capture time of the client.
        encoded: The image file.
        arrived_s: Time of arrival in seconds.
    """

    index: int
    captured_s: float
    encoded: bytes
    arrived_s: float


class _EndedError(Exception):
    """The stream ends: a close code and the cause for the client."""

    def __init__(self, code: int, cause: EmolensError | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.cause = cause


@router.websocket("/v1/stream")
async def stream(websocket: WebSocket) -> None:
    """Analyse the frames of a live stream."""
    services = services_of(websocket)
    services.streams.check_free()  # answered with 503 instead of the handshake
    await websocket.accept()
    await _Stream(websocket, services).run()


class _Stream:
    """One stream: the newest frame waits while one is analysed, and older ones are dropped."""

    def __init__(self, websocket: WebSocket, services: Services) -> None:
        self._websocket = websocket
        self._services = services
        self._limits = services.limits
        self._waiting: _Received | None = None
        self._has_frame = asyncio.Event()
        self._drops: deque[float] = deque()
        self._first_captured_s: float | None = None
        self._n_received = self._n_dropped = self._n_dropped_told = 0

    async def run(self) -> None:
        """Handle the whole stream and close it."""
        try:
            start = await self._receive_start()
            with self._services.streams.opened():
                self._services.metrics.streams.inc()
                try:
                    await self._exchange(start)
                finally:
                    self._services.metrics.streams.dec()
        except _EndedError as ended:
            await self._close(ended.code, ended.cause)
        except BusyError as error:
            await self._close(_BUSY, error)
        except WebSocketDisconnect:
            pass
        except Exception:
            # The client learns that the server failed; the guard logs the cause.
            await self._close(_FAILED, EmolensError())
            raise

    async def _exchange(self, start: StreamStart) -> None:
        settings = replace(StreamSettings.for_live(), min_confidence=start.min_confidence)
        analyzer = await self._services.workers.run(
            Lane.FRAMES, lambda: self._services.models.stream_analyzer(settings=settings)
        )
        await self._send(StreamReady(type="ready", limits=self._limits.record()))
        tasks = [
            asyncio.ensure_future(self._receive_frames()),
            asyncio.ensure_future(self._answer_frames(analyzer)),
            asyncio.ensure_future(self._services.streams.is_stopping.wait()),
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            receiving, answering, stopping = tasks
            if stopping.done() and not answering.done():
                # The frame in flight is still answered.
                self._drop_waiting()
                receiving.cancel()
                self._has_frame.set()
                await answering
                raise _EndedError(_RESTART)
            for task in (answering, receiving):
                if task.done():
                    task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._drop_waiting()

    async def _receive_start(self) -> StreamStart:
        message = await self._receive(self._limits.head_s, code=_POLICY)
        text = message.get("text")
        if not isinstance(text, str):
            raise _EndedError(_POLICY, InputError("the first message must be the text of `start`"))
        try:
            start = StreamStart.model_validate_json(text)
        except ValidationError as error:
            detail = error.errors(include_input=False, include_url=False)[0]
            place = ".".join(map(str, detail["loc"])) or "message"
            cause = InputError(f"the first message is not `start`: {place}: {detail['msg']}")
            raise _EndedError(_POLICY, cause) from error
        access = self._services.access
        if access.needs_key and self._websocket.state.client is None:
            try:
                self._websocket.state.client = access.redeem_ticket(start.ticket or "")
            except AccessError as error:
                raise _EndedError(_POLICY, error) from error
        return start

    async def _receive_frames(self) -> None:
        metrics = self._services.metrics
        while True:
            message = await self._receive(self._limits.idle_s, code=_GOING_AWAY)
            data = message.get("bytes")
            if data is None:
                cause = InputError("only binary messages with frames are allowed after `start`")
                raise _EndedError(_WRONG_TYPE, cause)
            self._drop_waiting()
            self._check_rate()
            metrics.frames_received.inc()
            metrics.frames_in_flight.inc()
            self._waiting = _received(self._n_received, data)
            self._n_received += 1
            self._has_frame.set()

    async def _receive(self, timeout_s: float, *, code: int) -> dict[str, object]:
        """Receive a message, or end the stream with a close code after some time without one."""
        try:
            message = await asyncio.wait_for(self._websocket.receive(), timeout_s)
        except TimeoutError:
            cause = RequestTimeoutError(f"no message for {timeout_s:g} s")
            raise _EndedError(code, cause) from None
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(int(message.get("code") or _NORMAL))
        return dict(message)

    def _check_rate(self) -> None:
        """End a stream that sends much faster than it is answered."""
        now_s = time.monotonic()
        while self._drops and self._drops[0] < now_s - 1.0:
            self._drops.popleft()
        if len(self._drops) > self._limits.dropped_per_s:
            cause = InputError(
                f"more than {self._limits.dropped_per_s} frames were dropped in one second. Wait "
                "for each result before sending the next frame."
            )
            raise _EndedError(_POLICY, cause)

    async def _answer_frames(self, analyzer: StreamAnalyzer) -> None:
        """Analyse the newest frame again and again, until the server stops."""
        metrics = self._services.metrics
        while not self._services.streams.is_stopping.is_set():
            await self._has_frame.wait()
            self._has_frame.clear()
            received, self._waiting = self._waiting, None
            if received is None:
                continue
            outcome = metrics.frames_dropped  # unless it is analysed
            try:
                answer = await self._answer(analyzer, received)
                is_result = isinstance(answer, StreamResult)
                outcome = metrics.frames_processed if is_result else metrics.frames_unreadable
            finally:
                metrics.frames_in_flight.dec()
                outcome.inc()
            await self._send(answer)

    async def _answer(
        self, analyzer: StreamAnalyzer, received: _Received
    ) -> StreamResult | StreamError:
        n_dropped, n_before = self._n_dropped, self._n_dropped - self._n_dropped_told
        try:
            result = await self._services.workers.run(
                Lane.FRAMES, lambda: self._analyze(analyzer, received, n_before)
            )
        except EmolensError as error:
            log_unexpected(error, self._websocket.state.request_id)
            captured_s = received.captured_s if math.isfinite(received.captured_s) else None
            return StreamError(type="error", captured_s=captured_s, error=record_of(error))
        self._n_dropped_told = n_dropped
        seconds = time.perf_counter() - received.arrived_s
        self._services.metrics.frame_seconds.observe(seconds)
        self._services.metrics.faces.inc(len(result.faces))
        return StreamResult(
            type="result",
            captured_s=received.captured_s,
            processing_ms=1e3 * seconds,
            n_received=self._n_received,
            n_dropped=n_dropped,
            result=frame_record(result),
        )

    def _analyze(self, analyzer: StreamAnalyzer, received: _Received, n_before: int) -> FrameResult:
        """Decode and analyse a frame, in a worker.

        Raises:
            EmolensError: It cannot be read or analysed.
        """
        if not math.isfinite(received.captured_s):
            raise InputError(
                "a message must be 8 bytes with the capture time, a finite big-endian float64 in "
                "seconds, and then an image"
            )
        kind = kind_by_content(received.encoded[:HEAD_BYTES])
        if kind is None or kind.name not in FRAME_FORMATS:
            found = "no image" if kind is None else kind.name
            raise UnsupportedFormatError(
                f"the frame is {found}; allowed: {', '.join(FRAME_FORMATS)}"
            )
        with explaining_errors():
            return self._step(analyzer, received, n_before)

    def _step(self, analyzer: StreamAnalyzer, received: _Received, n_before: int) -> FrameResult:
        decoded = decode_image(received.encoded, max_pixels=self._limits.frame_pixels)
        if self._first_captured_s is None:
            self._first_captured_s = received.captured_s
        frame = Frame(
            decoded.image,
            index=received.index,
            media_time_s=received.captured_s - self._first_captured_s,
            captured_at_s=received.arrived_s,
        )
        return analyzer.step(frame, dropped_before=n_before)

    def _drop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting = None
            self._n_dropped += 1
            self._drops.append(time.monotonic())
            self._services.metrics.frames_in_flight.dec()
            self._services.metrics.frames_dropped.inc()

    async def _send(self, answer: StreamReady | StreamResult | StreamError) -> None:
        """Send a message; a client that does not read it is cut off (`server.connections`)."""
        await self._websocket.send_text(answer.model_dump_json(exclude_unset=True))

    async def _close(self, code: int, cause: EmolensError | None) -> None:
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            if cause is not None:
                await self._send(StreamError(type="error", error=record_of(cause)))
            await self._websocket.close(code)


def _received(index: int, data: object) -> _Received:
    """Split a message into capture time and image; a message without a time gets NaN."""
    message = data if isinstance(data, bytes) else b""
    has_time = len(message) >= _CAPTURED.size
    captured_s = _CAPTURED.unpack_from(message)[0] if has_time else math.nan
    return _Received(index, captured_s, message[_CAPTURED.size :], time.perf_counter())
