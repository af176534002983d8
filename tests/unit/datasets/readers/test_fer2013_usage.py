from emolens.datasets.faces import Split
from emolens.datasets.readers.fer2013_usage import EXPECTED, EXPECTED_OR_COMMON, SPLITS, USAGES


def test_every_split_has_the_usage_of_the_official_file() -> None:
    assert list(USAGES) == list(Split)
    assert USAGES[Split.VALIDATION] == "PublicTest"
    assert {usage: split for split, usage in USAGES.items()} == SPLITS


def test_each_usage_is_also_a_name_of_its_split() -> None:
    for usage, split in SPLITS.items():
        assert Split.from_name(usage) is split


def test_messages_name_what_may_be_written() -> None:
    assert EXPECTED == "one of Training, PublicTest, PrivateTest"
    assert EXPECTED_OR_COMMON.endswith("a common name (train, validation, test)")
