"""A server that answers from memory, and both clients in front of it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from emolens.client import AsyncClient, Client
from emolens.contract.server import LimitsRecord
from emolens.core.emotion import LABELS

KEY: Final = "geheim-7f3a-not-shown-anywhere"
ADDRESS: Final = "https://faces.example"
Handler = Callable[[httpx.Request], httpx.Response]

LIMITS: Final[dict[str, float]] = dict.fromkeys(LimitsRecord.model_fields, 5000)
LIMITS["frame_bytes"] = 1000
FACE: Final[dict[str, Any]] = {
    "box": [10.0, 20.0, 60.0, 80.0],
    "detection_score": 0.9,
    "label": "happy",
    "top": "happy",
    "confidence": 0.94,
    "probabilities": {label: 0.94 if label == "happy" else 0.01 for label in LABELS},
    "assessable": True,
    "reasons": [],
}


def image_answer(path: str = "image") -> dict[str, Any]:
    """An `ImageRecord` with one face."""
    return {"path": path, "width": 100, "height": 90, "error": None, "faces": [FACE]}


def job_answer(state: str, **changes: Any) -> dict[str, Any]:
    """A `JobRecord`."""
    outputs = ["table", "summary", "report"] if state == "done" else []
    return {
        "id": "a1b2",
        "name": "clip.mp4",
        "state": state,
        "n_frames": 3,
        "n_expected": 9,
        "error": None,
        "warnings": [],
        "failures": [],
        "outputs": outputs,
        "expires_s": 3600.0,
        **changes,
    }


def error_answer(
    status: int, code: str, message: str = "no.", headers: dict[str, str] | None = None
) -> httpx.Response:
    """An `ErrorAnswer`."""
    content = {"error": {"code": code, "message": message}, "request_id": "r-1"}
    return httpx.Response(status, json=content, headers=headers)


@dataclass
class Both:
    """One of the clients, as if it were `Client`, and what it did.

    Attributes:
        is_async: Whether it is an `AsyncClient`, each method in an event loop of its own.
        handler: The server.
        options: Arguments of the client.
        requests: The requests that were sent.
        waits_s: The waits between attempts.
    """

    is_async: bool
    handler: Handler
    options: dict[str, Any]
    requests: list[httpx.Request] = field(default_factory=list)
    waits_s: list[float] = field(default_factory=list)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return lambda *arguments, **options: self._call(name, arguments, options)

    def _call(self, name: str, arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
        if self.is_async:
            return asyncio.run(self._await(name, arguments, options))

        def respond(request: httpx.Request) -> httpx.Response:
            request.read()
            return self._answer(request)

        transport = httpx.MockTransport(respond)
        with Client(transport=transport, sleep=self.waits_s.append, **self.options) as client:
            return getattr(client, name)(*arguments, **options)

    async def _await(self, name: str, arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
        async def sleep(seconds: float) -> None:
            self.waits_s.append(seconds)

        async def answer(request: httpx.Request) -> httpx.Response:
            await request.aread()
            return self._answer(request)

        transport = httpx.MockTransport(answer)
        async with AsyncClient(transport=transport, sleep=sleep, **self.options) as client:
            return await getattr(client, name)(*arguments, **options)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.handler(request)
        # A response can be sent once, and handlers may answer with the same one again.
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)
