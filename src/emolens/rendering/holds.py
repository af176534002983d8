"""Memory that keeps drawings steady from frame to frame."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

# A value that changed stays at least this long, unless it no longer fits.
HOLD_S: Final = 1.5

_Key = TypeVar("_Key", bound=Hashable)
_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class _Held(Generic[_Value]):
    value: _Value
    since_s: float


class Holds(Generic[_Key, _Value]):
    """The last value of each key, held for a moment.

    A held value is preferred to a better one, so that a drawing stays where it is.
    """

    def __init__(self) -> None:
        self._held: dict[_Key, _Held[_Value]] = {}

    def get(self, key: _Key, now_s: float) -> _Value | None:
        """Return the value that a key must keep if possible, or None."""
        held = self._held.get(key)
        return held.value if held and 0 <= now_s - held.since_s < HOLD_S else None

    def renew(self, values: dict[_Key, _Value], now_s: float) -> None:
        """Replace all values by those of the current frame; a value that is held keeps its time."""
        renewed = {}
        for key, value in values.items():
            is_held = self.get(key, now_s) == value
            since_s = self._held[key].since_s if is_held else now_s
            renewed[key] = _Held(value, since_s)
        self._held = renewed

    def restart(self, values: dict[_Key, _Value], now_s: float) -> None:
        """Replace all values, to be held from now on."""
        self._held = {key: _Held(value, now_s) for key, value in values.items()}
