"""What FER2013 calls its splits."""

from collections.abc import Mapping
from types import MappingProxyType

from emolens.datasets.faces import Split

USAGES: Mapping[Split, str] = MappingProxyType(
    {Split.TRAIN: "Training", Split.VALIDATION: "PublicTest", Split.TEST: "PrivateTest"}
)
"""The value of FER2013's column `Usage` for each split."""

SPLITS: Mapping[str, Split] = MappingProxyType({usage: split for split, usage in USAGES.items()})
"""The split of each value of `Usage`."""

EXPECTED = f"one of {', '.join(SPLITS)}"
"""What a message says that `Usage` may be."""
EXPECTED_OR_COMMON = f"{EXPECTED}, or a common word for one ({', '.join(Split)})"
"""The same where common words are read, too."""
