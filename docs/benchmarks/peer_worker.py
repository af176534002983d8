"""One program of `peers.py` in its own environment: images and clips in, times and faces out.

`peers.py` starts this script. It reads one JSON object per line from standard input and replies
with one per line on standard output. It uses the call that each program's documentation shows
first, and the fastest one if there are several. The other programs do not need emolens.
"""

import json
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any, Protocol

Face = tuple[float, float, float, float, str | None]
"""Left, top, right and bottom in pixels, and the expression, None without a prediction."""


class Clock:
    """A sum of the wall time and the CPU time of all threads in its blocks."""

    def __init__(self) -> None:
        self.wall_s = self.cpu_s = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        """Add the time of the block."""
        wall_s, cpu_s = time.perf_counter(), time.process_time()
        yield
        self.wall_s += time.perf_counter() - wall_s
        self.cpu_s += time.process_time() - cpu_s


class Program(Protocol):
    """The interface of every program."""

    def image(self, path: str) -> list[Face]:
        """Read an image file, detect its faces and classify their expressions."""
        ...

    def clip(self, path: str, every: int, clock: Clock) -> list[int]:
        """Read a video file and return the number of faces in each analysed frame."""
        ...


class Emolens:
    """emolens through `ImageAnalyzer` and `Stream`, the class behind `emolens.stream`.

    Args:
        n_threads: Maximum number of threads per call.
        model: Name of the emotion model.
        in_every_frame: Detect faces in every frame of a clip instead of 10 times a second.
    """

    def __init__(
        self, n_threads: int, *, model: str = "default", in_every_frame: bool = False
    ) -> None:
        import emolens

        self._emolens = emolens
        self._n_threads = n_threads
        self._model = model
        self._hz = None if in_every_frame else 10.0
        self._analyzer = emolens.ImageAnalyzer.load(model=model, n_threads=n_threads)

    def image(self, path: str) -> list[Face]:
        """See `Program`."""
        found = self._analyzer.analyze(path).faces
        return [(*face.box.to_tuple(), face.label and face.label.label) for face in found]

    def clip(self, path: str, every: int, clock: Clock) -> list[int]:
        """See `Program`; a separate thread reads, so the clock runs throughout."""
        from emolens.media.clip import Clip
        from emolens.media.open_source import plan_source

        settings = self._emolens.StreamSettings(detect_hz=self._hz)
        analyzer = self._emolens.StreamAnalyzer.load(
            model=self._model, settings=settings, n_threads=self._n_threads
        )
        warm_up = plan_source(path, clip=Clip(end_s=0.5))
        plan = plan_source(path, clip=Clip(every=every))
        for _ in self._emolens.Stream(warm_up, analyzer, is_live=False):
            pass
        stream = self._emolens.Stream(plan, analyzer, is_live=False)
        with clock.running():
            return [len(result.faces) for result in stream]

    def live(self, path: str, clock: Clock, *, paced: bool) -> dict[str, float]:
        """Run the stages of `emolens live --source PATH`, including the image for its window.

        Args:
            path: A video file instead of a camera.
            clock: The clock for the time of the run.
            paced: Deliver frames in real time, like a camera, instead of at full speed.
        """
        from emolens.media import open_source
        from emolens.media.callback_sink import CallbackSink
        from emolens.pipeline.outputs import Outputs
        from emolens.pipeline.runner import StreamRunner
        from emolens.rendering.stream_overlay import StreamOverlay

        plan = open_source.plan_source(path)
        plan = open_source.paced(plan) if paced else plan
        analyzer = self._emolens.StreamAnalyzer.load(
            settings=self._emolens.StreamSettings.for_live(), n_threads=self._n_threads
        )
        analyzer.warm_up()
        shown = CallbackSink(lambda _frame, _result: None)
        with (
            Outputs(images=[shown], layers=[StreamOverlay()]) as outputs,
            StreamRunner(plan.open, analyzer.step, is_live=paced) as runner,
            clock.running(),
        ):
            for result in runner:
                outputs.write(result.frame, result)
        counts = runner.status.counts
        return {"processed": counts.processed, "dropped": counts.dropped}


class _ByFrame:
    """A program without a call for videos, or with one slower than frame by frame."""

    def faces(self, image: Any) -> list[Face]:
        """Detect and classify the faces of a uint8 (H, W, 3) BGR image."""
        raise NotImplementedError

    def clip(self, path: str, every: int, clock: Clock) -> list[int]:
        """See `Program`; skipped frames are read outside the clock."""
        import cv2

        video = cv2.VideoCapture(path)
        n_faces: list[int] = []
        number = 0
        while True:
            if number % every:
                image = None
                is_there = video.grab()
            else:
                with clock.running():
                    is_there, image = video.read()
                    if is_there:
                        n_faces.append(len(self.faces(image)))
            if not is_there:
                return n_faces
            number += 1


