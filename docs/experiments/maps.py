"""Measure whether maps point to the parts of a face that decide.

    python docs/experiments/maps.py fer2013 --candidates everyday   # even rows: which map to build
    python docs/experiments/maps.py fer2013 --models everyday       # odd rows: what is published

Both write to docs/metrics/maps.json. Faces are those of PublicTest that a model classifies clearly
(probability of at least 80 %, and the label's class), the same number per class where there are
enough. Thirds (upper, middle, lower) and ninths of a face are removed in three ways: by its mean
grey, by a blur, by inpainting. The decisive third lowers the probability of the class most, by at
least 10 points. A map is judged only by removals that it was not made with.
"""

import argparse
import json
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from rich.progress import track
from scipy import stats

from emolens.classification import OnnxEmotionClassifier
from emolens.core.emotion import LABELS, N_EMOTIONS, Emotion
from emolens.core.ports import EmotionClassifier
from emolens.datasets.faces import Split
from emolens.datasets.loading import load_faces
from emolens.explanation import ActivationExplainer, OcclusionExplainer
from emolens.explanation.faithfulness import order_by, removal_scores
from emolens.explanation.maps import FaceExplainer
from emolens.imaging.crop import resize_gray_square

Face = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]
Results = dict[str, object]
OUT = Path(__file__).parents[1] / "metrics/maps.json"
SEED = 0
MIN_PROBABILITY = 0.8
MIN_DROP = 0.1
REMOVALS = ("grey", "blur", "inpainting")
N_BOOTSTRAPS = 2000
# (places per side, height and width of the patch): the maps that are compared before one is built.
GRIDS = (
    (6, 1 / 3, 2 / 3),
    (6, 1 / 3, 1 / 2),
    (6, 1 / 3, 1 / 3),
    (6, 1 / 2, 1 / 2),
    (8, 1 / 4, 1 / 4),
)


def remove(face: Face, mask: npt.NDArray[np.bool_], how: str) -> Face:
    """Remove the pixels of a mask from a uint8 (S, S) face."""
    if how == "inpainting":
        return np.asarray(cv2.inpaint(face, mask.astype(np.uint8), 3, cv2.INPAINT_TELEA), np.uint8)
    blurred = cv2.GaussianBlur(face, (0, 0), len(face) / 8)
    filling = blurred if how == "blur" else np.full_like(face, round(float(face.mean())))
    return np.where(mask, filling, face).astype(np.uint8)


def regions(size_px: int) -> list[npt.NDArray[np.bool_]]:
    """Return the masks of three thirds, then of nine ninths, from the upper left."""
    spans = list(pairwise(np.linspace(0, size_px, 4).round().astype(int).tolist()))
    rows = [_rectangle(size_px, down, (0, size_px)) for down in spans]
    return rows + [_rectangle(size_px, down, across) for down in spans for across in spans]


def patches(
    size_px: int, n_places: int, height: float, width: float
) -> list[npt.NDArray[np.bool_]]:
    """Return the masks of patches at the places of a grid, cut off at the edges."""
    centers = ((np.arange(n_places) + 0.5) / n_places).tolist()
    downs, acrosses = (
        [
            (max(round((c - side / 2) * size_px), 0), min(round((c + side / 2) * size_px), size_px))
            for c in centers
        ]
        for side in (height, width)
    )
    return [_rectangle(size_px, down, across) for down in downs for across in acrosses]


def _rectangle(
    size_px: int, down: tuple[int, int], across: tuple[int, int]
) -> npt.NDArray[np.bool_]:
    mask = np.zeros((size_px, size_px), bool)
    mask[slice(*down), slice(*across)] = True
    return mask


