from emolens.datasets.faces import Split
from emolens.datasets.readers.affectnet import SHEET


def test_the_published_counts_add_up_to_the_published_totals() -> None:
    # Mollahosseini et al. 2019, table 3: 420,299 images, 500 of each class in validation.
    assert sum(SHEET.counts[Split.TRAIN].values()) == 420_299 - 11 * 500
    assert set(SHEET.counts[Split.VALIDATION].values()) == {500}


def test_what_is_left_out_does_not_count() -> None:
    counts = SHEET.published_counts()

    assert sum(counts[Split.TRAIN].values()) == 283_901
    assert sum(counts[Split.VALIDATION].values()) == 7 * 500
    assert counts[Split.TRAIN]["neutral"] == 74_874
