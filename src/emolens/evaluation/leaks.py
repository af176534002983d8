"""Detection of evaluated faces that are near-duplicates of training faces."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from emolens.datasets.duplicates import find_duplicates
from emolens.datasets.faces import FaceSet


@dataclass(frozen=True, slots=True, eq=False)
class Leaks:
    """Near-duplicates among evaluated faces and between them and training faces.

    Attributes:
        groups: int64 (N,), group of near-duplicates of each evaluated face.
        exact: bool (N,), whether a training row has the same pixels; None without training rows.
        near: bool (N,), whether a training row is a near-duplicate or has the same pixels; None
            without training rows.
    """

    groups: npt.NDArray[np.int64]
    exact: npt.NDArray[np.bool_] | None
    near: npt.NDArray[np.bool_] | None

    def take(self, rows: npt.NDArray[np.int64]) -> "Leaks":
        """Select evaluated faces by row number (int64), in that order."""
        return Leaks(
            self.groups[rows],
            None if self.exact is None else self.exact[rows],
            None if self.near is None else self.near[rows],
        )


def find_leaks(
    evaluated: FaceSet,
    training: FaceSet | None,
    on_progress: Callable[[int], None] = lambda _n_done: None,
) -> Leaks:
    """Detect near-duplicates with `datasets.duplicates.find_duplicates`.

    Args:
        evaluated: Evaluated faces.
        training: Training faces of the same size, or None.
        on_progress: Called with the number of faces done.
    """
    if training is None:
        found = find_duplicates(evaluated.images, on_progress=on_progress)
        return Leaks(found.near, None, None)
    images = np.concatenate([training.images, evaluated.images])
    n_training = len(training)
    sought = np.arange(len(images)) >= n_training
    found = find_duplicates(images, sought=sought, on_progress=on_progress)
    exact, near = (
        np.isin(groups[n_training:], groups[:n_training]) for groups in (found.exact, found.near)
    )
    return Leaks(found.near[n_training:], exact, near)
