"""Conversion of a data set to one Parquet file."""

import itertools
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow.parquet as pq

from emolens.contract import EMBEDDED_KEY
from emolens.core.progress import Progress, silently
from emolens.datasets.faces import FaceSample
from emolens.datasets.loading import iter_faces
from emolens.datasets.readers.fer2013_parquet import SCHEMA, SUFFIXES, to_table, warnings_metadata
from emolens.datasets.reading import ReadingReport, without_folder
from emolens.imaging.crop import resize_gray_square
from emolens.jobs.sources import data_record
from emolens.pipeline.provenance import provenance
from emolens.storage.files import writing
from emolens.storage.names import check_suffix

# One row group. Reading and writing in groups keeps memory use low.
_ROWS_PER_GROUP = 2048


@dataclass(frozen=True, slots=True)
class Converted:
    """The result of a conversion.

    Attributes:
        n_faces: Number of faces in the file.
        report: Faces left out or skipped, and warnings.
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
    """Convert a data set to one Parquet file: grey faces, labels, splits, subjects, FER+ votes.

    Args:
        source: Data set in any format that `datasets.loading` reads.
        out: Parquet file to write.
        size_px: Side in pixels of the square to resize faces to; None keeps their sizes.
        skip_damaged: Skip and count damaged faces instead of raising an error.
        progress: Progress callback.

    Raises:
        ConfigError: The file name does not have a suffix of Parquet files.
        DatasetError: The source violates its format, or has no faces.
        OutputError: The file cannot be written.
    """
    check_suffix(out, SUFFIXES)
    report = ReadingReport(skip_damaged=skip_damaged)
    samples = iter_faces(source, report=report)
    settings = {"size_px": size_px, "skip_damaged": skip_damaged}
    made = provenance(settings, source=data_record([source]))
    n_faces = 0
    with (
        progress("faces", None) as done,
        writing(out) as file,
        # Images are compressed already.
        pq.ParquetWriter(file, SCHEMA, compression="none") as writer,
    ):
        while part := list(itertools.islice(samples, _ROWS_PER_GROUP)):
            writer.write_table(to_table([_resized(sample, size_px) for sample in part]))
            n_faces += len(part)
            done(n_faces)
        warnings = warnings_metadata(without_folder(report.warnings, source))
        writer.add_key_value_metadata({**warnings, EMBEDDED_KEY: made.to_json()})
        if not n_faces:
            raise report.no_faces(source)
    return Converted(n_faces, report)


def _resized(sample: FaceSample, size_px: int | None) -> FaceSample:
    if size_px is None:
        return sample
    return replace(sample, image=resize_gray_square(sample.image, size_px))
