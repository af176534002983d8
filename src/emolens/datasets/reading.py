"""Reports of left out and damaged faces, and the choice between an error and a count."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from emolens.core.errors import DatasetError
from emolens.datasets.faces import FaceSample
from emolens.datasets.locate import locate

N_DAMAGED_KEPT = 20
_Row = TypeVar("_Row")


@dataclass(slots=True)
class ReadingReport:
    """A report on reading a source.

    Attributes:
        skip_damaged: Skip and count a face whose row or image is damaged, instead of raising an
            error. A source with a damaged layout raises an error in either case.
        left_out: Class of the source to number of faces, for classes that are none of the seven.
        n_damaged: Number of faces skipped because their row or image is damaged. A face counts
            once, even in several passes over the source.
        damaged: The error messages of the first 20 of them.
        warnings: Assumptions about the source, such as the order of numeric labels, without
            repetitions. Complete once the whole source is read.
    """

    skip_damaged: bool = False
    left_out: Counter[str] = field(default_factory=Counter)
    n_damaged: int = 0
    damaged: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    _counted: set[str] = field(default_factory=set, repr=False)

    def leave_out(self, source_class: str) -> None:
        """Count a face whose class is none of the seven."""
        self.left_out[source_class] += 1

    def warn(self, text: str) -> None:
        """Add a warning, unless an earlier pass over the source added it."""
        if text not in self.warnings:
            self.warnings.append(text)

    def no_faces(self, source: Path) -> DatasetError:
        """Return an error for a source without faces, which lists everything else it has."""
        found = [
            *(f"{n:,} left out as {name}" for name, n in self.left_out.items()),
            *(f"{self.n_damaged:,} damaged, such as {message}" for message in self.damaged[:1]),
            *self.warnings,
        ]
        reasons = "; ".join(one.rstrip(".") for one in found) or "no images found"
        return DatasetError(f"{source}: contains no faces: {reasons}")

    def add_damaged(self, error: DatasetError) -> None:
        """Count a damaged face, or raise its error unless damaged faces are skipped."""
        if not self.skip_damaged:
            raise error
        # A message identifies the row or file.
        message = str(error)
        if message in self._counted:
            return
        self._counted.add(message)
        self.n_damaged += 1
        if len(self.damaged) < N_DAMAGED_KEPT:
            self.damaged.append(message)


def without_folder(texts: Iterable[str], *sources: Path) -> tuple[str, ...]:
    """Replace the paths of sources by their names in warnings and locations, for shared files."""
    shown = tuple(texts)
    for source in sources:
        # A source may be given by its name below the folder of all data sets.
        for path in (locate(source), source):
            # The folder "." has no name.
            name = path.name or str(path)
            shown = tuple(text.replace(str(path), name) for text in shown)
    return shown


def read_each(
    rows: Iterable[_Row], read: Callable[[_Row], FaceSample | None], report: ReadingReport
) -> Iterator[FaceSample]:
    """Read rows one by one.

    Args:
        rows: The rows of a source.
        read: Returns the face of a row, or None to leave it out. A `DatasetError` concerns this
            row alone.
        report: Counts damaged faces.

    Yields:
        The faces.
    """
    for row in rows:
        try:
            sample = read(row)
        except DatasetError as error:
            report.add_damaged(error)
            continue
        if sample is not None:
            yield sample