class ClearFaces:
    """The faces that a classifier classifies clearly, and the drops when parts are removed.

    Args:
        classifier: The classifier.
        images: uint8 (N, 48, 48).
        labels: int64 (N,).
        parity: 0 for even rows, 1 for odd ones.
        n_per_class: Maximum number of faces per class.
    """

    def __init__(
        self,
        classifier: EmotionClassifier,
        images: npt.NDArray[np.uint8],
        labels: npt.NDArray[np.int64],
        *,
        parity: int,
        n_per_class: int,
    ) -> None:
        size_px = classifier.input_spec.size_px
        rows = np.arange(parity, len(labels), 2)
        faces = [resize_gray_square(images[row], size_px) for row in rows]
        probabilities = _probabilities(classifier, faces)
        top = probabilities.argmax(axis=1)
        is_clear = (top == labels[rows]) & (probabilities.max(axis=1) >= MIN_PROBABILITY)
        rng = np.random.default_rng(SEED)
        chosen = [
            int(row)
            for index in range(N_EMOTIONS)
            for row in rng.permutation(np.flatnonzero(is_clear & (top == index)))[:n_per_class]
        ]
        self.classifier = classifier
        self.faces = [faces[row] for row in chosen]
        self.classes = top[chosen]
        self.before = probabilities[chosen, self.classes].astype(np.float64)
        masks = regions(size_px)
        self.removed = {how: self.drops(masks, how) for how in REMOVALS}

    def drops(self, masks: Sequence[npt.NDArray[np.bool_]], how: str) -> Floats:
        """Return the drops of the probability when masks are removed: float64 (N, masks)."""
        drops = []
        numbered = list(zip(self.faces, self.classes, self.before, strict=True))
        for face, index, before in track(numbered, description=how, transient=True):
            covered = [remove(face, mask, how) for mask in masks]
            drops.append(before - _probabilities(self.classifier, covered)[:, index])
        return np.array(drops)

    def judge(self, maps: Sequence[npt.NDArray[np.float32]], by: Sequence[str]) -> Results:
        """Compare maps (S, S) of the class of each face with the effect of removing parts."""
        drops = np.mean([self.removed[how] for how in by], axis=0)
        thirds, ninths = drops[:, :3], drops[:, 3:]
        masks = regions(maps[0].shape[0])
        mass = np.array([[float(one[mask].sum()) for mask in masks] for one in maps])
        is_decisive = thirds.max(axis=1) >= MIN_DROP
        is_hit = (mass[:, :3].argmax(axis=1) == thirds.argmax(axis=1)) & (mass.max(axis=1) > 0)
        ranks = [_spearman(one, other) for one, other in zip(mass[:, 3:], ninths, strict=True)]
        kept = self.classes[is_decisive]
        constants = [
            _balanced((thirds.argmax(axis=1) == third)[is_decisive], kept) for third in range(3)
        ]
        return {
            "n": int(is_decisive.sum()),
            "n_without_decisive_third": int((~is_decisive).sum()),
            "share": _balanced(is_hit[is_decisive], kept),
            "ci95": _interval(is_hit[is_decisive], kept),
            "constant": max(constants),
            "rank_correlation": _balanced(np.array(ranks), self.classes),
            "per_class": {
                LABELS[index]: {
                    "n": int((kept == index).sum()),
                    "share": float(is_hit[is_decisive][kept == index].mean()),
                }
                for index in sorted(set(kept.tolist()))
            },
        }

    def by_strength(self, peaks: Floats, maps: Sequence[npt.NDArray[np.float32]]) -> Results:
        """Judge maps by their largest drop: is the place right where the drop is small?"""
        thirds = np.mean([self.removed[how] for how in ("grey", "inpainting")], axis=0)[:, :3]
        masks = regions(maps[0].shape[0])[:3]
        mass = np.array([[float(one[mask].sum()) for mask in masks] for one in maps])
        is_hit = mass.argmax(axis=1) == thirds.argmax(axis=1)
        results: Results = {}
        for low, high in pairwise((0, 0.02, 0.05, 0.1, 0.2, 1.01)):
            is_in = (peaks >= low) & (peaks < high)
            results[f"{low} to {min(high, 1)}"] = {
                "n": int(is_in.sum()),
                "share": float(is_hit[is_in].mean()) if is_in.any() else None,
            }
        return results

    def curves(self, maps: Sequence[npt.NDArray[np.float32]], n_per_class: int) -> Results:
        """Measure deletion and insertion by maps, by shuffled maps and by random pixels."""
        rng = np.random.default_rng(SEED)
        rows = np.concatenate(
            [np.flatnonzero(self.classes == index)[:n_per_class] for index in range(N_EMOTIONS)]
        )
        scores: dict[str, list[tuple[float, float]]] = {}
        for row in track(rows.tolist(), description="deletion", transient=True):
            orders = {
                "map": order_by(maps[row]),
                "map, cells shuffled": order_by(_shuffled(maps[row], rng)),
                "random pixels": rng.permutation(maps[row].size),
            }
            for name, order in orders.items():
                emotion = Emotion.from_index(int(self.classes[row]))
                measured = removal_scores(
                    self.classifier, self.faces[row], emotion, order, n_steps=8
                )
                scores.setdefault(name, []).append((measured.deletion, measured.insertion))
        means = {name: np.mean(pairs, axis=0).tolist() for name, pairs in scores.items()}
        return {"n": len(rows)} | {
            name: {"deletion": deletion, "insertion": insertion}
            for name, (deletion, insertion) in means.items()
        }


