"""fer or deepface behind FastAPI and uvicorn, in its own environment: images in, faces out.

python peer_server.py PROGRAM --port 9000 --threads 2 --processes 1

`server_load.py` starts this script. Neither project has a server with more than one request at a
time per process, so this shell is the fastest one that is simple: models are loaded once per thread
and warmed up, images are decoded and analysed outside the event loop, and there are as many threads
or processes as processors. It checks and limits nothing. It does not need emolens.
"""

import argparse
import asyncio
import logging
import os
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, Final

import cv2
import numpy as np
import peer_worker
import uvicorn
from fastapi import FastAPI, Request

_PROGRAM: Final = "PEER_PROGRAM"
_THREADS: Final = "PEER_THREADS"


class Shell:
    """A program in several threads, each with models of its own."""

    def __init__(self, name: str, n_threads: int) -> None:
        self._name = name
        self._own = threading.local()
        self._loading = threading.Lock()
        self._loaded = threading.Barrier(n_threads)
        cv2.setNumThreads(1)
        self._pool = ThreadPoolExecutor(n_threads)
        for started in [self._pool.submit(self._load) for _ in range(n_threads)]:
            started.result()

    async def analyze(self, encoded: bytes) -> list[Any]:
        """Analyse an image file in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._analyze, encoded)

    def _load(self) -> None:
        # One after the other, but each thread takes one of the calls.
        try:
            with self._loading:
                _forget_shared_models()
                self._own.program = peer_worker.PROGRAMS[self._name](1)
                self._own.program.faces(np.full((480, 640, 3), 128, np.uint8))
        except BaseException:
            self._loaded.abort()
            raise
        self._loaded.wait()

    def _analyze(self, encoded: bytes) -> list[Any]:
        image = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR)
        # fer returns numbers of NumPy.
        return [[*map(float, box), label] for *box, label in self._own.program.faces(image)]


def _forget_shared_models() -> None:
    """Let the next instance of fer load its own network: TensorFlow Lite's must not be shared."""
    try:
        from fer.fer import FER
    except ImportError:
        return
    FER._tflite_interpreter_cache = None


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    logging.getLogger().setLevel(logging.WARNING)
    app.state.shell = Shell(os.environ[_PROGRAM], int(os.environ[_THREADS]))
    yield


app = FastAPI(lifespan=_lifespan)


@app.get("/readyz")
async def ready() -> dict[str, str]:
    """Answer once all models are loaded."""
    return {"status": "ready"}


@app.post("/v1/analyze")
async def analyze(request: Request) -> dict[str, Any]:
    """Answer the faces of an image."""
    shell: Shell = request.app.state.shell
    return {"faces": await shell.analyze(await request.body())}


def main() -> None:
    """Serve until a signal."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", choices=list(peer_worker.PROGRAMS))
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--threads", type=int, default=2, help="threads of each process")
    parser.add_argument("--processes", type=int, default=1)
    options = parser.parse_args()
    os.environ[_PROGRAM], os.environ[_THREADS] = options.program, str(options.threads)
    uvicorn.run(
        "peer_server:app",
        port=options.port,
        workers=options.processes,
        http="httptools",
        access_log=False,
        log_level="warning",
        app_dir=os.path.dirname(os.path.abspath(__file__)),  # noqa: PTH100, PTH120 (a string)
    )


if __name__ == "__main__":
    main()
