import math
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import pytest

from emolens.core.description import description_of, settings_of


class Kind(StrEnum):
    ONE = "one"


@dataclass(frozen=True)
class Inner:
    limit: float = 0.5


@dataclass(frozen=True)
class Settings:
    rate_hz: float | None = None
    longest_s: float = math.inf
    kind: Kind = Kind.ONE
    data: Path = Path("/home/jane/study/faces.csv")
    model: str = "C:\\Users\\jane\\mine.onnx"
    inner: Inner = Inner()
    progress: Callable[[], None] = print
    cache: dict[str, str] = field(default_factory=dict, init=False)


def test_every_setting_becomes_a_plain_value_without_a_folder() -> None:
    assert settings_of(Settings()) == {
        "rate_hz": None,
        "longest_s": None,
        "kind": "one",
        "data": "faces.csv",
        "model": "mine.onnx",
        "inner.limit": 0.5,
    }


def test_a_setting_can_be_left_out_by_its_name_only() -> None:
    assert "rate_hz" not in settings_of(Settings(), without=("rate_hz",))
    with pytest.raises(TypeError, match="rate"):
        settings_of(Settings(), without=("rate",))


def test_a_setting_that_cannot_be_recorded_is_an_error() -> None:
    @dataclass
    class Odd:
        names: tuple[str, ...] = ("a",)

    with pytest.raises(TypeError, match="names"):
        settings_of(Odd())
    with pytest.raises(TypeError, match="dataclass"):
        settings_of({"a": 1})


def test_a_component_that_does_not_describe_itself_states_nothing() -> None:
    assert description_of(object()) == {}