def candidates(clear: ClearFaces, activation: ActivationExplainer) -> Results:
    """Compare kinds and sizes of maps, each judged by the removals that it was not made with."""
    size_px = len(clear.faces[0])
    maps = [own[0] for own in _own_maps(activation, clear)]
    results: Results = {"activation": clear.judge(maps, ("grey", "inpainting"))}
    for n_places, height, width in GRIDS:
        masks = patches(size_px, n_places, height, width)
        drops = clear.drops(masks, "blur")
        name = f"blur, {n_places} x {n_places} places, patch {height:.2f} x {width:.2f}"
        results[name] = clear.judge(
            _stretched(drops, n_places, size_px), ("grey", "inpainting")
        ) | {"median_peak": float(np.median(drops.max(axis=1)))}
    n_places, height, width = GRIDS[0]
    drops = clear.drops(patches(size_px, n_places, height, width), "grey")
    name = f"grey, {n_places} x {n_places} places, patch {height:.2f} x {width:.2f}"
    results[name] = clear.judge(_stretched(drops, n_places, size_px), ("blur", "inpainting"))
    results["random masks, blur, 64"] = clear.judge(
        _random_masks(clear, 64), ("grey", "inpainting")
    )
    judges = {how: drops[:, :3].argmax(axis=1) for how, drops in clear.removed.items()}
    results["same decisive third by two removals"] = {
        f"{one}, {other}": _balanced(judges[one] == judges[other], clear.classes)
        for one, other in (("grey", "blur"), ("grey", "inpainting"), ("blur", "inpainting"))
    }
    return results


def published(clear: ClearFaces, explainers: dict[str, FaceExplainer], n_curves: int) -> Results:
    """Measure the kinds that a user can choose, judged by mean grey and inpainting."""
    results: Results = {}
    for name, explainer in explainers.items():
        started_s = time.process_time()
        pairs = _own_maps(explainer, clear)
        took_s = time.process_time() - started_s
        maps = [one for one, _peak in pairs]
        peaks = np.array([peak for _one, peak in pairs], np.float64)
        of_kind: Results = {
            "judged": clear.judge(maps, ("grey", "inpainting")),
            "judged_by_each": {how: _short(clear.judge(maps, (how,))) for how in REMOVALS},
            "cpu_ms_per_face": 1e3 * took_s / len(maps),
            "curves": clear.curves(maps, n_curves),
        }
        if name == "occlusion":
            quantiles = np.quantile(peaks, (0.05, 0.25, 0.5, 0.75, 0.95))
            of_kind["peak_quantiles"] = quantiles.tolist()
            of_kind["by_peak"] = clear.by_strength(peaks, maps)
        results[name] = of_kind
    drops = np.mean([clear.removed[how] for how in ("grey", "inpainting")], axis=0)[:, :3]
    results["mean_drop_by_third"] = {
        LABELS[index]: drops[clear.classes == index].mean(axis=0).tolist()
        for index in sorted(set(clear.classes.tolist()))
    }
    return results


def _own_maps(
    explainer: FaceExplainer, clear: ClearFaces
) -> list[tuple[npt.NDArray[np.float32], float]]:
    """Return the map and the largest cell of the class of each face."""
    size_px = len(clear.faces[0])
    pairs = []
    for face, index in zip(clear.faces, clear.classes.tolist(), strict=True):
        (maps,) = explainer.explain([face])
        heat = maps.heat_map(Emotion.from_index(index), size_px)
        pairs.append((heat, float(maps.maps[index].max())))
    return pairs


