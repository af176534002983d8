"""One door to every data set format: look at what a source is, then read it."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from pathlib import Path

from emolens.core.errors import DatasetError
from emolens.datasets.faces import FaceCollector, FaceSample, FaceSet, Split, Wanted, collect_faces
from emolens.datasets.formats import find_format, reader_of
from emolens.datasets.reading import ReadingReport

UNKNOWN_SPLIT = "unknown"
_HELD_OUT = (Split.VALIDATION, Split.TEST)


def iter_faces(
    source: Path, split: Wanted = None, *, report: ReadingReport | None = None
) -> Iterator[FaceSample]:
    """Read the labelled faces of a source one by one, in its own order.

    Args:
        source: A file or folder in one of the formats of `find_format`.
        split: Only the faces of this split or these, or all, also those that belong to none.
        report: Where faces that are left out are counted, and whether broken ones are; without
            one, broken ones are not left out but refused.

    Returns:
        An iterator that reads as it goes, in memory that does not grow with the source.

    Raises:
        DatasetError: At once where the source is none of the formats, and while iterating where
            a row or file breaks its format.
    """
    source_format, path = find_format(source)
    return reader_of(source_format)(path, split, report or ReadingReport())


def load_faces(source: Path, split: Split | None = None, *, size_px: int = 48) -> FaceSet:
    """Read the labelled faces of a source into memory, each brought to `size_px` squared.

    Returns:
        The faces, with what was assumed of them in `warnings`.

    Raises:
        DatasetError: The source breaks its format or has no faces of that split; the message then
            says which splits it has.
    """
    report = ReadingReport()
    faces = collect_faces(iter_faces(source, split, report=report), size_px)
    if not len(faces):
        raise report.no_faces(source) if split is None else no_faces_of(source, split)
    return replace(faces, warnings=tuple(report.warnings))


def has_split(source: Path, split: Split) -> bool:
    """Whether a source has a face of a split; raises `DatasetError` if it breaks its format."""
    return next(iter_faces(source, split), None) is not None


def held_out_split(source: Path) -> Split | None:
    """The split to measure on where nobody chose one.

    Returns:
        The only split of the source (None where its faces belong to none), else `validation`, else
        `test`: never a split that a model may have been trained on beside a held-out one.

    Raises:
        DatasetError: The source breaks its format, or mixes splits without a held-out one.
    """
    # Asking for one split does not open the images of the others.
    for split in _HELD_OUT:
        if has_split(source, split):
            return split
    splits = {sample.split for sample in iter_faces(source)}
    if len(splits) <= 1:
        return next(iter(splits), None)
    names = ", ".join(sorted(split or UNKNOWN_SPLIT for split in splits))
    raise DatasetError(f"{source}: holds the splits {names}; choose one of them")


def load_splits(
    source: Path,
    sizes_px: Callable[[Split | None], Collection[int]],
    *,
    split: Wanted = None,
) -> dict[Split | None, dict[int, FaceSet]]:
    """Read several splits of a source into memory at several sizes, in one pass.

    Args:
        source: A file or folder in one of the formats of `find_format`.
        sizes_px: Sides of the squares that the faces of a split are brought to; none where they
            are not wanted.
        split: Only the faces of this split or these; None for all, also of none.

    Returns:
        For each split that the source has the faces at each size, with what was assumed of them in
        `warnings`.

    Raises:
        DatasetError: The source breaks its format, or has no face at all.
    """
    report = ReadingReport()
    collectors: dict[Split | None, list[FaceCollector]] = {}
    for sample in iter_faces(source, split, report=report):
        if sample.split not in collectors:
            collectors[sample.split] = [FaceCollector(px) for px in sizes_px(sample.split)]
        for collector in collectors[sample.split]:
            collector.add(sample)
    if not collectors and split is None:
        raise report.no_faces(source)
    return {
        of: {one.size_px: one.faces(report.warnings) for one in collected}
        for of, collected in collectors.items()
    }


def no_faces_of(source: Path, split: Split) -> DatasetError:
    """An error for a source without a face of a split, which says what it holds instead."""
    # What is broken matters less here than that the split is not there.
    report = ReadingReport(skip_damaged=True)
    samples = iter_faces(source, report=report)
    counts = Counter(sample.split or UNKNOWN_SPLIT for sample in samples)
    if not counts:
        return report.no_faces(source)
    held = ", ".join(f"{n_faces} of split {name}" for name, n_faces in sorted(counts.items()))
    return DatasetError(f"{source}: holds no faces of split {split}; it holds {held}")
