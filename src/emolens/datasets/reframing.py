"""Small changes of the crop of a face.

Data sets often contain the same photograph twice, with a slightly larger or shifted crop.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

THUMBNAIL_PX = 24
"""Side of the images in the first, coarse comparison."""
_CENTER = (THUMBNAIL_PX - 1) / 2


@dataclass(frozen=True, slots=True)
class Reframing:
    """Another square crop of the same image.

    Attributes:
        zoom: Side of the new crop divided by the side of the image.
        right_px: Shift of its centre to the right, in pixels of a thumbnail.
        down_px: Shift of its centre downwards, in pixels of a thumbnail.
        is_mirrored: Whether the image is mirrored first.
    """

    zoom: float = 1.0
    right_px: float = 0.0
    down_px: float = 0.0
    is_mirrored: bool = False

    @property
    def warp(self) -> npt.NDArray[np.float32]:
        """The affine map from the result to the (mirrored) thumbnail in pixels, float32 (2, 3)."""
        corner = _CENTER * (1 - self.zoom)
        return np.array(
            [[self.zoom, 0, corner + self.right_px], [0, self.zoom, corner + self.down_px]],
            np.float32,
        )

    def apply(self, thumbnail: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """Crop a uint8 (24, 24) thumbnail; outside of it, the border pixels are repeated."""
        image = mirrored(thumbnail) if self.is_mirrored else thumbnail
        return np.asarray(
            cv2.warpAffine(
                image,
                self.warp,
                (THUMBNAIL_PX, THUMBNAIL_PX),
                flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
                borderMode=cv2.BORDER_REPLICATE,
            ),
            np.uint8,
        )

    @property
    def mirror_image(self) -> "Reframing":
        """The reframing with the mirrored result."""
        return Reframing(self.zoom, -self.right_px, self.down_px, not self.is_mirrored)


def mirrored(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Mirror a grey image horizontally."""
    return np.ascontiguousarray(image[:, ::-1])
