"""Compare threads that classify alone with threads whose faces are classified in batches.

python docs/experiments/micro_batching.py --json docs/metrics/micro-batching.json

Threads analyse images as the workers of `emolens serve` do. Callers ask for the next image when the
last one is done. With batches, threads hand their faces to a common queue; one thread takes up to
eight, waits at most 5 ms for more (not at all if no other image is being analysed), classifies them
in one call and gives the results back. Variants alternate in short rounds, so other load on the
device affects all of them; the tables have medians of the rounds.
"""

import argparse
import contextlib
import json
import os
import platform
import queue
import statistics
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np

from emolens.core.emotion import EmotionScores
from emolens.core.ports import EmotionClassifier, InputSpec
from emolens.pipeline.analyzer import ImageAnalyzer
from emolens.pipeline.models import Models
from emolens.testing import crowd_clip

_MOST: Final = 8
_WAIT_S: Final = 0.005
_SIZE_WH: Final = (640, 480)
_RUNS: Final = 30


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to analyse.

    Attributes:
        callers: Images that are asked for at the same time.
        faces: Faces in each image.
        workers: Threads that analyse.
        is_batched: Whether faces of several images are classified together.
        threads: Threads of each call of a model.
        cv_threads: Threads of OpenCV; 0 for its default.
    """

    callers: int
    faces: int = 1
    workers: int = 2
    is_batched: bool = False
    threads: int = 1
    cv_threads: int = 0


BATCHES: Final = tuple(
    Variant(callers, faces, workers, is_batched)
    for faces in (1, 4)
    for callers in (1, 2, 4, 8, 32)
    for workers in (2, 8)
    for is_batched in (False, True)
    if workers <= max(2, callers)
)
THREADS: Final = tuple(
    Variant(8, workers=workers, threads=threads, cv_threads=cv_threads)
    for threads, workers in ((1, 1), (1, 2), (1, 3), (1, 4), (2, 1), (2, 2))
    for cv_threads in (0, 1)
)


@dataclass(slots=True, eq=False)
class _Asked:
    """Faces that wait for their scores."""

    crops: Sequence[Any]
    scores: "Future[list[EmotionScores]]" = field(default_factory=Future)


class BatchingClassifier:
    """A classifier that collects the faces of several threads for one call.

    Args:
        classifier: The classifier that it calls.
    """

    def __init__(self, classifier: EmotionClassifier) -> None:
        self._classifier = classifier
        self._asked: queue.SimpleQueue[_Asked | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._n_running = 0
        self.n_calls = self.n_faces = 0
        self._thread = threading.Thread(target=self._work)
        self._thread.start()

    @property
    def input_spec(self) -> InputSpec:
        """See `EmotionClassifier`."""
        return self._classifier.input_spec

    def classify(self, crops: Sequence[Any]) -> list[EmotionScores]:
        """See `EmotionClassifier`; waits for the batch."""
        asked = _Asked(crops)
        self._asked.put(asked)
        return asked.scores.result()

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Count an image that is analysed in the block and may bring more faces."""
        with self._lock:
            self._n_running += 1
        try:
            yield
        finally:
            with self._lock:
                self._n_running -= 1

    def stop(self) -> None:
        """Stop the thread."""
        self._asked.put(None)
        self._thread.join()

    def _work(self) -> None:
        while (first := self._asked.get()) is not None:
            batch = self._collect(first)
            crops = [crop for asked in batch for crop in asked.crops]
            scores = self._classifier.classify(crops)
            self.n_calls += 1
            self.n_faces += len(crops)
            start = 0
            for asked in batch:
                asked.scores.set_result(scores[start : start + len(asked.crops)])
                start += len(asked.crops)

    def _collect(self, first: _Asked) -> list[_Asked]:
        batch, ends_s = [first], time.perf_counter() + _WAIT_S
        while sum(len(asked.crops) for asked in batch) < _MOST and len(batch) < self._n_running:
            try:
                asked = self._asked.get(timeout=max(0.0, ends_s - time.perf_counter()))
            except queue.Empty:
                break
            if asked is None:
                self._asked.put(None)
                break
            batch.append(asked)
        return batch


