"""What readers do about faces that they cannot give: refuse, or count them and go on."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from emolens.core.errors import DatasetError
from emolens.datasets.faces import FaceSample

N_FAULTS_KEPT = 20
_Row = TypeVar("_Row")


@dataclass(slots=True)
class ReadingReport:
    """What happened while a source was read.

    Attributes:
        skip_faults: Leave a face out and count it where its row or picture is broken, instead of
            stopping there. A source whose layout is broken stops either way.
        left_out: Class of the source to number of faces, for classes that are none of ours.
        n_faults: Faces left out because their row or picture is broken; one that is met again in
            another pass over the source counts once.
        faults: What was wrong with the first 20 of them.
        remarks: What was assumed of the source, such as the order of labels that are numbers; each
            once, and complete when all of the source has been read.
    """

    skip_faults: bool = False
    left_out: Counter[str] = field(default_factory=Counter)
    n_faults: int = 0
    faults: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    _met: set[str] = field(default_factory=set, repr=False)

    def leave_out(self, source_class: str) -> None:
        """Count a face whose class is none of the seven."""
        self.left_out[source_class] += 1

    def remark(self, text: str) -> None:
        """Tell people what was assumed; what has been told in another pass is not told again."""
        if text not in self.remarks:
            self.remarks.append(text)

    def no_faces(self, source: Path) -> DatasetError:
        """An error for a source that gave no face, with what was met instead."""
        met = [
            *(f"{n:,} of {name}, none of the seven classes" for name, n in self.left_out.items()),
            *(f"{self.n_faults:,} cannot be read, such as {fault}" for fault in self.faults[:1]),
            *self.remarks,
        ]
        found = "; ".join(met) or "there is no picture in it"
        return DatasetError(f"{source}: holds no faces: {found}")

    def fault(self, error: DatasetError) -> None:
        """Count a face that cannot be read, or raise the error where faults are not skipped."""
        if not self.skip_faults:
            raise error
        # Messages name the row or file.
        message = str(error)
        if message in self._met:
            return
        self._met.add(message)
        self.n_faults += 1
        if len(self.faults) < N_FAULTS_KEPT:
            self.faults.append(message)


def without_folder(remarks: Iterable[str], source: Path) -> tuple[str, ...]:
    """Remarks with the name of a source in place of its path, for files that are passed on."""
    # The folder "." has no name, and tells nothing.
    name = source.name or str(source)
    return tuple(remark.replace(str(source), name) for remark in remarks)


def read_each(
    rows: Iterable[_Row], read: Callable[[_Row], FaceSample | None], report: ReadingReport
) -> Iterator[FaceSample]:
    """Read rows one by one.

    Args:
        rows: What a source lists.
        read: Gives the face of a row, or None where it is left out; a `DatasetError` of it is a
            fault of this row alone.
        report: Where faults are counted.
    """
    for row in rows:
        try:
            sample = read(row)
        except DatasetError as error:
            report.fault(error)
            continue
        if sample is not None:
            yield sample
