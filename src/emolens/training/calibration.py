"""Calibration of a trained network: its faces, its ground truth and its class scales."""

import numpy as np
import numpy.typing as npt

from emolens.core.emotion import N_EMOTIONS
from emolens.core.errors import DatasetError
from emolens.datasets.faces import FaceSet, Split, join_faces
from emolens.datasets.loading import load_faces
from emolens.datasets.targets import Target, vote_targets
from emolens.evaluation.calibration import fit_class_scales
from emolens.evaluation.leaks import find_leaks
from emolens.training.recipe import Recipe


def log_frequencies(labels: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Compute the log frequency of each class, float64 (7,); 0 for a class without faces."""
    counts = np.bincount(labels, minlength=N_EMOTIONS)
    return np.log(np.where(counts > 0, counts / len(labels), 1.0))


def calibration_faces(
    recipe: Recipe, faces: FaceSet
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Select the validation faces for the calibration.

    Returns:
        Rows int64 (M,) of the faces and their ground-truth classes int64 (M,).

    Raises:
        DatasetError: The recipe needs FER+'s votes, and the faces have none; or it needs faces
            without near-duplicates, and there are no training faces, or no face is left.
    """
    labels = _ground_truth(recipe, faces)
    is_used = labels >= 0
    if recipe.answer.leak_free:
        is_used &= ~_is_near_duplicate(recipe, faces)
        if not is_used.any():
            raise DatasetError(
                "answer.leak_free: every validation face is a near-duplicate of a training face. "
                "Choose another source, or set answer.leak_free = false."
            )
    rows = np.flatnonzero(is_used)
    return rows, labels[rows]


def _ground_truth(recipe: Recipe, faces: FaceSet) -> npt.NDArray[np.int64]:
    """Return the true class (N,) of each face, -1 for a face without a majority vote."""
    target = recipe.answer.calibrated_on
    if target is Target.LABEL:
        return faces.labels
    if faces.votes is None:
        raise DatasetError(
            f"answer.calibrated_on = {target.value!r} needs FER+ votes; the validation faces have "
            "none. Set it to 'label', or choose a source with votes."
        )
    return vote_targets(faces.votes, target).labels


def _is_near_duplicate(recipe: Recipe, faces: FaceSet) -> npt.NDArray[np.bool_]:
    """Return bool (N,), whether an image is a near-duplicate of a training image of its source."""
    size_px = faces.images.shape[-1]
    sources = dict.fromkeys(section.validation or section.source for section in recipe.data)
    training = [load_faces(source, Split.TRAIN, size_px=size_px) for source in sources]
    leaks = find_leaks(faces, join_faces(training))
    if leaks.near is None:
        raise TypeError("find_leaks ran without training rows")
    return leaks.near


def class_scales(
    recipe: Recipe, logits: npt.NDArray[np.floating], labels: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """Fit the factors (7,) of the last layer's rows; 1 for a recipe that rebalances the classes.

    A rebalanced network predicts rare classes more often than they occur. Scales fitted on faces
    with the natural frequencies would undo that, and the network would never predict them.

    Args:
        recipe: Recipe of the network.
        logits: (N, 7), raw outputs of the network on the validation faces.
        labels: int64 (N,).
    """
    return np.ones(N_EMOTIONS) if recipe.rebalances else fit_class_scales(logits, labels)
