"""FER2013's names of its splits."""

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
"""The allowed values of `Usage`, for messages."""
EXPECTED_OR_COMMON = f"{EXPECTED}, or a common name ({', '.join(Split)})"
"""The allowed values of `Usage` in readers that also accept common names, for messages."""
