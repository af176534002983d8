"""One run of everything that requests use, so that the first one is as fast as the others."""

import gc

from emolens.contract import frame_record, image_record
from emolens.core.frame import Frame
from emolens.imaging.decode import read_image
from emolens.media.sample import sample_image
from emolens.pipeline.models import Models

_N_FACES = 4


def warm_up(models: Models) -> None:
    """Analyse a bundled image as an image and as a stream.

    Raises:
        ModelError: A model cannot be loaded or fails.
    """
    image = read_image(sample_image()).image
    analyzer = models.image_analyzer()
    image_record("image", analyzer.analyze_image(image))
    stream = models.stream_analyzer()
    # Cameras are 4:3; the input of the detector has the shape of the frame.
    frame_record(stream.step(Frame(image[: image.shape[1] * 3 // 4])))
    # ONNX Runtime plans its memory at the first run with each size of a batch.
    (face,) = analyzer.frame_faces(image)[:1]
    for n_faces in (2, _N_FACES):
        models.classifier.classify([face.crop] * n_faces)
    gc.collect()
    gc.freeze()
