"""Cut the largest face out of each image of a Parquet file, as emolens frames faces.

The result is a source for `emolens train` with one split, `Training`, and unchanged labels. It
makes images with a wider framing than FER2013's usable for training (0020-learning.md):

    python docs/experiments/frame_faces.py $EMOLENS_DATA/wild/more.parquet runs/more.parquet \
        --label weak_label

The file contains images of people: handle it like its source.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
import pyarrow.parquet as pq
from rich.progress import track

from emolens.core.emotion import Emotion
from emolens.datasets.faces import FaceSample, Split
from emolens.datasets.readers.fer2013_parquet import to_table
from emolens.detection.factory import (
    DEFAULT_DETECTOR,
    load_detector,
    resolve_detector_name,
    usual_side_px,
)
from emolens.pipeline.framed_face import cut_faces, detect_regions
from emolens.storage.files import writing

SIZE_PX = 48


def main() -> None:
    """Write the faces, and print the number of faces and images."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument(
        "--image",
        default="picture",  # codespell:ignore picture
        help="column of encoded images",
    )
    parser.add_argument("--label", default="label", help="column of labels, in words")
    options = parser.parse_args()
    table = pq.read_table(options.source, columns=[options.image, options.label]).to_pylist()
    name = resolve_detector_name(DEFAULT_DETECTOR)
    detector = load_detector(name, long_side_px=usual_side_px(name))
    samples = []
    for number, row in enumerate(track(table, options.source.name, transient=True), start=1):
        encoded = np.frombuffer(row[options.image], np.uint8)
        image = np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR), np.uint8)
        # The largest comes first.
        largest = detect_regions(detector, image)[:1]
        for face in cut_faces(image, largest, size_px=SIZE_PX):
            label = Emotion.from_label(row[options.label])
            samples.append(FaceSample(face.crop, label, Split.TRAIN, f"row {number}"))
    with writing(options.out) as file:
        pq.write_table(to_table(samples), file, compression="none")
    print(f"wrote {options.out}: {len(samples):,} faces of {len(table):,} images")


if __name__ == "__main__":
    main()
