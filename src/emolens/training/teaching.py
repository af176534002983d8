"""Teachers' predictions of every training face, computed once and used as targets.

This takes a minute or two, while teachers of every batch cost as much as the student. It also
allows training on faces without reliable labels.
"""

import hashlib
import io
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from emolens.core.emotion import N_EMOTIONS
from emolens.datasets.faces import FaceSet
from emolens.datasets.votes import N_VOTES
from emolens.imaging.preprocess import preprocess
from emolens.storage.files import write_bytes
from emolens.training.faces import TrainingFaces
from emolens.training.networks import ExpressionNetwork

Floats = npt.NDArray[np.float32]
_CHUNK = 128


def with_taught_targets(
    faces: TrainingFaces,
    teachers: Sequence[ExpressionNetwork],
    cache: Path,
    advance: Callable[[int], None] = lambda _n_done: None,
) -> TrainingFaces:
    """Mix the predictions of teachers into the targets of the training faces.

    Each teacher predicts each face and its mirror image. The targets are the mean probabilities, of
    the heads for labels over all teachers, and of the heads for votes over the teachers with one.

    Args:
        faces: The faces; `faces.teacher_weights` is the weight of the teachers in each target.
        teachers: Networks, in any mode.
        cache: A file of the predictions. It is reused for the same faces and teachers.
        advance: Called with the number of faces done, over all teachers.
    """
    key = _digest(faces.training, teachers)
    predictions = _read(cache, key)
    if predictions is None:
        predictions = _predict(faces.training, teachers, advance)
        content = io.BytesIO()
        np.savez(content, key=np.array(key), labels=predictions[0], votes=predictions[1])
        write_bytes(cache, content.getvalue())
    labels, votes = predictions
    weights = faces.teacher_weights[:, None]
    # The row of a face adds up to the weight of the face.
    face_weights = faces.targets.sum(axis=1, keepdims=True)
    taught = labels * (faces.targets.max(axis=0) > 0)
    taught *= face_weights / taught.sum(axis=1, keepdims=True)
    shares = faces.vote_shares
    if votes.size and shares.size:
        shares = (1 - weights) * shares + weights * votes
    return replace(
        faces,
        targets=((1 - weights) * faces.targets + weights * taught).astype(np.float32),
        vote_shares=shares.astype(np.float32),
    )


@torch.inference_mode()
def _predict(
    faces: FaceSet, teachers: Sequence[ExpressionNetwork], advance: Callable[[int], None]
) -> tuple[Floats, Floats]:
    """Compute mean probabilities (N, 7) of labels and (N, 10) of votes; (N, 0) without votes."""
    n_faces = len(faces)
    labels = np.zeros((n_faces, N_EMOTIONS), np.float32)
    votes = np.zeros((n_faces, N_VOTES), np.float32)
    n_voters = sum(teacher.vote_head is not None for teacher in teachers)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    for number, teacher in enumerate(teachers):
        teacher.eval().to(device)
        for start in range(0, n_faces, _CHUNK):
            rows = slice(start, start + _CHUNK)
            prepared = torch.from_numpy(preprocess(list(faces.images[rows]), teacher.input_spec))
            for view in (prepared, prepared.flip(3)):
                pooled = teacher.feature_map(view.to(device)).mean(dim=(2, 3))
                labels[rows] += _shares(teacher.forward_head(pooled)) / (2 * len(teachers))
                if teacher.vote_head is not None:
                    votes[rows] += _shares(teacher.vote_head(pooled)) / (2 * n_voters)
            advance(number * n_faces + start + len(prepared))
        teacher.to("cpu")
    return labels, votes if n_voters else np.empty((n_faces, 0), np.float32)


def _shares(logits: Tensor) -> Floats:
    return np.asarray(logits.float().softmax(dim=1).cpu().numpy())


def _digest(faces: FaceSet, teachers: Sequence[ExpressionNetwork]) -> str:
    digest = hashlib.sha256(faces.sha256.encode())
    for teacher in teachers:
        for values in teacher.state_dict().values():
            digest.update(values.contiguous().cpu().numpy().tobytes())
    return digest.hexdigest()


def _read(cache: Path, key: str) -> tuple[Floats, Floats] | None:
    try:
        # numpy does not close a damaged file.
        with cache.open("rb") as file, np.load(file) as saved:
            return (saved["labels"], saved["votes"]) if str(saved["key"]) == key else None
    except (OSError, ValueError, KeyError, BadZipFile):
        return None
