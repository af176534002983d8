import pytest

from emolens.reports.text import model_text, numbers_from, percent


@pytest.mark.parametrize(("share", "text"), [(None, "-"), (0.0, "0.0%"), (0.7258, "72.6%")])
def test_shares_are_shown_in_percent(share: float | None, text: str) -> None:
    assert percent(share) == text


def test_a_model_has_the_begin_of_its_digest() -> None:
    assert model_text("everyday", "76ee6fca" + "0" * 56) == "everyday (76ee6fca)"


def test_numbers_are_in_the_columns_after_the_first() -> None:
    assert numbers_from(1, 4) == {1, 2, 3}
