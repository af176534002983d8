"""Public fakes: stand-ins for models, for tests of this project and of its users."""

from emolens.testing.fakes import FakeClassifier, FakeDetector

__all__ = ["FakeClassifier", "FakeDetector"]
