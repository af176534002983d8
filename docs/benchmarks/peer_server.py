"""fer or deepface behind FastAPI and uvicorn, in its own environment: images in, faces out.

python peer_server.py PROGRAM --ports 9000 --threads 2

`server_load.py` starts this script. Neither project has a server with more than one request at a
time per process, so this shell is the fastest one that is simple: models are loaded once per thread
and warmed up, images are decoded and analysed outside the event loop, and there are as many threads
or processes as processors. Each process has a port of its own, so that all get as many requests.
It checks and limits nothing, and does not need emolens.
"""

import argparse
import asyncio
import logging
import multiprocessing
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import cv2
import numpy as np
import peer_worker
import uvicorn
from fastapi import FastAPI, Request


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


app = FastAPI()


@app.get("/readyz")
async def ready() -> dict[str, str]:
    """Answer once all models are loaded."""
    return {"status": "ready"}


@app.post("/v1/analyze")
async def analyze(request: Request) -> dict[str, Any]:
    """Answer the faces of an image."""
    shell: Shell = request.app.state.shell
    return {"faces": await shell.analyze(await request.body())}


def serve(program: str, n_threads: int, port: int) -> None:
    """Load the models and serve until a signal."""
    logging.getLogger().setLevel(logging.WARNING)
    app.state.shell = Shell(program, n_threads)
    uvicorn.run(app, port=port, http="httptools", access_log=False, log_level="warning")


def main() -> None:
    """Start a process for each port but the first, and serve that one."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", choices=list(peer_worker.PROGRAMS))
    parser.add_argument("--ports", type=int, nargs="+", required=True)
    parser.add_argument("--threads", type=int, default=2, help="threads of each process")
    options = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    for port in options.ports[1:]:
        # Daemons end with this process.
        arguments = (options.program, options.threads, port)
        context.Process(target=serve, args=arguments, daemon=True).start()
    serve(options.program, options.threads, options.ports[0])


if __name__ == "__main__":
    main()
