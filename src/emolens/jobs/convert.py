"""Any data set as one Parquet file."""

import itertools
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow.parquet as pq

from emolens.core.errors import ConfigError
from emolens.core.progress import Progress, silently
from emolens.datasets.faces import FaceSample
from emolens.datasets.loading import iter_faces
from emolens.datasets.readers.fer2013_parquet import SCHEMA, SUFFIXES, to_table, warnings_metadata
from emolens.datasets.reading import ReadingReport, without_folder
from emolens.imaging.crop import resize_gray_square
from emolens.storage.files import writing

# A row group: read back piece by piece, and written before memory notices.
_ROWS_AT_ONCE = 2048


@dataclass(frozen=True, slots=True)
class Converted:
    """A data set that was written as one file.

    Attributes:
        n_faces: Faces in it.
        report: What was left out, skipped, assumed.
    """

    n_faces: int
    report: ReadingReport


def convert_data(
    source: Path,
    out: Path,
    *,
    size_px: int | None = None,
    skip_damaged: bool = False,
    progress: Progress = silently,
) -> Converted:
    """Write a data set as one Parquet file: grey faces, labels, splits, people and FER+ votes.

    Args:
        source: Any source that `datasets.loading` reads.
        out: The file to write.
        size_px: Side of the square that every face is brought to; None keeps its own size.
        skip_damaged: Leave out and count faces that cannot be read.
        progress: Shows how far it is.

    Raises:
        ConfigError: Another ending than Parquet's.
        DatasetError: The source breaks its format, or has no faces.
        OutputError: The file cannot be written.
    """
    if out.suffix.lower() not in SUFFIXES:
        raise ConfigError(f"{out}: the file must end in {' or '.join(sorted(SUFFIXES))}")
    report = ReadingReport(skip_damaged=skip_damaged)
    samples = iter_faces(source, report=report)
    n_faces = 0
    with (
        progress("faces", None) as done,
        writing(out) as file,
        # Images are compressed already.
        pq.ParquetWriter(file, SCHEMA, compression="none") as writer,
    ):
        while part := list(itertools.islice(samples, _ROWS_AT_ONCE)):
            writer.write_table(to_table([_resized(sample, size_px) for sample in part]))
            n_faces += len(part)
            done(n_faces)
        writer.add_key_value_metadata(warnings_metadata(without_folder(report.warnings, source)))
        if not n_faces:
            raise report.no_faces(source)
    return Converted(n_faces, report)


def _resized(sample: FaceSample, size_px: int | None) -> FaceSample:
    if size_px is None:
        return sample
    return replace(sample, image=resize_gray_square(sample.image, size_px))
