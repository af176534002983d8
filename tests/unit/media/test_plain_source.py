from collections.abc import Iterator
from typing import Self

import numpy as np
import pytest

from emolens.core.errors import ConfigError
from emolens.core.frame import Frame
from emolens.core.ports import FrameSource
from emolens.media.open_source import plan_of_frames
from emolens.media.plain_source import PlainSource
from emolens.media.push_source import PushSource


class Own:
    """What a user may write: frames, and a way to close."""

    def __init__(self) -> None:
        self.is_open = False

    def __enter__(self) -> Self:
        self.is_open = True
        return self

    def __exit__(self, *_: object) -> None:
        self.is_open = False

    def __iter__(self) -> Iterator[Frame]:
        yield Frame(np.zeros((2, 2, 3), np.uint8))


def test_an_object_that_gives_frames_becomes_a_source() -> None:
    own = Own()
    plan = plan_of_frames(own)
    assert (plan.name, plan.is_endless, plan.is_live, plan.path) == ("Own", False, False, None)
    with plan.open() as source:
        assert isinstance(source, PlainSource)
        assert isinstance(source, FrameSource)
        assert own.is_open
        assert len(list(source)) == 1
        assert (source.report.n_expected, source.report.warnings) == (None, [])
    assert not own.is_open


def test_a_source_is_taken_as_it_is() -> None:
    pushed = PushSource()
    plan = plan_of_frames(pushed, name="game")
    assert (plan.name, plan.is_live) == ("game", True)
    assert plan.open() is pushed


@pytest.mark.parametrize("other", [[1, 2], 3.5, None])
def test_anything_else_is_refused(other: object) -> None:
    with pytest.raises(ConfigError, match="source is of type .*; allowed: a camera number"):
        plan_of_frames(other)
