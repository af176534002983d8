"""Public fakes: stand-ins for models and for people, for tests of this project and its users."""

from emolens.testing.drawn_faces import draw_face, drawn_faces
from emolens.testing.fakes import FakeClassifier, FakeDetector

__all__ = ["FakeClassifier", "FakeDetector", "draw_face", "drawn_faces"]
