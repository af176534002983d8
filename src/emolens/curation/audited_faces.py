"""The faces of one or more data sets in one array, with the source of each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from emolens.core.emotion import LABELS
from emolens.datasets.clean_file import COMPARED_SIZE_PX
from emolens.datasets.faces import FaceSample, FaceSet, Split, collect_faces, join_faces
from emolens.datasets.loading import UNKNOWN_SPLIT, iter_faces
from emolens.datasets.reading import ReadingReport
from emolens.datasets.votes import N_VOTES

_NO_VOTES = (0,) * N_VOTES
_SPLIT_ORDER = (*Split, UNKNOWN_SPLIT)


@dataclass(frozen=True, slots=True)
class FaceEntry:
    """An entry for a face in a report."""

    location: str
    split: str
    label: str


@dataclass(frozen=True, slots=True, eq=False)
class AuditedFaces:
    """The faces of all splits of one or more sources.

    Attributes:
        sources: The paths of the sources, in order.
        source_numbers: int64 (N,), the index in `sources` of each face.
        faces: The faces at 48 px in the order of their sources; faces without FER+ votes have ten
            zeros.
        splits: The name of the split of each face, or `"unknown"`.
    """

    sources: tuple[Path, ...]
    source_numbers: npt.NDArray[np.int64]
    faces: FaceSet
    splits: npt.NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.faces)

    @property
    def votes(self) -> npt.NDArray[np.uint8]:
        """FER+'s votes, uint8 (N, 10)."""
        # `collect_faces` returns no votes for an empty set.
        votes = self.faces.votes
        return np.zeros((0, N_VOTES), np.uint8) if votes is None else votes

    @property
    def split_names(self) -> list[str]:
        """The splits with faces, training first and unknown last."""
        return [name for name in _SPLIT_ORDER if (self.splits == name).any()]

    def entry(self, row: int) -> FaceEntry:
        """Return the entry of one face."""
        label = LABELS[self.faces.labels[row]]
        return FaceEntry(self.faces.locations[row], str(self.splits[row]), label)

    def entries(self, rows: Sequence[int] | npt.NDArray[np.int64]) -> tuple[FaceEntry, ...]:
        """Return the entries of several faces."""
        return tuple(self.entry(int(row)) for row in rows)


def read_audited(source: Path) -> AuditedFaces:
    """Read all faces of a source.

    Raises:
        DatasetError: The source has no supported format, is damaged, or has no faces.
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
    """Concatenate the faces of several sources."""
    if len(parts) == 1:
        return parts[0]
    faces = join_faces([part.faces for part in parts])
    numbers = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    sources = tuple(source for part in parts for source in part.sources)
    return AuditedFaces(sources, numbers, faces, np.concatenate([part.splits for part in parts]))
