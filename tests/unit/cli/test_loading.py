import gc

import pytest

from emolens.cli.loading import loading
from emolens.core.errors import BrokenLibraryError


def test_modules_are_loaded_without_garbage_collection() -> None:
    with loading():
        assert not gc.isenabled()
    assert gc.isenabled()
    assert gc.get_freeze_count() > 0
    gc.unfreeze()


def test_a_missing_library_is_named() -> None:
    with pytest.raises(BrokenLibraryError, match="the library nowhere cannot be loaded"), loading():
        raise ModuleNotFoundError("No module named 'nowhere'", name="nowhere")
    assert gc.isenabled()
    gc.unfreeze()
