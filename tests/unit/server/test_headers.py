"""IDs of requests."""

import pytest

from emolens.server.headers import request_id_of


def test_a_plain_id_is_kept() -> None:
    for given in ("a", "abc-DEF_1", "x" * 64):
        assert request_id_of(given) == given


@pytest.mark.parametrize("given", ["", "a b", "x" * 65, "a;b", "ä", "a\n", "a\r\nb"])
def test_another_one_is_replaced(given: str) -> None:
    made = request_id_of(given)
    assert made != given
    assert request_id_of(made) == made


def test_new_ids_differ() -> None:
    assert len({request_id_of("") for _ in range(1000)}) == 1000
