"""Public test doubles: fake models, synthetic sources and drawn faces."""

from emolens.testing.drawn_faces import draw_face, drawn_faces
from emolens.testing.edited_clip import EditedSource, Shot, cut_clip, drawn_place
from emolens.testing.fakes import FakeClassifier, FakeDetector, SlowClassifier
from emolens.testing.marked_faces import MarkDetector, marked_image
from emolens.testing.sample_clip import collins, crossing_clip, crowd_clip, hopper
from emolens.testing.synthetic_source import Actor, SyntheticSource

__all__ = [
    "Actor",
    "EditedSource",
    "FakeClassifier",
    "FakeDetector",
    "MarkDetector",
    "Shot",
    "SlowClassifier",
    "SyntheticSource",
    "collins",
    "crossing_clip",
    "crowd_clip",
    "cut_clip",
    "draw_face",
    "drawn_faces",
    "drawn_place",
    "hopper",
    "marked_image",
    "sample_clip",
]
