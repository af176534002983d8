"""Small changes of where a face was cut out.

The same photograph often stands in a data set twice, with a square that is a little larger or
stands a little to the side.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

THUMBNAIL_PX = 24
"""Side of the images that are compared first."""
_CENTER = (THUMBNAIL_PX - 1) / 2


@dataclass(frozen=True, slots=True)
class Reframing:
    """Another square of the same image.

    Attributes:
        zoom: Side of the other square over the side of the image.
        right_px: How far its centre stands to the right, in pixels of a thumbnail.
        down_px: How far it stands below.
        is_mirrored: Whether the image is mirrored before that.
    """

    zoom: float = 1.0
    right_px: float = 0.0
    down_px: float = 0.0
    is_mirrored: bool = False

    @property
    def warp(self) -> npt.NDArray[np.float32]:
        """float32 (2, 3): from pixels of the result to pixels of the (mirrored) thumbnail."""
        corner = _CENTER * (1 - self.zoom)
        return np.array(
            [[self.zoom, 0, corner + self.right_px], [0, self.zoom, corner + self.down_px]],
            np.float32,
        )

    def apply(self, thumbnail: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """Cut the other square out of a uint8 (24, 24) thumbnail; beyond it the border repeats."""
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
        """The reframing whose result is the mirror image of this one's."""
        return Reframing(self.zoom, -self.right_px, self.down_px, not self.is_mirrored)


def mirrored(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """A grey image with left and right exchanged."""
    return np.ascontiguousarray(image[:, ::-1])