class Fer(_ByFrame):
    """`fer` as shown on its front page, with its default network (TensorFlow Lite).

    Its class for videos writes a copy and a table of every clip; the call for one image is faster.

    Args:
        mtcnn: Detect faces with MTCNN instead of OpenCV's cascade.
    """

    def __init__(self, *, mtcnn: bool) -> None:
        import cv2
        from fer.fer import FER

        self._read = cv2.imread
        self._program = FER(mtcnn=mtcnn)

    def image(self, path: str) -> list[Face]:
        """See `Program`."""
        return self.faces(self._read(path))

    def faces(self, image: Any) -> list[Face]:
        """See `_ByFrame`."""
        found = []
        for face in self._program.detect_emotions(image):
            x, y, width, height = map(float, face["box"])
            label = max(face["emotions"], key=face["emotions"].get)
            found.append((x, y, x + width, y + height, label))
        return found


class Deepface(_ByFrame):
    """`deepface` with its own detector.

    Args:
        naming: Classify expressions, which needs weights that deepface downloads.
    """

    def __init__(self, *, naming: bool) -> None:
        import numpy as np
        from deepface import DeepFace

        self._program = DeepFace
        self._naming = naming
        self.faces(np.zeros((64, 64, 3), np.uint8))

    def image(self, path: str) -> list[Face]:
        """See `Program`."""
        return self.faces(path)

    def faces(self, image: Any) -> list[Face]:
        """See `_ByFrame`; also accepts a path. Without a face, deepface returns confidence 0."""
        if self._naming:
            found = self._program.analyze(
                image, actions=["emotion"], enforce_detection=False, silent=True
            )
            rows = [(of["region"], of["face_confidence"], of["dominant_emotion"]) for of in found]
        else:
            found = self._program.extract_faces(image, enforce_detection=False)
            rows = [(of["facial_area"], of["confidence"], None) for of in found]
        return [
            (box["x"], box["y"], box["x"] + box["w"], box["y"] + box["h"], label)
            for box, confidence, label in rows
            if confidence > 0
        ]


PROGRAMS: dict[str, Callable[[int], Program]] = {
    "emolens": Emolens,
    "emolens, every frame": lambda n_threads: Emolens(n_threads, in_every_frame=True),
    "emolens, labels": lambda n_threads: Emolens(n_threads, model="labels"),
    "fer": lambda _n_threads: Fer(mtcnn=False),
    "fer, MTCNN": lambda _n_threads: Fer(mtcnn=True),
    "deepface": lambda _n_threads: Deepface(naming=True),
    "deepface, faces only": lambda _n_threads: Deepface(naming=False),
}
PACKAGES = (
    *("emolens", "fer", "deepface", "onnxruntime", "tensorflow", "torch", "facenet-pytorch"),
    *("opencv-python", "opencv-contrib-python", "opencv-contrib-python-headless", "numpy"),
)


def reply_to(program: Program, request: dict[str, Any]) -> dict[str, Any]:
    """Run the request of one line."""
    clock = Clock()
    match request["do"]:
        case "images":
            faces = []
            for path in request["paths"]:
                with clock.running():
                    faces.append(program.image(path))
            record: dict[str, Any] = {"faces": faces}
        case "clip":
            record = {"n_faces": program.clip(request["path"], request["every"], clock)}
        case "live":
            record = program.live(request["path"], clock, paced=request["paced"])
        case _:
            peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            return {"peak_mb": peak_kib * 1024 / 1e6, "versions": _versions()}
    return {**record, "wall_s": clock.wall_s, "cpu_s": clock.cpu_s}


def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except ModuleNotFoundError:
            continue
    return found


def main() -> None:
    """Load a program and reply line by line."""
    # Libraries print to standard output, so replies use a copy of it.
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    name, n_threads = sys.argv[1], int(sys.argv[2])
    try:
        program = PROGRAMS[name](n_threads)
        import cv2

        cv2.setNumThreads(n_threads)
        for line in sys.stdin:
            replies.write(json.dumps(reply_to(program, json.loads(line))) + "\n")
            replies.flush()
    except Exception as error:  # noqa: BLE001 (every error is reported)
        replies.write(json.dumps({"error": f"{type(error).__name__}: {error}"}) + "\n")
        replies.flush()


if __name__ == "__main__":
    main()
