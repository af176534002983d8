"""Predictions of a classifier on labelled faces."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from emolens.core.emotion import N_EMOTIONS
from emolens.core.errors import InputError
from emolens.core.ports import EmotionClassifier
from emolens.datasets.faces import FaceSet

_CHUNK = 64


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """Predictions of a classifier on labelled faces.

    Attributes:
        probabilities: float64 (N, 7), rows add up to 1.
        labels: int64 (N,), values of `Emotion`.
        ids: Identifiers of the faces, such as file and row; by default their indices.
    """

    probabilities: npt.NDArray[np.float64]
    labels: npt.NDArray[np.int64]
    ids: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        n_faces = len(self.labels)
        if n_faces == 0:
            raise InputError("there are no faces to evaluate")
        if self.probabilities.shape != (n_faces, N_EMOTIONS):
            raise InputError(
                f"probabilities must have the shape ({n_faces}, {N_EMOTIONS}) for {n_faces} "
                f"labels; got {self.probabilities.shape}"
            )
        if not np.isfinite(self.probabilities).all():
            n_bad = int((~np.isfinite(self.probabilities)).any(axis=1).sum())
            raise InputError(f"{n_bad} of {n_faces} predictions are not finite numbers")
        if self.labels.min() < 0 or self.labels.max() >= N_EMOTIONS:
            raise InputError(f"labels must be 0..6; got {self.labels.min()}..{self.labels.max()}")
        if not self.ids:
            object.__setattr__(self, "ids", tuple(map(str, range(n_faces))))
        if len(self.ids) != n_faces:
            raise InputError(f"got {len(self.ids)} ids for {n_faces} labels; every face needs one")

    def take(self, rows: npt.NDArray[np.int64]) -> "Predictions":
        """Select rows (int64), in that order; raises `InputError` if there are none."""
        return Predictions(
            self.probabilities[rows], self.labels[rows], tuple(self.ids[row] for row in rows)
        )

    @property
    def predicted(self) -> npt.NDArray[np.int64]:
        """Most probable class of each face, int64 (N,)."""
        return np.asarray(self.probabilities.argmax(axis=1), np.int64)

    @property
    def confidence(self) -> npt.NDArray[np.float64]:
        """Probability of the predicted class, float64 (N,), 0..1."""
        return np.asarray(self.probabilities.max(axis=1), np.float64)

    @property
    def hits(self) -> npt.NDArray[np.bool_]:
        """Whether the predicted class is the label, bool (N,)."""
        return np.asarray(self.predicted == self.labels)


def predict(
    classifier: EmotionClassifier,
    faces: FaceSet,
    on_progress: Callable[[int], None] = lambda _n_done: None,
) -> Predictions:
    """Classify all faces, and call `on_progress` with the number done after each chunk."""
    rows: list[npt.NDArray[np.float32]] = []
    for start in range(0, len(faces), _CHUNK):
        scores = classifier.classify(list(faces.images[start : start + _CHUNK]))
        rows += [score.probabilities for score in scores]
        on_progress(len(rows))
    probabilities = np.array(rows, np.float64).reshape(-1, N_EMOTIONS)
    return Predictions(probabilities, faces.labels, faces.locations)
