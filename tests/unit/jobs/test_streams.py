from pathlib import Path

import pytest

from emolens.core.errors import ConfigError
from emolens.jobs.streams import check_not_source


def test_no_output_may_be_the_source_or_another_output(tmp_path: Path) -> None:
    source = tmp_path / "a.mkv"
    check_not_source(source, tmp_path / "b.mkv", None, "-", tmp_path / "c.csv")
    check_not_source(None, tmp_path / "b.mkv")
    with pytest.raises(ConfigError, match="the output would overwrite the source"):
        check_not_source(source, tmp_path / "x" / ".." / "a.mkv")
    with pytest.raises(ConfigError, match="the output would overwrite another output"):
        check_not_source(source, tmp_path / "b.csv", tmp_path / "b.csv")
