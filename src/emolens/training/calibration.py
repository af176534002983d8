"""Which calibration a trained network gets beside its temperature."""

import numpy as np
import numpy.typing as npt

from emolens.core.emotion import N_EMOTIONS
from emolens.core.errors import DatasetError
from emolens.datasets.faces import FaceSet
from emolens.datasets.targets import Target, vote_targets
from emolens.evaluation.calibration import fit_class_scales
from emolens.training.recipe import Recipe


def log_frequencies(labels: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Logarithms float64 (7,) of how often each class occurs; 0 for one that does not occur."""
    counts = np.bincount(labels, minlength=N_EMOTIONS)
    return np.log(np.where(counts > 0, counts / len(labels), 1.0))


def calibration_faces(
    recipe: Recipe, faces: FaceSet
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The validation faces that the probabilities are to be right about: rows (M,), classes (M,).

    Raises:
        DatasetError: The recipe asks for the raters' answers, and the faces have no votes.
    """
    target = recipe.answer.calibrated_on
    if target is Target.LABEL:
        return np.arange(len(faces)), faces.labels
    if faces.votes is None:
        raise DatasetError(
            f"answer.calibrated_on = {target.value!r} needs FER+'s votes, which the validation "
            "faces have not; calibrate on label, or name a source with votes"
        )
    found = vote_targets(faces.votes, target)
    rows = np.flatnonzero(found.labels >= 0)
    return rows, found.labels[rows]


def class_scales(
    recipe: Recipe, logits: npt.NDArray[np.floating], labels: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """The factors (7,) of the last layer's rows: fitted, or 1 for a recipe that rebalances.

    Such a recipe has its network name rare classes more often than they occur. Scales that are
    fitted on faces with the usual frequencies would take that back, and name them never.

    Args:
        recipe: What the network was trained with.
        logits: (N, 7), its raw outputs on the validation faces.
        labels: int64 (N,).
    """
    return np.ones(N_EMOTIONS) if recipe.rebalances else fit_class_scales(logits, labels)
