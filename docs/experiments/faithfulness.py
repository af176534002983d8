"""Measure the faithfulness of activation maps, the positions of their cells and their cost.

    python docs/experiments/faithfulness.py fer2013/public-test.parquet --json docs/metrics/faithfulness.json

On random PublicTest faces with a fixed seed, for the predicted class: deletion and insertion by the
map and by other pixel orders, rank agreement with maps of randomised weights, and the milliseconds
that a map adds to a classification. The cascade of the sanity check needs the extra `train`.
"""  # noqa: E501 (commands stay on one line)

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from rich.progress import track

from emolens.core.emotion import Emotion
from emolens.datasets.faces import Split
from emolens.datasets.loading import load_faces
from emolens.explanation import ActivationExplainer, ActivationMaps
from emolens.explanation.faithfulness import (
    Order,
    RemovalScores,
    order_by,
    rank_agreement,
    removal_scores,
)
from emolens.explanation.placement import even_centers, resize_maps
from emolens.runtime.catalogue import find_model
from emolens.training.checkpoint import load_checkpoint
from emolens.training.gradcam import GradCamExplainer
from emolens.training.randomize import randomized_model, randomized_network

Face = npt.NDArray[np.uint8]
Results = dict[str, object]
SEED = 0
N_WARM = 10
PARTS = "models (removal, rank agreement, time) and cascade; omitted parts stay in the file"


def orders_of(
    explainer: ActivationExplainer, face: Face, rng: np.random.Generator
) -> tuple[Emotion, dict[str, Order]]:
    """Return the predicted class of a face and the orders in which its pixels are exchanged."""
    size_px = len(face)
    (explained,) = explainer.explain([face])
    emotion = explained.scores.top
    cells = explained.maps[emotion.index]
    shuffled = rng.permutation(cells.ravel()).reshape(cells.shape)
    evenly = even_centers(len(cells))
    away = (np.arange(size_px) + 0.5 - size_px / 2) ** 2
    return emotion, {
        "map": order_by(explained.evidence(size_px)[emotion.index]),
        "map, cells as equal parts": order_by(resize_maps(cells, evenly, size_px)),
        "middle of the face first": order_by(-np.add.outer(away, away).astype(np.float32)),
        "map, cells shuffled": order_by(resize_maps(shuffled, explained.centers, size_px)),
        "random pixels": rng.permutation(face.size),
    }


def removal(explainer: ActivationExplainer, faces: Sequence[Face]) -> Results:
    """Measure deletion and insertion by every order, and the gains of the map."""
    rng = np.random.default_rng(SEED)
    scores: dict[str, list[RemovalScores]] = {}
    for face in track(faces, description="removal", transient=True):
        emotion, orders = orders_of(explainer, face, rng)
        for name, order in orders.items():
            scores.setdefault(name, []).append(removal_scores(explainer, face, emotion, order))
    by_map = scores["map"]
    results: Results = {}
    for name, of_order in scores.items():
        deletion = np.array([score.deletion for score in of_order])
        insertion = np.array([score.insertion for score in of_order])
        record = {"deletion": float(deletion.mean()), "insertion": float(insertion.mean())}
        if name != "map":
            gains = (
                ("deletion", deletion - [score.deletion for score in by_map]),
                ("insertion", np.array([score.insertion for score in by_map]) - insertion),
            )
            for what, gain in gains:
                record[f"{what}_gain_of_map"] = float(gain.mean())
                record[f"{what}_gain_standard_error"] = float(gain.std(ddof=1) / len(gain) ** 0.5)
                record[f"{what}_share_map_better"] = float((gain > 0).mean())
        results[name] = record
    return results


def agreement(first: Sequence[ActivationMaps], second: Sequence[ActivationMaps]) -> Results:
    """Average the rank correlation over faces and classes, and for the class of the first."""
    pairs = zip(first, second, strict=True)
    together = np.array([rank_agreement(one, other) for one, other in pairs])
    of_top = together[np.arange(len(first)), [of_face.scores.top for of_face in first]]
    return {
        "mean": float(together.mean()),
        "mean_absolute": float(np.abs(together).mean()),
        "top_class": float(of_top.mean()),
    }


