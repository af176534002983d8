import importlib.util

import pytest

from emolens.core.errors import SourceError
from emolens.imaging.decode import read_image
from emolens.media.sample import sample_image, second_sample_image


def test_the_samples_are_images() -> None:
    assert read_image(sample_image()).image.shape == (512, 512, 3)
    assert read_image(second_sample_image()).image.shape == (600, 512, 3)


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(SourceError, match="reinstall matplotlib"):
        second_sample_image()
