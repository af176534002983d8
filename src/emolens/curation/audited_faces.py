"""All faces of one or more data sets side by side, with where each comes from."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from emolens.core.emotion import Emotion
from emolens.datasets.clean_file import COMPARED_SIZE_PX
from emolens.datasets.faces import FaceSample, FaceSet, Split, collect_faces, join_faces
from emolens.datasets.loading import UNKNOWN_SPLIT, iter_faces
from emolens.datasets.reading import ReadingReport
from emolens.datasets.votes import N_VOTES

_NO_VOTES = (0,) * N_VOTES
_SPLIT_ORDER = (*Split, UNKNOWN_SPLIT)


@dataclass(frozen=True, slots=True)
class FaceEntry:
    """One face in a list for people and scripts."""

    location: str
    split: str
    label: str


@dataclass(frozen=True, slots=True, eq=False)
class AuditedFaces:
    """Faces of all splits of some sources.

    Attributes:
        sources: What was read, in order.
        source_numbers: int64 (N,), place of each face's source in `sources`.
        faces: The faces at 48 px in the order of their sources; those without FER+ votes have ten
            zeros.
        splits: FER2013's word for the split of each face, or `"unknown"`.
    """

    sources: tuple[Path, ...]
    source_numbers: npt.NDArray[np.int64]
    faces: FaceSet
    splits: npt.NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.faces)

    @property
    def votes(self) -> npt.NDArray[np.uint8]:
        """uint8 (N, 10)."""
        # No faces have no votes; `collect_faces` cannot know that they might have.
        votes = self.faces.votes
        return np.zeros((0, N_VOTES), np.uint8) if votes is None else votes

    @property
    def split_names(self) -> list[str]:
        """The splits that have faces, training first and unknown ones last."""
        return [name for name in _SPLIT_ORDER if (self.splits == name).any()]

    def entry(self, row: int) -> FaceEntry:
        """One face for a list."""
        label = Emotion(int(self.faces.labels[row])).label
        return FaceEntry(self.faces.locations[row], str(self.splits[row]), label)

    def entries(self, rows: Sequence[int] | npt.NDArray[np.int64]) -> tuple[FaceEntry, ...]:
        """Some faces for a list."""
        return tuple(self.entry(int(row)) for row in rows)


def read_audited(source: Path) -> AuditedFaces:
    """Read all faces of a source.

    Raises:
        DatasetError: The source is none of the known formats, breaks its own or has no faces.
    """
    splits: list[str] = []
    report = ReadingReport()

    def samples() -> Iterator[FaceSample]:
        for sample in iter_faces(source, report=report):
            splits.append(sample.split or UNKNOWN_SPLIT)
            yield replace(sample, votes=sample.votes or _NO_VOTES)

    faces = collect_faces(samples(), COMPARED_SIZE_PX)
    if not len(faces):
        raise report.no_faces(source)
    faces = replace(faces, warnings=tuple(report.warnings))
    numbers = np.zeros(len(faces), np.int64)
    return AuditedFaces((source,), numbers, faces, np.array(splits, np.str_))


def join_audited(parts: Sequence[AuditedFaces]) -> AuditedFaces:
    """Put the faces of several sources one after the other."""
    if len(parts) == 1:
        return parts[0]
    faces = join_faces([part.faces for part in parts])
    numbers = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    sources = tuple(source for part in parts for source in part.sources)
    return AuditedFaces(sources, numbers, faces, np.concatenate([part.splits for part in parts]))