class Bench:
    """Models for each number of threads, and images for each number of faces."""

    def __init__(self) -> None:
        self._models = {threads: Models(n_threads=threads) for threads in (1, 2)}
        self._cv_threads = cv2.getNumThreads()
        self._images = {
            faces: cv2.imencode(".jpg", crowd_clip(faces, size_wh=_SIZE_WH).draw(0.0))[1].tobytes()
            for faces in (1, 4)
        }

    def run(self, variant: Variant, seconds: float) -> dict[str, float]:
        """Analyse with a variant for some time."""
        models = self._models[variant.threads]
        batching = BatchingClassifier(models.classifier) if variant.is_batched else None
        analyzer = ImageAnalyzer(models.detector(sideways=True), batching or models.classifier)
        cv2.setNumThreads(variant.cv_threads or self._cv_threads)
        try:
            found = self._ask(variant, analyzer, batching, seconds)
        finally:
            if batching:
                batching.stop()
        per_call = batching.n_faces / batching.n_calls if batching else float(variant.faces)
        return found | {"faces_per_call": per_call}

    def _ask(
        self,
        variant: Variant,
        analyzer: ImageAnalyzer,
        batching: BatchingClassifier | None,
        seconds: float,
    ) -> dict[str, float]:
        encoded = self._images[variant.faces]
        pending: queue.SimpleQueue[float | None] = queue.SimpleQueue()
        is_over = threading.Event()
        times_s: list[float] = []

        def work() -> None:
            while not is_over.is_set() and (asked_s := pending.get()) is not None:
                with batching.running() if batching else contextlib.nullcontext():
                    analyzer.analyze(encoded)
                now_s = time.perf_counter()
                times_s.append(now_s - asked_s)
                pending.put(now_s)  # the caller asks for the next image

        began_s, cpu_s = time.perf_counter(), time.process_time()
        for _ in range(variant.callers):
            pending.put(began_s)
        workers = [threading.Thread(target=work) for _ in range(variant.workers)]
        for worker in workers:
            worker.start()
        time.sleep(seconds)
        is_over.set()
        for _ in workers:
            pending.put(None)
        for worker in workers:
            worker.join()
        wall_s, used_s = time.perf_counter() - began_s, time.process_time() - cpu_s
        return {
            "images_per_s": len(times_s) / wall_s,
            "p95_ms": 1e3 * float(np.percentile(times_s, 95)),
            "cpu_ms": 1e3 * used_s / len(times_s),
        }

    def batch_ms(self) -> dict[str, float]:
        """Return the milliseconds per face of calls with one to eight faces, on one thread."""
        models = self._models[1]
        image = cv2.imdecode(np.frombuffer(self._images[1], np.uint8), cv2.IMREAD_COLOR)
        crop = models.image_analyzer().frame_faces(image)[0].crop
        found = {}
        for n_faces in (1, 2, 4, 8):
            times_s = []
            for _ in range(_RUNS):
                began_s = time.thread_time()
                models.classifier.classify([crop] * n_faces)
                times_s.append(time.thread_time() - began_s)
            found[str(n_faces)] = 1e3 * statistics.median(times_s) / n_faces
        return found


def measure(bench: Bench, variants: Sequence[Variant], rounds: int, seconds: float) -> list[Any]:
    """Run all variants in turn, several times, and return the medians."""
    runs: dict[Variant, list[dict[str, float]]] = {variant: [] for variant in variants}
    for number in range(rounds):
        print(f"round {number + 1} of {rounds}", file=sys.stderr)
        for variant in variants:
            runs[variant].append(bench.run(variant, seconds))
    return [
        asdict(variant) | {key: statistics.median(one[key] for one in found) for key in found[0]}
        for variant, found in runs.items()
    ]


def rows(found: Sequence[dict[str, Any]]) -> list[str]:
    """Return a table in Markdown."""
    lines = [
        "| faces | callers | workers | threads | OpenCV | batches | images/s | p95, ms | CPU, ms | "
        "faces per call |",
        "|---" * 10 + "|",
    ]
    lines += [
        f"| {of['faces']} | {of['callers']} | {of['workers']} | {of['threads']} | "
        f"{of['cv_threads'] or 'default'} | {'yes' if of['is_batched'] else 'no'} | "
        f"{of['images_per_s']:.1f} | {of['p95_ms']:.0f} | {of['cpu_ms']:.1f} | "
        f"{of['faces_per_call']:.1f} |"
        for of in found
    ]
    return lines


def main() -> None:
    """Print the tables and write the results to a file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2.0, help="length of a round")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    bench = Bench()
    results = {
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "date": date.today().isoformat(),
        "rounds": options.rounds,
        "seconds": options.seconds,
        "batch_ms_per_face": bench.batch_ms(),
        "batches": measure(bench, BATCHES, options.rounds, options.seconds),
        "threads": measure(bench, THREADS, options.rounds, options.seconds),
    }
    print(json.dumps(results["batch_ms_per_face"]))
    print("\n".join(rows(results["batches"]) + rows(results["threads"])))
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
