"""Agreement of FER+'s votes with the labels of a data set."""

from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from emolens.core.emotion import LABELS
from emolens.datasets.votes import majority_votes, vote_columns


@dataclass(frozen=True, slots=True)
class ClassAgreement:
    """Agreement of the majority vote with the label of a data set.

    Attributes:
        n_voted: Number of faces with votes.
        n_unique: Number of those with a unique majority vote.
        n_agreeing: Number of those whose majority vote is the label.
    """

    n_voted: int
    n_unique: int
    n_agreeing: int

    @property
    def share(self) -> float | None:
        """The agreeing share of the faces with a majority vote, 0..1; None without such faces."""
        return self.n_agreeing / self.n_unique if self.n_unique else None

    def to_dict(self) -> dict[str, object]:
        """Convert the counts and the share to plain values."""
        return {**asdict(self), "share": self.share}


def label_agreement(
    labels: npt.NDArray[np.int64], votes: npt.NDArray[np.uint8]
) -> dict[str, ClassAgreement]:
    """Count the agreement of the votes with each label, and with `"all"`.

    Args:
        labels: int64 (N,), values of `Emotion`.
        votes: uint8 (N, 10), in the order of `votes.VOTE_NAMES`; zeros without votes.

    Returns:
        The agreement by label.
    """
    majority = majority_votes(votes)
    voted, unique = votes.any(axis=1), majority >= 0
    agreeing = unique & (majority == vote_columns()[labels])
    is_in = {label: labels == number for number, label in enumerate(LABELS)}
    is_in["all"] = np.ones(len(labels), np.bool_)
    return {
        name: ClassAgreement(
            *(int((members & counted).sum()) for counted in (voted, unique, agreeing)),
        )
        for name, members in is_in.items()
    }
