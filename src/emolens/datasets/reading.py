"""What readers do about faces that they cannot give: refuse, or count them and go on."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from emolens.core.errors import DatasetError
from emolens.datasets.faces import FaceSample

N_DAMAGED_KEPT = 20
_Row = TypeVar("_Row")


@dataclass(slots=True)
class ReadingReport:
    """What happened while a source was read.

    Attributes:
        skip_damaged: Leave a face out and count it where its row or image is broken, instead of
            stopping there. A source whose layout is broken stops either way.
        left_out: Class of the source to number of faces, for classes that are none of ours.
        n_damaged: Faces left out because their row or image is broken; one that is met again in
            another pass over the source counts once.
        damaged: What was wrong with the first 20 of them.
        warnings: What was assumed of the source, such as the order of labels that are numbers; each
            once, and complete when all of the source has been read.
    """

    skip_damaged: bool = False
    left_out: Counter[str] = field(default_factory=Counter)
    n_damaged: int = 0
    damaged: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    _met: set[str] = field(default_factory=set, repr=False)

    def leave_out(self, source_class: str) -> None:
        """Count a face whose class is none of the seven."""
        self.left_out[source_class] += 1

    def warn(self, text: str) -> None:
        """Tell people what was assumed; what has been told in another pass is not told again."""
        if text not in self.warnings:
            self.warnings.append(text)

    def no_faces(self, source: Path) -> DatasetError:
        """An error for a source that gave no face, with what was met instead."""
        met = [
            *(f"{n:,} of {name}, none of the seven classes" for name, n in self.left_out.items()),
            *(
                f"{self.n_damaged:,} cannot be read, such as {message}"
                for message in self.damaged[:1]
            ),
            *self.warnings,
        ]
        found = "; ".join(met) or "there is no image in it"
        return DatasetError(f"{source}: holds no faces: {found}")

    def add_damaged(self, error: DatasetError) -> None:
        """Count a face that cannot be read; raise the error unless damaged ones are skipped."""
        if not self.skip_damaged:
            raise error
        # Messages name the row or file.
        message = str(error)
        if message in self._met:
            return
        self._met.add(message)
        self.n_damaged += 1
        if len(self.damaged) < N_DAMAGED_KEPT:
            self.damaged.append(message)


def without_folder(warnings: Iterable[str], source: Path) -> tuple[str, ...]:
    """Warnings with the name of a source in place of its path, for files that are passed on."""
    # The folder "." has no name, and tells nothing.
    name = source.name or str(source)
    return tuple(warning.replace(str(source), name) for warning in warnings)


def read_each(
    rows: Iterable[_Row], read: Callable[[_Row], FaceSample | None], report: ReadingReport
) -> Iterator[FaceSample]:
    """Read rows one by one.

    Args:
        rows: What a source lists.
        read: Gives the face of a row, or None where it is left out; a `DatasetError` of it is a
            error of this row alone.
        report: Where damaged faces are counted.
    """
    for row in rows:
        try:
            sample = read(row)
        except DatasetError as error:
            report.add_damaged(error)
            continue
        if sample is not None:
            yield sample
