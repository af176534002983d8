"""Evaluations of nobody's faces, for several tests."""

import numpy as np

from emolens.datasets.faces import FaceSet
from emolens.datasets.votes import N_VOTES, vote_columns
from emolens.evaluation.evaluation import Evaluation, evaluate
from emolens.evaluation.leaks import Leaks
from emolens.evaluation.predictions import Predictions
from emolens.testing import drawn_faces


def faces_with_votes(n_faces: int) -> FaceSet:
    """Drawn faces of which six of ten raters see the label and four see neutral."""
    drawn = drawn_faces(n_faces)
    votes = np.zeros((n_faces, N_VOTES), np.uint8)
    votes[:, 0] = 4
    votes[np.arange(n_faces), vote_columns()[drawn.labels]] += 6
    return FaceSet(drawn.images, drawn.labels, drawn.locations, votes)


def answers(faces: FaceSet, *, share_right: float = 0.8, seed: int = 0) -> Predictions:
    """Answers of varying confidence, of which about so many are right."""
    rng = np.random.default_rng(seed)
    named = np.where(
        rng.random(len(faces)) < share_right, faces.labels, rng.integers(0, 7, len(faces))
    )
    confidence = rng.uniform(0.3, 0.99, len(faces))
    probabilities = np.repeat((1 - confidence)[:, None] / 6, 7, axis=1)
    probabilities[np.arange(len(faces)), named] = confidence
    return Predictions(probabilities, faces.labels, faces.locations)


def evaluation(n_faces: int = 140, *, votes: bool = True, training: bool = True) -> Evaluation:
    """A whole evaluation in which the first ten faces stand in the training rows too."""
    faces = faces_with_votes(n_faces)
    if not votes:
        faces = FaceSet(faces.images, faces.labels, faces.locations)
    seen = np.arange(n_faces) < 10
    groups = np.arange(n_faces)
    leaks = Leaks(groups, seen & (groups < 6), seen) if training else Leaks(groups, None, None)
    return evaluate(answers(faces), faces, leaks, temperature=1.5)
