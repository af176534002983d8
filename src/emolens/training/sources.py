"""The faces of one data section of a recipe: read, cropped, cleaned, held out, given targets."""

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
    """What one source gives.

    Attributes:
        section: What the recipe says of it.
        training: The faces to learn from.
        shares: float32 (N, 7), their targets; rows add up to 1, or are the classes that are right
            for a `multi` target, with equal shares.
        validation: The faces to measure on; labels are the classes that the targets name.
        n_dropped: Training faces that each rule named.
        report: Faces that could not be read or are none of the seven classes, of both splits.
        held_out: Digests of the pixels of all validation faces, of those without a target too.
    """

    section: DataSection
    training: FaceSet
    shares: npt.NDArray[np.float32]
    validation: FaceSet
    n_dropped: dict[str, int]
    report: ReadingReport
    held_out: frozenset[bytes]

    def take(self, rows: npt.NDArray[np.int64]) -> "SourceFaces":
        """The same with some of the training faces (int64), in that order."""
        return replace(self, training=self.training.take(rows), shares=self.shares[rows])


def load_source(section: DataSection, size_px: int) -> SourceFaces:
    """Read the training and validation faces of a source.

    Args:
        section: What the recipe says of it.
        size_px: Side at which faces are kept.

    Raises:
        ConfigError: A part is to be held out that would be empty, or though there is a validation
            split.
        DatasetError: The data cannot be read, a split is empty, nothing is left of it, the source
            has no votes for the target, or the file of rows to leave out was made for other data.
    """
    reader = _Reader(section, size_px)
    cleaned, n_cleaned = _without_listed_rows(reader)
    if section.hold_out:
        training, validation = _hold_out(reader, cleaned)
    else:
        training, validation = cleaned, reader.validation()
    _refuse(training, validation, section)
    kept, n_dropped = drop_faces(training, section.drop, validation)
    learnt = _targeted(kept, section)
    named = {
        **n_cleaned,
        **{str(rule): n_faces for rule, n_faces in n_dropped.items()},
        **{f"no_target_{why}": n_faces for why, n_faces in learnt.n_without.items()},
    }
    return SourceFaces(
        section=section,
        training=learnt.faces,
        shares=learnt.shares,
        validation=_targeted(validation, section).faces,
        n_dropped=named,
        report=reader.report,
        held_out=frozenset(pixel_digests(validation.images)),
    )


def load_source_validation(section: DataSection, size_px: int) -> FaceSet:
    """Read the validation faces of a source alone; raises as `load_source` does."""
    reader = _Reader(section, size_px)
    if section.hold_out:
        cleaned, _ = _without_listed_rows(reader)
        return _targeted(_hold_out(reader, cleaned)[1], section).faces
    return _targeted(reader.validation(), section).faces


def private_digests(section: DataSection, size_px: int) -> set[bytes]:
    """Digests of the pixels of every test face of a source, for a search for leaks.

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
    """Reads the splits of a source as its section says, counting what is left out.

    Attributes:
        keys: What keeps training faces on one side when a part is held out, after `training`: the
            person or, where that is not known, the image as it is in the source.
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
        """The `train` faces or, of a source without splits that holds out, all of them."""
        source, size_px = self.section.source, self.size_px
        faces = collect_faces(self._keyed(source, Split.TRAIN), size_px)
        if not len(faces) and self.section.hold_out:
            faces = collect_faces(self._keyed(source, None), size_px)
        # Says which splits there are where this one is empty.
        return faces if len(faces) else load_faces(source, Split.TRAIN, size_px=size_px)

    def _keyed(self, source: Path, split: Split | None) -> Iterator[FaceSample]:
        """The faces of a split, or those of no split, noting their keys."""
        for sample in iter_faces(source, split, report=self.report):
            if sample.split is split:
                if self.section.hold_out:
                    self.keys.append(sample.subject or pixel_digests(sample.image[None])[0].hex())
                yield self._cropped(sample)

    def has_validation(self) -> bool:
        """Whether the source has a validation face that can be read."""
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
                f"{error}; name a source with one as validation, or hold out a part of the "
                "training faces with hold_out = 0.1"
            ) from error


def _without_listed_rows(reader: _Reader) -> tuple[FaceSet, dict[str, int]]:
    """The training faces without those of `clean`, and how many these are; keys follow."""
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
    """Divide faces in two by `reader.keys`."""
    section = reader.section
    if section.validation or reader.has_validation():
        found = f"{section.validation} is named as" if section.validation else "the source has"
        raise ConfigError(
            f"{section.name}: hold_out is for sources without a validation split, but {found} one; "
            "set hold_out to 0"
        )
    # A digest depends on neither order nor size, so the same faces are held out in every recipe.
    digests = [hashlib.sha256(key.encode()).digest() for key in reader.keys]
    drawn = [int.from_bytes(digest[:_HASHED_BYTES]) for digest in digests]
    is_held_out = np.array(drawn) / 2 ** (8 * _HASHED_BYTES) < section.hold_out
    if is_held_out.all() or not is_held_out.any():
        raise ConfigError(
            f"{section.name}: hold_out = {section.hold_out} of {len(set(digests))} "
            f"{'images' if faces.subjects is None else 'people'} leaves the training or the "
            "validation without faces; choose another part"
        )
    return faces.take(np.flatnonzero(~is_held_out)), faces.take(np.flatnonzero(is_held_out))


def _targeted(faces: FaceSet, section: DataSection) -> TargetedFaces:
    try:
        return with_targets(faces, section.target)
    except DatasetError as error:
        raise DatasetError(f"{section.name} ({section.source}): {error}") from error
