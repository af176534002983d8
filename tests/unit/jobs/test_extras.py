"""Requirements of optional features."""

import os
import tempfile

import pytest

from emolens.core.errors import MissingExtraError, OutputError
from emolens.jobs import extras


def test_a_missing_package_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras, "_SERVER_PACKAGES", ("no_such_package",))
    with pytest.raises(MissingExtraError, match=r"'no_such_package'.*\[serve\]"):
        extras.require_server("emolens serve")


def test_a_temporary_folder_that_cannot_be_written_is_an_error_with_advice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(**_: object) -> str:
        raise OSError(28, os.strerror(28))

    extras._keep_caches_out_of_home.cache_clear()
    monkeypatch.setattr(tempfile, "mkdtemp", refuse)
    with pytest.raises(OutputError, match=r"No space left on device\. Free some space.*TMPDIR"):
        extras.require_server("emolens serve")
