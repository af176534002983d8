"""One door to every data set format: look at what a source is, then read it."""

from collections.abc import Iterator
from pathlib import Path

from emolens.core.errors import DatasetError
from emolens.datasets.faces import FaceSample, FaceSet, Split, collect_faces
from emolens.datasets.fer2013_parquet import iter_parquet


def iter_faces(source: Path, split: Split | None = None) -> Iterator[FaceSample]:
    """Read the labelled faces of a source one by one, in its own order."""
    if not source.exists():
        raise DatasetError(f"{source}: no such file or folder")
    files = sorted(source.glob("*.parquet")) if source.is_dir() else [source]
    for file in files:
        yield from iter_parquet(file, split)


def load_faces(source: Path, split: Split | None = None, *, size_px: int = 48) -> FaceSet:
    """Read the labelled faces of a source into memory, each brought to `size_px` squared."""
    faces = collect_faces(iter_faces(source, split), size_px)
    if not len(faces):
        wanted = "" if split is None else f" of split {split}"
        raise DatasetError(f"{source}: holds no faces{wanted}")
    return faces
