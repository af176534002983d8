"""Images of one face each for the landmark network, and images without faces."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from emolens.core.errors import DatasetError
from emolens.datasets.loading import iter_faces
from emolens.datasets.locate import locate
from emolens.datasets.readers.fer2013_parquet import SUFFIXES
from emolens.imaging.crop import resize_gray_square
from emolens.imaging.decode import decode_image, read_image
from emolens.imaging.listing import counts_as_image, no_images
from emolens.imaging.preprocess import to_gray
from emolens.training.landmarks.recipe import ImagesSection

IMAGE_COLUMN: Final = "picture"  # codespell:ignore
"""The column of encoded images in a Parquet file without the columns of FER2013."""
# scikit-image's sample images without people and without anything like a face.
_SAMPLES: Final = (
    *("brick.png", "cell.png", "chelsea.png", "clock_motion.png", "coffee.png", "coins.png"),
    *("grass.png", "gravel.png", "horse.png", "hubble_deep_field.jpg", "ihc.png"),
    *("microaneurysms.png", "moon.png", "motorcycle_left.png", "page.png", "retina.jpg"),
    *("rocket.jpg", "text.png", "color.png", "logo.png"),
)
_N_BACKGROUNDS: Final = 4096
_SMALLEST_PART_PX: Final = 24
_TEXTURE_SHARE: Final = 0.25
_Gray = npt.NDArray[np.uint8]


def load_images(section: ImagesSection) -> list[_Gray]:
    """Read the images of one section.

    Returns:
        uint8 (S, S), grey, each of its own side. Images that are not square are padded with their
        border.

    Raises:
        DatasetError: The source does not exist, cannot be read, or has no image.
    """
    images = [resize_gray_square(face, max(face.shape)) for face in _iter_images(section)]
    if not images:
        of_split = f" of split {section.split}" if section.split else ""
        raise DatasetError(f"{section.source}: holds no images{of_split}")
    return images


def _iter_images(section: ImagesSection) -> Iterator[_Gray]:
    source = locate(section.source)
    if _has_image_column(source):
        yield from _iter_column(source)
        return
    for sample in iter_faces(section.source, section.split):
        yield sample.image


def _has_image_column(source: Path) -> bool:
    if source.suffix.lower() not in SUFFIXES or not source.is_file():
        return False
    try:
        return IMAGE_COLUMN in pq.read_schema(source).names
    except (OSError, ValueError) as error:
        raise DatasetError(f"{source}: damaged Parquet file: {error}") from error


def _iter_column(source: Path) -> Iterator[_Gray]:
    row = 0
    for batch in pq.ParquetFile(source).iter_batches(columns=[IMAGE_COLUMN]):
        for content in batch.column(0).to_pylist():
            row += 1
            if not isinstance(content, bytes):
                raise DatasetError(
                    f"{source}, row {row}: {IMAGE_COLUMN} must be the bytes of an image"
                )
            yield to_gray(decode_image(content).image)


def load_backgrounds(folder: Path | None, size_px: int, seed: int) -> _Gray:
    """Draw random crops of images without faces, and random textures.

    Args:
        folder: Images besides those of scikit-image, or None.
        size_px: Side of the results.
        seed: Random seed.

    Returns:
        uint8 (N, size_px, size_px), grey.

    Raises:
        InputError: The folder has no image, or a damaged one.
    """
    rng = np.random.default_rng(seed)
    images = [to_gray(read_image(path).image) for path in _background_paths(folder)]
    n_textures = round(_TEXTURE_SHARE * _N_BACKGROUNDS)
    parts = [_random_part(images, size_px, rng) for _ in range(_N_BACKGROUNDS - n_textures)]
    return np.stack(parts + [_texture(size_px, rng) for _ in range(n_textures)])


def _background_paths(folder: Path | None) -> list[Path]:
    spec = importlib.util.find_spec("skimage")
    roots = list(spec.submodule_search_locations or []) if spec else []
    samples = [Path(root) / "data" / name for root in roots for name in _SAMPLES]
    found = [path for path in samples if path.exists()]
    if folder is None:
        return found
    own = sorted(path for path in folder.rglob("*") if path.is_file() and counts_as_image(path))
    if not own:
        raise no_images(folder)
    return found + own


def _random_part(images: list[_Gray], size_px: int, rng: np.random.Generator) -> _Gray:
    image = images[int(rng.integers(len(images)))]
    height, width = image.shape
    largest = min(height, width)
    side = round(float(np.exp(rng.uniform(np.log(_SMALLEST_PART_PX), np.log(largest)))))
    top, left = int(rng.integers(height - side + 1)), int(rng.integers(width - side + 1))
    part = resize_gray_square(image[top : top + side, left : left + side], size_px)
    turned = np.rot90(part, int(rng.integers(4)))
    return np.ascontiguousarray(turned if rng.random() < 0.5 else 255 - turned)


def _texture(size_px: int, rng: np.random.Generator) -> _Gray:
    """Draw noise of random grain with ellipses, because blobs cause false detections."""
    cells = int(rng.integers(2, 40))
    noise = rng.random((cells, cells)).astype(np.float32)
    texture = cv2.resize(noise, (size_px, size_px), interpolation=cv2.INTER_CUBIC)
    texture = rng.uniform(40, 255) * np.clip(texture, 0, 1)
    for _ in range(int(rng.integers(0, 7))):
        center = tuple(int(value) for value in rng.integers(0, size_px, 2))
        axes = tuple(int(value) for value in rng.integers(2, size_px // 3, 2))
        angle, level = float(rng.uniform(0, 180)), float(rng.uniform(0, 255))
        cv2.ellipse(texture, center, axes, angle, 0, 360, level, thickness=-1)
    return np.asarray(np.clip(texture, 0, 255), np.uint8)
