"""Cropping of the faces in images, in the framing that classifiers receive."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from emolens.core.errors import ConfigError, EmolensError
from emolens.imaging.decode import DecodedImage
from emolens.imaging.turn import crop_turned
from emolens.jobs.images import explaining_errors, images_provenance, named_error, read_one
from emolens.media.annotated_image_sink import AnnotatedImageSink
from emolens.media.standard_input import STDIN, STDIN_NAME
from emolens.media.table_file import TableFile
from emolens.pipeline.analyzer import ImageAnalyzer
from emolens.pipeline.framed_face import FramedFace, cut_faces

if TYPE_CHECKING:
    from emolens.contract import CropRow, Provenance

TABLE: Final = "crops.csv"
MIN_SIZE_PX: Final = 8
MAX_SIZE_PX: Final = 2048


@dataclass(frozen=True, slots=True)
class CropJob:
    """The settings of cropping.

    Attributes:
        size_px: Side of the crops in pixels, 8 to 2048; None means the side of the model's input.
        color: Whether to keep colours and light as they are. Otherwise crops are grey, and narrow
            levels are spread, exactly as classifiers receive them.
        min_size_px: Faces whose cropped square is smaller than this side get no file.
        force: Whether to write to a folder that has files, and to replace files of the same name.
    """

    size_px: int | None = None
    color: bool = False
    min_size_px: float = 0.0
    force: bool = False

    def __post_init__(self) -> None:
        if self.size_px is not None and not MIN_SIZE_PX <= self.size_px <= MAX_SIZE_PX:
            raise ConfigError(
                f"size_px (--size) is {self.size_px}; allowed: {MIN_SIZE_PX} to {MAX_SIZE_PX}"
            )


@dataclass(slots=True)
class CropOutcome:
    """The outcome of one image.

    Attributes:
        path: Path of the image, as given.
        n_faces: Number of detected faces.
        n_files: Number of crops written.
        warnings: Warnings about the image.
        error: The error if the image cannot be read, or None.
    """

    path: str
    n_faces: int = 0
    n_files: int = 0
    warnings: tuple[str, ...] = ()
    error: EmolensError | None = None

    @property
    def message(self) -> str:
        """The error with the path, for users."""
        return named_error(self.path, self.error)


def check_crop_folder(out: Path, job: CropJob) -> None:
    """Check that no file can be replaced by accident.

    Raises:
        ConfigError: The folder is a file, or has files without `force`.
    """
    if out.exists() and not out.is_dir():
        raise ConfigError(f"{out} is a file; the last argument is the folder to write to.")
    if not job.force and out.is_dir() and any(out.iterdir()):
        raise ConfigError(
            f"the folder {out} is not empty; allowed: a new or an empty folder. Use --force to "
            "write to it and to replace files of the same name."
        )


def crop_images(
    analyzer: ImageAnalyzer,
    paths: Sequence[str],
    out: Path,
    job: CropJob | None = None,
    *,
    read: Callable[[str], DecodedImage] = read_one,
) -> Iterator[CropOutcome]:
    """Crop the faces of images lazily, in order, and list them in `crops.csv`.

    Args:
        analyzer: Analyzer that detects and frames the faces.
        paths: Image files.
        out: Folder for the crops and their table. Crops keep the subfolders of their images.
        job: Settings.
        read: Reads an image.

    Yields:
        One outcome per path. The table appears when the iteration ends, also early.

    Raises:
        ConfigError: As for `check_crop_folder`.
        OutputError: A file cannot be written.
    """
    from emolens.contract import CropRow  # noqa: PLC0415 (pydantic is slow to load)

    job = job or CropJob()
    check_crop_folder(out, job)
    files, made = AnnotatedImageSink(out, paths), crops_provenance(analyzer, job)
    of_all = images_provenance(made, paths)
    with contextlib.closing(TableFile(out / TABLE, CropRow, made=of_all)) as table:
        for path in paths:
            outcome = CropOutcome(path)
            rows = list(_crop(analyzer, outcome, files, job, read, made=made))
            table.add(row.model_dump() for row in rows)
            yield outcome


def crops_provenance(analyzer: ImageAnalyzer, job: CropJob) -> "Provenance":
    """Return the record of how crops are made, without an input and without a model.

    No face is classified, so that the record has no setting of the classification.
    """
    made = analyzer.provenance
    settings = {key: value for key, value in made.settings.items() if key != "min_confidence"}
    settings |= {
        "crop_px": job.size_px or analyzer.crop_px,
        "crop_color": job.color,
        "crop_min_size_px": job.min_size_px,
    }
    return made.model_copy(update={"model": None, "settings": settings})


def _crop(
    analyzer: ImageAnalyzer,
    outcome: CropOutcome,
    files: AnnotatedImageSink,
    job: CropJob,
    read: Callable[[str], DecodedImage],
    *,
    made: "Provenance",
) -> Iterator["CropRow"]:
    """Write the crops of one image and yield its rows."""
    from emolens.contract import CropRow  # noqa: PLC0415 (pydantic is slow to load)

    try:
        with explaining_errors():
            decoded = read(outcome.path)
            faces = analyzer.frame_faces(decoded.image)
    except EmolensError as error:
        outcome.error = error
        yield CropRow(path=outcome.path, error=error.code, message=str(error))
        return
    outcome.n_faces, outcome.warnings = len(faces), decoded.warnings
    height, width = decoded.image.shape[:2]
    source = _source(outcome.path)
    of_image = made.of_image(str(source), (width, height))
    for number, face in enumerate(faces, start=1):
        file = None
        if face.square.width >= job.min_size_px:
            pixels = _pixels(decoded.image, face, job)
            name = str(source.with_name(f"{source.stem}-{number}.png"))
            written = files.write(name, pixels, made=of_image)
            file = written.path.relative_to(files.folder).as_posix()
            outcome.n_files += 1
        yield _row(outcome.path, number, face, file)
    if not faces:
        yield CropRow(path=outcome.path, width=width, height=height)


def _source(path: str) -> Path:
    return Path(STDIN_NAME if path == STDIN else path)


def _pixels(image: npt.NDArray[np.uint8], face: FramedFace, job: CropJob) -> npt.NDArray[np.uint8]:
    """Return uint8 (S, S) grey, or (S, S, 3) BGR."""
    size_px = job.size_px or len(face.crop)
    if job.color:
        return crop_turned(image, face.square, size_px, roll_degrees=face.turn_degrees)
    (framed,) = cut_faces(image, [(face.square, face.detection)], size_px=size_px)
    return framed.crop


def _row(path: str, number: int, face: FramedFace, file: str | None) -> "CropRow":
    from emolens.contract import CropRow  # noqa: PLC0415 (pydantic is slow to load)

    quality, detection = face.assess(), face.detection
    box = (face.square if detection is None else detection.box).clip(face.size_wh)
    width, height = face.size_wh
    return CropRow(
        file=file,
        path=path,
        face=number,
        width=width,
        height=height,
        **dict(zip(("x_min", "y_min", "x_max", "y_max"), box.to_tuple(), strict=True)),
        crop_x_min=face.square.x_min,
        crop_y_min=face.square.y_min,
        crop_side=face.square.width,
        turn_degrees=face.turn_degrees,
        detection_score=None if detection is None else detection.score,
        sharpness=quality.sharpness,
        assessable=quality.is_assessable,
        reasons=" ".join(reason.value for reason in quality.reasons) or None,
    )
