import copy
import json
import pickle
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pytest

from emolens.core.records import ArrayRecord, ReadOnlyDict


@dataclass(frozen=True, slots=True, eq=False)
class Sample(ArrayRecord):
    values: npt.NDArray[np.float64]
    name: str = ""

    def __post_init__(self) -> None:
        if self.values.ndim != 1:
            raise ValueError("one axis only")


@dataclass(frozen=True, slots=True, eq=False)
class Other(ArrayRecord):
    values: npt.NDArray[np.float64]
    name: str = ""


def locked(*values: float) -> npt.NDArray[np.float64]:
    array = np.array(values)
    array.setflags(write=False)
    return array


def test_records_are_equal_when_what_they_hold_is() -> None:
    sample = Sample(locked(1, 2), "a")
    assert sample == Sample(locked(1, 2), "a")
    assert hash(sample) == hash(Sample(locked(1, 2), "a"))
    assert hash(Sample(locked(0.0))) == hash(Sample(locked(-0.0)))
    others = (Sample(locked(1, 3), "a"), Sample(locked(1, 2), "b"), Sample(locked(1), "a"))
    assert all(sample != other for other in others)
    assert sample != Other(locked(1, 2), "a")
    assert sample != "a"


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("is_locked", [False, True])
def test_arrays_are_as_writable_in_a_copy_as_before(protocol: int, is_locked: bool) -> None:
    sample = Sample(locked(1, 2) if is_locked else np.array([1.0, 2.0]))
    for made in (pickle.loads(pickle.dumps(sample, protocol)), copy.deepcopy(sample)):
        assert made == sample
        assert made.values.flags.writeable is not is_locked
        assert not np.shares_memory(made.values, sample.values)


def test_a_copy_is_checked_as_the_original_was() -> None:
    _, (kind, values, names) = Sample(locked(1)).__reduce__()
    forged = pickle.dumps(Sample(locked(1)), 2).replace(b"values", b"valves")
    assert (kind, list(values), names) == (Sample, ["values", "name"], ("values",))
    with pytest.raises((TypeError, KeyError)):
        pickle.loads(forged)


@pytest.mark.parametrize(
    "change",
    [
        lambda mapping: mapping.update(a=2.0),
        lambda mapping: mapping.pop("a"),
        lambda mapping: mapping.popitem(),
        lambda mapping: mapping.clear(),
        lambda mapping: mapping.setdefault("b", 1.0),
        lambda mapping: mapping.__setitem__("a", 2.0),
        lambda mapping: mapping.__delitem__("a"),
        lambda mapping: mapping.__ior__({"a": 2.0}),
    ],
)
def test_a_read_only_dict_cannot_be_changed(change: object) -> None:
    mapping = ReadOnlyDict(a=1.0)
    assert callable(change)
    with pytest.raises(TypeError, match="read-only"):
        change(mapping)
    assert mapping == {"a": 1.0}


def test_a_read_only_dict_is_copied_and_written_as_any_other() -> None:
    mapping = ReadOnlyDict(a=1.0)
    for made in (copy.copy(mapping), copy.deepcopy(mapping), pickle.loads(pickle.dumps(mapping))):
        assert (type(made), made) == (ReadOnlyDict, mapping)
    assert json.dumps(mapping) == '{"a": 1.0}'
    assert hash(mapping) == hash(ReadOnlyDict(a=1.0))
    assert {**mapping, "b": 2.0} == {"a": 1.0, "b": 2.0}
