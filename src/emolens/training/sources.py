"""Faces of one data section of a recipe: reading, cropping, cleaning, hold-out and targets."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from emolens.core.errors import ConfigError, DatasetError
from emolens.datasets.clean_file import COMPARED_SIZE_PX, rows_left_out
from emolens.datasets.cleaning import drop_faces, pixel_digests, refuse_faces
from emolens.datasets.faces import FaceSample, FaceSet, Split, collect_faces
from emolens.datasets.loading import iter_faces, load_faces
from emolens.datasets.reading import ReadingReport
from emolens.datasets.targets import TargetedFaces, with_targets
from emolens.imaging.crop import middle_square
from emolens.training.recipe import DataSection

_HASHED_BYTES = 8


@dataclass(frozen=True, slots=True, eq=False)
class SourceFaces:
    """Training and validation faces of one source.

    Attributes:
        section: Section of the recipe.
        training: Training faces.
        shares: float32 (N, 7), their targets; rows add up to 1. A `multi` target has equal shares
            of all correct classes.
        validation: Validation faces, labelled by their targets.
        n_dropped: Training faces dropped by each rule.
        report: Damaged faces and faces of other classes than the seven, of both splits.
        held_out: Digests of the pixels of all validation faces, including those without a target.
    """

    section: DataSection
    training: FaceSet
    shares: npt.NDArray[np.float32]
    validation: FaceSet
    n_dropped: dict[str, int]
    report: ReadingReport
    held_out: frozenset[bytes]

    def take(self, rows: npt.NDArray[np.int64]) -> "SourceFaces":
        """Select training faces by rows (int64), in that order."""
        return replace(self, training=self.training.take(rows), shares=self.shares[rows])


def load_source(section: DataSection, size_px: int) -> SourceFaces:
    """Read the training and validation faces of a source.

    Args:
        section: Section of the recipe.
        size_px: Side at which faces are kept.

    Raises:
        ConfigError: `hold_out` leaves a part empty, or the source has a validation split already.
        DatasetError: The data cannot be read, a split is empty or becomes empty, the source has no
            votes for the target, or the file of rows to drop belongs to other data.
    """
    reader = _Reader(section, size_px)
    cleaned, n_cleaned = _without_listed_rows(reader)
    if section.hold_out:
        training, validation = _hold_out(reader, cleaned)
    else:
        training, validation = cleaned, reader.validation()
    _refuse(training, validation, section)
    kept, n_dropped = drop_faces(training, section.drop, validation)
    targeted = _targeted(kept, section)
    all_dropped = {
        **n_cleaned,
        **{str(rule): n_faces for rule, n_faces in n_dropped.items()},
        **{f"no_target_{reason}": n_faces for reason, n_faces in targeted.n_without.items()},
    }
    return SourceFaces(
        section=section,
        training=targeted.faces,
        shares=targeted.shares,
        validation=_targeted(validation, section).faces,
        n_dropped=all_dropped,
        report=reader.report,
        held_out=frozenset(pixel_digests(validation.images)),
    )


def load_source_validation(section: DataSection, size_px: int) -> FaceSet:
    """Read only the validation faces of a source; raises the errors of `load_source`."""
    reader = _Reader(section, size_px)
    if section.hold_out:
        cleaned, _ = _without_listed_rows(reader)
        return _targeted(_hold_out(reader, cleaned)[1], section).faces
    return _targeted(reader.validation(), section).faces


def digests_of_test_split(section: DataSection, size_px: int) -> set[bytes]:
    """Compute digests of the pixels of the test split of a source, to detect leaks.

    Raises:
        DatasetError: The data cannot be read.
    """
    reader = _Reader(section, size_px)
    samples = reader.samples(section.source, Split.TEST)
    return set(pixel_digests(collect_faces(samples, size_px).images))


def _refuse(training: FaceSet, validation: FaceSet, section: DataSection) -> None:
    try:
        refuse_faces(training, section.refuse, validation)
    except DatasetError as error:
        raise DatasetError(f"{section.name} ({section.source}): {error}") from error


class _Reader:
    """A reader of the splits of a source that counts left-out and damaged faces.

    Attributes:
        keys: Groups of the training faces for the hold-out, filled by `training`: the subject or,
            if it is unknown, the digest of the original image.
    """

    def __init__(self, section: DataSection, size_px: int) -> None:
        self.section = section
        self.size_px = size_px
        self.report = ReadingReport(skip_damaged=section.damaged == "skip")
        self.keys: list[str] = []

    def samples(self, source: Path, split: Split | None) -> Iterator[FaceSample]:
        return map(self._cropped, iter_faces(source, split, report=self.report))

    def _cropped(self, sample: FaceSample) -> FaceSample:
        if self.section.crop == 1:
            return sample
        return replace(sample, image=middle_square(sample.image, self.section.crop))

    def training(self) -> FaceSet:
        """Read the `train` faces or, with `hold_out` and no splits, all faces."""
        source, size_px = self.section.source, self.size_px
        faces = collect_faces(self._keyed(source, Split.TRAIN), size_px)
        if not len(faces) and self.section.hold_out:
            faces = collect_faces(self._keyed(source, None), size_px)
        # Raises an error that lists the splits, if this one is empty.
        return faces if len(faces) else load_faces(source, Split.TRAIN, size_px=size_px)

    def _keyed(self, source: Path, split: Split | None) -> Iterator[FaceSample]:
        """Read the faces of a split, or those without a split, and record their keys."""
        for sample in iter_faces(source, split, report=self.report):
            if sample.split is split:
                if self.section.hold_out:
                    self.keys.append(sample.subject or pixel_digests(sample.image[None])[0].hex())
                yield self._cropped(sample)

    def has_validation(self) -> bool:
        """Return whether the source has a readable validation face."""
        return next(self.samples(self.section.source, Split.VALIDATION), None) is not None

    def validation(self) -> FaceSet:
        if self.section.is_unlabelled and self.section.validation is None:
            return collect_faces((), self.size_px)
        source = self.section.validation or self.section.source
        faces = collect_faces(self.samples(source, Split.VALIDATION), self.size_px)
        if len(faces):
            return faces
        try:
            return load_faces(source, Split.VALIDATION, size_px=self.size_px)
        except DatasetError as error:
            raise DatasetError(
                f"{str(error).rstrip('.')}. Set validation to a source with that split, or set "
                "hold_out = 0.1 to hold out training faces."
            ) from error


def _without_listed_rows(reader: _Reader) -> tuple[FaceSet, dict[str, int]]:
    """Drop the rows of `clean` from the training faces and their keys, and count them."""
    section = reader.section
    faces = reader.training()
    if section.clean is None:
        return faces, {}
    compared = faces
    if reader.size_px != COMPARED_SIZE_PX or section.crop < 1:
        whole = section.model_copy(update={"crop": 1.0})
        compared = _Reader(whole, COMPARED_SIZE_PX).training()
    left_out = rows_left_out(section.clean, compared)
    kept = np.delete(np.arange(len(faces)), left_out)
    reader.keys = [reader.keys[row] for row in kept] if reader.keys else []
    return faces.take(kept), {"clean": len(left_out)}


def _hold_out(reader: _Reader, faces: FaceSet) -> tuple[FaceSet, FaceSet]:
    """Split faces into training and validation by `reader.keys`."""
    section = reader.section
    if section.validation or reader.has_validation():
        reason = (
            f"validation is {section.validation}"
            if section.validation
            else "the source has a validation split"
        )
        raise ConfigError(
            f"{section.name}: hold_out is {section.hold_out}, but {reason}. Set hold_out to 0."
        )
    # Digests do not depend on order or size, so the same faces are held out in every recipe.
    digests = [hashlib.sha256(key.encode()).digest() for key in reader.keys]
    drawn = [int.from_bytes(digest[:_HASHED_BYTES]) for digest in digests]
    is_held_out = np.array(drawn) / 2 ** (8 * _HASHED_BYTES) < section.hold_out
    if is_held_out.all() or not is_held_out.any():
        raise ConfigError(
            f"{section.name}: hold_out = {section.hold_out} of {len(set(digests))} "
            f"{'images' if faces.subjects is None else 'subjects'} leaves the training or the "
            "validation split empty. Choose another fraction."
        )
    return faces.take(np.flatnonzero(~is_held_out)), faces.take(np.flatnonzero(is_held_out))


def _targeted(faces: FaceSet, section: DataSection) -> TargetedFaces:
    try:
        return with_targets(faces, section.target)
    except DatasetError as error:
        raise DatasetError(f"{section.name} ({section.source}): {error}") from error