def sanity(name: str, faces: Sequence[Face], n_seeds: int) -> Results:
    """Compare a shipped model with its shuffled weights and with another model."""
    maps = ActivationExplainer.load(name).explain(faces)
    content = find_model(name, "emotion").read()
    randomised = []
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(n_seeds):
            path = Path(folder) / f"{seed}.onnx"
            path.write_bytes(randomized_model(content, seed=seed))
            randomised.append(agreement(maps, ActivationExplainer.load(path).explain(faces)))
    other = "everyday" if name != "everyday" else "labels"
    of_other = agreement(maps, ActivationExplainer.load(other).explain(faces))
    return {"randomised": randomised, "another_trained_model": {"name": other, **of_other}}


def cascade(path: Path, faces: Sequence[Face], n_seeds: int) -> Results:
    """Compare a network with itself as its stages are reinitialised, the last first."""
    loaded = load_checkpoint(path)
    network = loaded.networks[-1]
    maps = GradCamExplainer([network]).explain(faces)
    stages = []
    for n_stages in track(range(1, network.n_stages + 2), description="cascade", transient=True):
        for seed in range(n_seeds):
            fresh = randomized_network(network, loaded.recipe, seed=seed, n_stages=n_stages)
            of_fresh = agreement(maps, GradCamExplainer([fresh]).explain(faces))
            stages.append({"n_stages": n_stages, "seed": seed, **of_fresh})
    return {"checkpoint": path.name, "stages": stages}


def added_ms(explainer: ActivationExplainer, faces: Sequence[Face]) -> Results:
    """Measure the milliseconds that a map adds to classification, per face, in alternating order.

    The wall-clock time and the CPU time of this thread are reported; other load hardly affects the
    latter. A map comprises the maps of all classes and the heat map of the predicted class at the
    size of the face.
    """
    size_px = explainer.input_spec.size_px

    def explain(face: Face) -> None:
        (explained,) = explainer.explain([face])
        explained.heat_map(explained.scores.top, size_px)

    def classify(face: Face) -> None:
        explainer.classify([face])

    results: Results = {}
    for clock_name, clock in (("wall", time.perf_counter), ("cpu", time.thread_time)):
        differences, classified = [], []
        for index, face in enumerate(faces):
            tasks = (classify, explain) if index % 2 else (explain, classify)
            taken = {task.__name__: _timed_ms(clock, task, face) for task in tasks}
            if index >= N_WARM:
                differences.append(taken["explain"] - taken["classify"])
                classified.append(taken["classify"])
        p5, median, p95 = np.percentile(differences, [5, 50, 95])
        results[clock_name] = {
            "classification_median_ms": float(np.median(classified)),
            "added_p5_ms": float(p5),
            "added_median_ms": float(median),
            "added_p95_ms": float(p95),
        }
    return results


def _timed_ms(clock: Callable[[], float], task: Callable[[Face], None], face: Face) -> float:
    started_s = clock()
    task(face)
    return 1e3 * (clock() - started_s)


def of_model(name: str, faces: Sequence[Face], n_seeds: int) -> Results:
    """Run all measurements of one shipped model, on one thread."""
    explainer = ActivationExplainer.load(name, n_threads=1)
    size_px = explainer.input_spec.size_px
    return {
        "cell_centers_px": [center * size_px for center in explainer.centers],
        "time": added_ms(explainer, faces),
        "removal": removal(explainer, faces),
        "rank_agreement": sanity(name, faces, n_seeds),
    }


def main() -> None:
    """Measure, print and write the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--models", nargs="+", default=["labels"])
    parser.add_argument("--checkpoint", type=Path, default=Path("checkpoints/teacher-3.ckpt"))
    parser.add_argument("--faces", type=int, default=200)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--parts", nargs="+", default=["models", "cascade"], help=PARTS)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()

    data = load_faces(options.data, Split.VALIDATION)
    n_faces = min(options.faces, len(data))
    chosen = np.random.default_rng(SEED).choice(len(data), n_faces, replace=False)
    faces = [data.images[index] for index in chosen]
    record: Results = {}
    if options.json and options.json.exists() and options.parts != ["models", "cascade"]:
        record = json.loads(options.json.read_text(encoding="utf-8"))
    record |= {"n": n_faces, "seed": SEED, "data_sha256": data.sha256}
    if "models" in options.parts:
        record["models"] = {name: of_model(name, faces, options.seeds) for name in options.models}
    if "cascade" in options.parts:
        record["cascade"] = cascade(options.checkpoint, faces, options.seeds)
    print(json.dumps(record, indent=1))
    if options.json:
        options.json.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
