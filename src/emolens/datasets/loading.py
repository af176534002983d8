"""Loading of labelled faces from a source of any supported format."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from pathlib import Path

from emolens.core.errors import DatasetError
from emolens.datasets.faces import FaceCollector, FaceSample, FaceSet, Split, Wanted, collect_faces
from emolens.datasets.formats import SourceFormat, find_format, reader_of
from emolens.datasets.readers import class_folders
from emolens.datasets.reading import ReadingReport

UNKNOWN_SPLIT = "unknown"
_HELD_OUT = (Split.VALIDATION, Split.TEST)

Framer = Callable[[FaceSample], Callable[[int], FaceSample]]
"""Prepares a sample of a source, and returns a function from a side in pixels to the sample with
the crop of that size."""


def take_whole(sample: FaceSample) -> Callable[[int], FaceSample]:
    """Take the whole image as a face crop, at any size."""
    return lambda _size_px: sample


def iter_faces(
    source: Path, split: Wanted = None, *, report: ReadingReport | None = None
) -> Iterator[FaceSample]:
    """Read the labelled faces of a source one by one, in its own order.

    Args:
        source: A file or folder in one of the formats of `find_format`.
        split: The split or splits to read; None for all faces, including those without a split.
        report: Counts the faces that are left out and decides whether damaged ones are skipped.
            Without a report, a damaged face raises an error.

    Returns:
        A lazy iterator, in memory independent of the size of the source.

    Raises:
        DatasetError: At once if the source has no supported format; while iterating if a row or
            file is damaged.
    """
    source_format, path = find_format(source)
    return reader_of(source_format)(path, split, report or ReadingReport())


def load_faces(source: Path, split: Split | None = None, *, size_px: int = 48) -> FaceSet:
    """Read the labelled faces of a source into memory.

    Args:
        source: A file or folder in one of the formats of `find_format`.
        split: The split to read; None for all faces, including those without a split.
        size_px: Side of the square that every face is resized to.

    Returns:
        The faces. Assumptions of the reader are in `warnings`.

    Raises:
        DatasetError: The source is damaged, or has no faces of the split. In the latter case the
            message lists the splits of the source.
    """
    report = ReadingReport()
    faces = collect_faces(iter_faces(source, split, report=report), size_px)
    if not len(faces):
        raise report.no_faces(source) if split is None else no_faces_of(source, split)
    return replace(faces, warnings=tuple(report.warnings))


def has_split(source: Path, split: Split) -> bool:
    """Return whether a source has a face of a split; raise `DatasetError` if it is damaged."""
    return next(iter_faces(source, split), None) is not None


def held_out_split(source: Path) -> Split | None:
    """Choose the default split for evaluation.

    Returns:
        `validation` if the source has it, else `test`, else its only split (None if its faces have
        no split). A training split is never chosen if there is a held-out one.

    Raises:
        DatasetError: The source is damaged, or has several splits but no held-out one.
    """
    # Reading one split does not open the images of the others.
    for split in _HELD_OUT:
        if has_split(source, split):
            return split
    splits = {sample.split for sample in iter_faces(source)}
    if len(splits) <= 1:
        return next(iter(splits), None)
    names = ", ".join(sorted(split or UNKNOWN_SPLIT for split in splits))
    raise DatasetError(f"{source}: contains the splits {names}. Choose one of them.")


def folders_of_split(source: Path, split: Split) -> tuple[str, ...]:
    """List the names of the folders of a split; empty unless the source has class folders."""
    source_format, path = find_format(source)
    if source_format is not SourceFormat.CLASS_FOLDERS:
        return ()
    return class_folders.split_folders(path, split)


def load_splits(
    source: Path,
    sizes_px: Callable[[Split | None], Collection[int]],
    *,
    split: Wanted = None,
    framer: Framer = take_whole,
) -> dict[Split | None, dict[int, FaceSet]]:
    """Read several splits of a source into memory at several sizes, in one pass.

    Args:
        source: A file or folder in one of the formats of `find_format`.
        sizes_px: Returns the sides of the squares that the faces of a split are resized to, or
            nothing to skip the split.
        split: The split or splits to read; None for all faces, including those without a split.
        framer: Crops the face of every image; by default the whole image is a face crop.

    Returns:
        The faces by split and size. Assumptions of the reader are in `warnings`.

    Raises:
        DatasetError: The source is damaged, or has no faces.
    """
    report = ReadingReport()
    collectors: dict[Split | None, list[FaceCollector]] = {}
    for sample in iter_faces(source, split, report=report):
        if sample.split not in collectors:
            collectors[sample.split] = [FaceCollector(px) for px in sizes_px(sample.split)]
        wanted = collectors[sample.split]
        cropped = framer(sample) if wanted else take_whole(sample)
        for collector in wanted:
            collector.add(cropped(collector.size_px))
    if not collectors and split is None:
        raise report.no_faces(source)
    return {
        name: {one.size_px: one.faces(report.warnings) for one in of_split}
        for name, of_split in collectors.items()
    }


def no_faces_of(source: Path, split: Split) -> DatasetError:
    """Return an error for a source without faces of a split, which lists the splits it has."""
    # The missing split matters more than damaged faces.
    report = ReadingReport(skip_damaged=True)
    samples = iter_faces(source, report=report)
    counts = Counter(sample.split or UNKNOWN_SPLIT for sample in samples)
    if not counts:
        return report.no_faces(source)
    found = ", ".join(f"{n_faces} of split {name}" for name, n_faces in sorted(counts.items()))
    return DatasetError(f"{source}: has no faces of split {split}; found {found}")
