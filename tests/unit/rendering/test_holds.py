import pytest

from emolens.rendering.holds import HOLD_S, Holds


def held_at(*moments: tuple[float, str]) -> Holds[int, str]:
    holds: Holds[int, str] = Holds()
    for at_s, value in moments:
        holds.renew({1: value}, at_s)
    return holds


def test_a_value_is_held_for_a_moment() -> None:
    holds = held_at((10.0, "left"))
    assert holds.get(1, 10.0 + HOLD_S / 2) == "left"
    assert holds.get(1, 10.0 + HOLD_S) is None
    assert holds.get(2, 10.0) is None


def test_a_value_that_stays_keeps_its_time_and_is_free_in_between() -> None:
    holds = held_at(*((HOLD_S * n / 4, "left") for n in range(4)))
    assert holds.get(1, HOLD_S) is None
    holds.renew({1: "left"}, HOLD_S)
    assert holds.get(1, HOLD_S * 1.5) == "left"


def test_a_change_starts_anew() -> None:
    holds = held_at((0.0, "left"), (HOLD_S * 0.9, "right"))
    assert holds.get(1, HOLD_S * 1.8) == "right"


def test_what_is_gone_is_forgotten() -> None:
    holds = held_at((0.0, "left"))
    holds.renew({}, 0.1)
    assert holds.get(1, 0.1) is None


@pytest.mark.parametrize("at_s", [-1.0, 9.9])
def test_an_earlier_time_belongs_to_another_stream(at_s: float) -> None:
    assert held_at((10.0, "left")).get(1, at_s) is None


def test_a_value_that_is_started_again_is_held_longer() -> None:
    holds = held_at((0.0, "left"))
    holds.restart({1: "left"}, HOLD_S * 0.9)
    assert holds.get(1, HOLD_S * 1.8) == "left"
