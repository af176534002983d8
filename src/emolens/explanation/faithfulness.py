"""Does a map show what the classifier goes by? Two checks that need nothing but its answers.

Rank agreement: a map that stays the same when the weights of the network are replaced by random
ones shows the image, not the network.
Source: Adebayo et al. 2018, "Sanity Checks for Saliency Maps", section 3.

Deletion and insertion: take the pixels that a map calls important out of a face, most important
first, and the class's probability should fall soon; put them into a face that has none, and it
should rise soon.
Source: Petsiuk et al. 2018, "RISE", section 4.3.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from scipy import stats

from emolens.core.emotion import Emotion
from emolens.core.errors import InputError
from emolens.core.ports import EmotionClassifier
from emolens.explanation.maps import FaceExplainer, FaceMaps
from emolens.explanation.placement import Floats, resize_maps
from emolens.imaging.crop import resize_gray_square
from emolens.imaging.preprocess import to_gray

Gray = npt.NDArray[np.uint8]
Order = npt.NDArray[np.int64]

# Standard deviation of the blur that takes a pixel's content away, in sides of the face: 6 px of
# 48, after which no face is readable any more (docs/experiments/0002-quality.md).
_BLUR = 1 / 8
DEFAULT_STEPS = 16


@dataclass(frozen=True, slots=True)
class RemovalScores:
    """How a class's probability follows an order of pixels.

    Attributes:
        deletion: Mean probability, 0..1, while the first pixels of the order are blurred, from none
            of them to all; the lower, the better the order.
        insertion: Mean probability, 0..1, while the first pixels are put into the blurred face,
            from none to all; the higher, the better.
    """

    deletion: float
    insertion: float


@dataclass(frozen=True, slots=True)
class Faithfulness:
    """The scores of one face's map beside those of chance.

    Attributes:
        by_map: Pixels in the order of the map.
        by_shuffled_map: The same map with its cells in random places: areas as large and as smooth,
            so the difference is where they lie. The fair baseline.
        by_random_pixels: Single pixels in random order.
    """

    by_map: RemovalScores
    by_shuffled_map: RemovalScores
    by_random_pixels: RemovalScores


def rank_agreement(first: FaceMaps, second: FaceMaps) -> npt.NDArray[np.float64]:
    """Spearman's rank correlation of two networks' maps of one face, for each class.

    Args:
        first: Maps, with their signs.
        second: Maps of the same face with as many cells.

    Returns:
        float64 (7,), -1..1, in the order of `Emotion`; 0 where a map has the same value everywhere
        and so no order.

    Raises:
        InputError: The maps differ in their cells.
    """
    if first.maps.shape != second.maps.shape:
        raise InputError(
            f"maps to compare need as many cells, got {first.maps.shape} and {second.maps.shape}; "
            "take networks of one architecture"
        )
    pairs = zip(first.maps, second.maps, strict=True)
    return np.array([_spearman(one.ravel(), other.ravel()) for one, other in pairs])


def compare_explainers(
    first: FaceExplainer, second: FaceExplainer, crops: Sequence[Gray]
) -> npt.NDArray[np.float64]:
    """`rank_agreement` of two explainers on crops: float64 (N, 7), -1..1.

    With a second one whose weights are random it should lie around 0.
    """
    pairs = zip(first.explain(crops), second.explain(crops), strict=True)
    return np.array([rank_agreement(one, other) for one, other in pairs]).reshape(-1, len(Emotion))


def blurred_face(face: Gray) -> Gray:
    """A uint8 (S, S) face without what makes it readable; what deletion puts in a pixel's place."""
    return np.asarray(cv2.GaussianBlur(face, (0, 0), _BLUR * len(face)), np.uint8)


def order_by(evidence: Floats) -> Order:
    """Pixels from the largest evidence to the smallest: int64 (S * S,) from float32 (S, S)."""
    return np.argsort(-evidence.ravel(), kind="stable")


def removal_scores(
    classifier: EmotionClassifier,
    face: Gray,
    emotion: Emotion,
    order: Order,
    *,
    n_steps: int = DEFAULT_STEPS,
) -> RemovalScores:
    """Deletion and insertion of a face's pixels in an order.

    Args:
        classifier: What is explained; only its answers are used.
        face: uint8 (S, S), grey.
        emotion: Whose probability is followed.
        order: int64 (S * S,), every pixel's index once.
        n_steps: Steps from none of the pixels to all.

    Returns:
        Areas under the two curves by the trapezoidal rule.

    Raises:
        InputError: The order is none of this face's pixels, or there is no step.
    """
    if n_steps < 1:
        raise InputError(f"n_steps must be at least 1, got {n_steps}")
    if not np.array_equal(np.sort(order), np.arange(face.size)):
        raise InputError(f"an order must name each of the face's {face.size} pixels once")
    blurred = blurred_face(face)
    deleted = _steps(face, blurred, order, n_steps)
    inserted = _steps(blurred, face, order, n_steps)
    scores = classifier.classify([*deleted, *inserted])
    curves = np.array([score[emotion] for score in scores], np.float64)
    deletion, insertion = (
        float(np.trapezoid(curve, dx=1 / n_steps)) for curve in curves.reshape(2, -1)
    )
    return RemovalScores(deletion, insertion)


def measure_faithfulness(
    explainer: FaceExplainer,
    crop: Gray,
    *,
    emotion: Emotion | None = None,
    seed: int = 0,
    n_steps: int = DEFAULT_STEPS,
) -> Faithfulness:
    """Deletion and insertion by an explainer's own map and by chance.

    Args:
        explainer: Gives the map and the probabilities.
        crop: uint8, (H, W) grey or (H, W, 3) BGR, of any size; measured at the network's.
        emotion: The class to explain; by default the most probable one.
        seed: Of the random orders.
        n_steps: Steps from none of the pixels to all.
    """
    size_px = explainer.input_spec.size_px
    face = resize_gray_square(to_gray(crop), size_px)
    (explained,) = explainer.explain([face])
    of_class = explained.scores.top if emotion is None else emotion
    cells = explained.maps[of_class.index]
    rng = np.random.default_rng(seed)
    shuffled = rng.permutation(cells.ravel()).reshape(cells.shape)
    orders = (
        order_by(resize_maps(cells, explained.centers, size_px)),
        order_by(resize_maps(shuffled, explained.centers, size_px)),
        rng.permutation(face.size),
    )
    return Faithfulness(
        *(removal_scores(explainer, face, of_class, order, n_steps=n_steps) for order in orders)
    )


def _spearman(first: Floats, second: Floats) -> float:
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return 0.0
    # Rounding takes identical maps a little beyond 1.
    return float(np.clip(stats.spearmanr(first, second)[0], -1, 1))


def _steps(before: Gray, after: Gray, order: Order, n_steps: int) -> list[Gray]:
    """Faces on the way from one image to another, the pixels exchanged in an order."""
    faces = []
    for step in range(n_steps + 1):
        exchanged = order[: round(step * order.size / n_steps)]
        face = before.ravel().copy()
        face[exchanged] = after.ravel()[exchanged]
        faces.append(face.reshape(before.shape))
    return faces
