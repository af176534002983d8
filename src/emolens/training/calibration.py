"""Which calibration a trained network gets beside its temperature."""

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
    """Logarithms float64 (7,) of how often each class occurs; 0 for one that does not occur."""
    counts = np.bincount(labels, minlength=N_EMOTIONS)
    return np.log(np.where(counts > 0, counts / len(labels), 1.0))


def calibration_faces(
    recipe: Recipe, faces: FaceSet
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The validation faces that the probabilities are to be right about: rows (M,), classes (M,).

    Raises:
        DatasetError: The recipe asks for the raters' answers, and the faces have no votes; or for
            faces without copies, and there are no training rows, or nothing is left.
    """
    labels = _right_answers(recipe, faces)
    is_used = labels >= 0
    if recipe.answer.leak_free:
        is_used &= ~_is_copy(recipe, faces)
        if not is_used.any():
            raise DatasetError(
                "answer.leak_free: every validation face stands in the training rows too; name "
                "another source, or calibrate with answer.leak_free = false"
            )
    rows = np.flatnonzero(is_used)
    return rows, labels[rows]


def _right_answers(recipe: Recipe, faces: FaceSet) -> npt.NDArray[np.int64]:
    """The class (N,) that is right for each face, -1 where the raters have no majority."""
    target = recipe.answer.calibrated_on
    if target is Target.LABEL:
        return faces.labels
    if faces.votes is None:
        raise DatasetError(
            f"answer.calibrated_on = {target.value!r} needs FER+'s votes, which the validation "
            "faces have not; calibrate on label, or name a source with votes"
        )
    return vote_targets(faces.votes, target).labels


def _is_copy(recipe: Recipe, faces: FaceSet) -> npt.NDArray[np.bool_]:
    """Whether an image (N,) stands in the training rows beside it, exactly or nearly."""
    size_px = faces.images.shape[-1]
    places = dict.fromkeys(section.validation or section.source for section in recipe.data)
    training = [load_faces(place, Split.TRAIN, size_px=size_px) for place in places]
    leaks = find_leaks(faces, join_faces(training))
    if leaks.near is None:
        raise TypeError("there are training rows")
    return leaks.near


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
