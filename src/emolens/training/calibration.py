"""Which calibration a trained network gets beside its temperature."""

import numpy as np
import numpy.typing as npt

from emolens.core.emotion import N_EMOTIONS
from emolens.evaluation.calibration import fit_class_scales
from emolens.training.recipe import Recipe


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
