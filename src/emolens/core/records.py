"""Frozen dataclasses with arrays, and read-only mappings.

Copied and unpickled numpy arrays are writable, and `mappingproxy` objects and weak references can
be neither copied nor pickled. The types of this module stay read-only in other processes too.
"""

from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any, NoReturn

import numpy as np

_HASHED_VALUES = 16


def public_name(name: str) -> str:
    """Return a file name with its undecodable bytes escaped, because text formats refuse them."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


class ArrayRecord:
    """A base class for frozen dataclasses with arrays, which must set `eq=False`.

    Records are equal if their types and all values are equal. Copies, deep copies and unpickled
    records pass the same checks as the original, and their read-only arrays stay read-only.
    """

    __slots__ = ()

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), *_values_and_locks(self))

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(map(_is_same, _values(self).values(), _values(other).values()))

    def __hash__(self) -> int:
        return hash(tuple(map(_to_hashable, _values(self).values())))


class ReadOnlyDict(dict[str, float]):
    """A read-only dict that can be pickled, copied and written as JSON."""

    __slots__ = ()

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (dict(self),)

    def __hash__(self) -> int:  # type: ignore[override]  # a dict has none
        return hash(frozenset(self.items()))

    def _refuse(self, *_: object, **__: object) -> NoReturn:
        raise TypeError("the mapping is read-only. Change a copy: dict(mapping)")

    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse


def _values(record: object) -> dict[str, Any]:
    return {key.name: getattr(record, key.name) for key in fields(record)}  # type: ignore[arg-type]  # subclasses are dataclasses


def _values_and_locks(record: object) -> tuple[dict[str, Any], tuple[str, ...]]:
    values = _values(record)
    locked = (
        name
        for name, value in values.items()
        if isinstance(value, np.ndarray) and not value.flags.writeable
    )
    return values, tuple(locked)


def _rebuild(
    kind: type[ArrayRecord], values: Mapping[str, Any], locked: Iterable[str]
) -> ArrayRecord:
    for name in locked:
        values[name].setflags(write=False)
    return kind(**values)


def _is_same(one: object, other: object) -> bool:
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        return type(one) is type(other) and np.array_equal(one, other)  # type: ignore[arg-type]  # it takes any object
    return bool(one == other)


def _to_hashable(value: object) -> object:
    if isinstance(value, np.ndarray):
        return value.shape, tuple(value.flat[:_HASHED_VALUES].tolist())
    return value
