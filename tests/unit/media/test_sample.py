import importlib.util

import pytest

from emolens.core.errors import SourceError
from emolens.imaging.decode import read_image
from emolens.media.sample import sample_picture


def test_the_sample_is_a_picture() -> None:
    assert read_image(sample_picture()).image.shape == (512, 512, 3)


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(SourceError, match="install scikit-image again"):
        sample_picture()