def _random_masks(clear: ClearFaces, n_masks: int) -> list[npt.NDArray[np.float32]]:
    """Compute maps of random masks. Source: Petsiuk et al. 2018, "RISE", section 3."""
    size_px = len(clear.faces[0])
    rng = np.random.default_rng(SEED)
    coarse = rng.random((n_masks, 6, 6)).astype(np.float32) < 0.5
    masks = [
        cv2.resize(one.astype(np.float32), (size_px, size_px), interpolation=cv2.INTER_LINEAR) > 0.5
        for one in coarse
    ]
    drops = clear.drops(masks, "blur")
    stacked = np.array(masks, np.float32)
    varying = stacked - stacked.mean(axis=0)
    maps = np.einsum("fm,mhw->fhw", drops - drops.mean(axis=1, keepdims=True), varying)
    return [np.maximum(one, 0).astype(np.float32) for one in maps]


def _stretched(drops: Floats, n_places: int, size_px: int) -> list[npt.NDArray[np.float32]]:
    grids = drops.reshape(-1, n_places, n_places).astype(np.float32)
    size = (size_px, size_px)
    return [np.maximum(np.asarray(cv2.resize(grid, size), np.float32), 0) for grid in grids]


def _shuffled(
    heat: npt.NDArray[np.float32], rng: np.random.Generator, n_cells: int = 6
) -> npt.NDArray[np.float32]:
    cells = cv2.resize(heat, (n_cells, n_cells), interpolation=cv2.INTER_AREA)
    mixed = rng.permutation(np.asarray(cells, np.float32).ravel()).reshape(n_cells, n_cells)
    return np.asarray(cv2.resize(mixed, heat.shape), np.float32)


def _probabilities(classifier: EmotionClassifier, faces: Sequence[Face]) -> npt.NDArray[np.float32]:
    return np.array([scores.probabilities for scores in classifier.classify(faces)])


def _spearman(first: Floats, second: Floats) -> float:
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return 0.0
    return float(stats.spearmanr(first, second)[0])


def _balanced(values: npt.NDArray[np.generic], classes: npt.NDArray[np.int64]) -> float:
    """Return the mean over classes of the mean of each class."""
    return float(
        np.mean([values[classes == index].mean() for index in sorted(set(classes.tolist()))])
    )


def _interval(values: npt.NDArray[np.bool_], classes: npt.NDArray[np.int64]) -> list[float]:
    """Return a 95 % interval by resampling the faces of each class."""
    rng = np.random.default_rng(SEED)
    means = [
        values[rng.choice(rows, (N_BOOTSTRAPS, len(rows)))].mean(axis=1)
        for rows in (np.flatnonzero(classes == index) for index in sorted(set(classes.tolist())))
    ]
    low, high = np.quantile(np.mean(means, axis=0), (0.025, 0.975))
    return [float(low), float(high)]


def _short(judged: Results) -> Results:
    return {key: judged[key] for key in ("n", "share", "constant", "rank_correlation")}


def main() -> None:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--models", nargs="*", default=[])
    parser.add_argument("--candidates", nargs="*", default=[])
    parser.add_argument("--per-class", type=int, default=100)
    parser.add_argument("--curves", type=int, default=10, help="faces per class for deletion")
    parser.add_argument("--json", type=Path, default=OUT)
    options = parser.parse_args()
    data = load_faces(options.data, Split.VALIDATION)
    for part, names in (("candidates", options.candidates), ("models", options.models)):
        for name in names:
            activation = ActivationExplainer.load(name)
            clear = ClearFaces(
                activation,
                data.images,
                data.labels,
                parity=int(part == "models"),
                n_per_class=options.per_class,
            )
            kinds: dict[str, FaceExplainer] = {
                "occlusion": OcclusionExplainer(activation),
                "activation": activation,
            }
            of_part = (
                published(clear, kinds, options.curves)
                if part == "models"
                else candidates(clear, activation)
            )
            counts = {LABELS[i]: int((clear.classes == i).sum()) for i in range(N_EMOTIONS)}
            sha256 = OnnxEmotionClassifier.load(name).model_sha256
            head: Results = {"model_sha256": sha256, "n_faces": counts}
            record = json.loads(options.json.read_text("utf-8")) if options.json.exists() else {}
            record["data_sha256"] = data.sha256
            record.setdefault(part, {})[name] = head | of_part
            options.json.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
            print(name, json.dumps(of_part, indent=1))


if __name__ == "__main__":
    main()
