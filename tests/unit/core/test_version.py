import emolens
from emolens.core.version import emolens_version


def test_the_version_is_that_of_the_package() -> None:
    assert emolens_version() == emolens.__version__
