import re

from emolens.contract import SCHEMA_VERSION


def test_the_version_has_two_numbers() -> None:
    assert re.fullmatch(r"\d+\.\d+", SCHEMA_VERSION)
