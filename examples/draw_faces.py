"""Draw boxes, labels and probabilities on an image.

python examples/draw_faces.py photo.jpg drawn.jpg
"""

import sys

import cv2
import numpy as np

import emolens


def main(source: str, target: str) -> None:
    """Draw the faces of an image, largest first, and print their labels."""
    loaded = cv2.imread(source)
    if loaded is None:
        sys.exit(f"{source}: not a readable image")
    image = np.asarray(loaded, np.uint8)
    result = emolens.analyze(image)  # a uint8 (H, W, 3) BGR array, a path or bytes
    for face in result.faces:
        print(face.label or f"uncertain, {face.top} at most", f"{face.confidence:.0%}")
    cv2.imwrite(target, emolens.draw_faces(image, result.faces))


if __name__ == "__main__":
    main(*sys.argv[1:])
