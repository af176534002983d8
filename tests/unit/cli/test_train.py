from types import SimpleNamespace
from typing import cast

import pytest

from emolens.cli.train import _tell_sources
from emolens.training.faces import SourceCounts, TrainingFaces


def test_what_was_assumed_of_a_source_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    counts = SourceCounts("mine", 20, 10, {}, {}, 0, (), ("mine: the labels are numbers",))

    _tell_sources(cast("TrainingFaces", SimpleNamespace(sources=[counts])))

    assert capsys.readouterr().err.splitlines() == [
        "mine: 20 faces to learn from, 10 to measure on",
        "mine: the labels are numbers",
    ]
