"""Teachers' answers about every training face, asked for once and learnt as targets.

It costs a minute or two, where teachers that see every batch cost as much as the student. Faces
whose own labels are not to be trusted can be learnt from in this way alone.
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
    """Mix what teachers answer into the targets of the training faces.

    Each teacher sees each face and its mirror image. Of labels and of votes the mean of the
    probabilities teaches, the latter of those teachers that have a head for votes.

    Args:
        faces: The faces; `faces.teacher_weights` says which part of each target becomes the
            teachers'.
        teachers: Networks, in any mode.
        cache: A file to keep the answers in. If it holds those of the same faces and teachers,
            nobody is asked.
        advance: Called with the number of faces seen so far, over all teachers.
    """
    key = _digest(faces.training, teachers)
    answers = _read(cache, key)
    if answers is None:
        answers = _ask(faces.training, teachers, advance)
        content = io.BytesIO()
        np.savez(content, key=np.array(key), labels=answers[0], votes=answers[1])
        write_bytes(cache, content.getvalue())
    labels, votes = answers
    weights = faces.teacher_weights[:, None]
    # The row of a face adds up to how much the face counts.
    counts = faces.targets.sum(axis=1, keepdims=True)
    told_apart = labels * (faces.targets.max(axis=0) > 0)
    told_apart *= counts / told_apart.sum(axis=1, keepdims=True)
    shares = faces.vote_shares
    if votes.size and shares.size:
        shares = (1 - weights) * shares + weights * votes
    return replace(
        faces,
        targets=((1 - weights) * faces.targets + weights * told_apart).astype(np.float32),
        vote_shares=shares.astype(np.float32),
    )


@torch.inference_mode()
def _ask(
    faces: FaceSet, teachers: Sequence[ExpressionNetwork], advance: Callable[[int], None]
) -> tuple[Floats, Floats]:
    """Mean probabilities (N, 7) of labels and (N, 10) of votes, or (N, 0) of votes."""
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
                labels[rows] += _shares(teacher.answer(pooled)) / (2 * len(teachers))
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
        # numpy would leave a damaged file open.
        with cache.open("rb") as file, np.load(file) as saved:
            return (saved["labels"], saved["votes"]) if str(saved["key"]) == key else None
    except (OSError, ValueError, KeyError, BadZipFile):
        return None
