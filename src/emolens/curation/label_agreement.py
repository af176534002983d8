"""Would FER+'s raters give the labels that a data set has?"""

from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from emolens.core.emotion import LABELS
from emolens.datasets.votes import majority_votes, vote_columns


@dataclass(frozen=True, slots=True)
class ClassAgreement:
    """How often FER+'s raters choose the label that the data set has.

    Attributes:
        n_voted: Faces that somebody voted on.
        n_unique: Those where one answer has more votes than any other.
        n_agreeing: Those where this answer is the label.
    """

    n_voted: int
    n_unique: int
    n_agreeing: int

    @property
    def share(self) -> float | None:
        """Part of the faces with a unique majority that agrees, 0..1; None without such faces."""
        return self.n_agreeing / self.n_unique if self.n_unique else None

    def to_dict(self) -> dict[str, object]:
        """Counts and share as plain values."""
        return {**asdict(self), "share": self.share}


def label_agreement(
    labels: npt.NDArray[np.int64], votes: npt.NDArray[np.uint8]
) -> dict[str, ClassAgreement]:
    """Count for each label, and for `"all"`, how often the raters choose it.

    Args:
        labels: int64 (N,), values of `Emotion`.
        votes: uint8 (N, 10), in the order of `votes.VOTE_NAMES`; zeros where nobody voted.
    """
    majority = majority_votes(votes)
    voted, unique = votes.any(axis=1), majority >= 0
    agreeing = unique & (majority == vote_columns()[labels])
    of = {label: labels == number for number, label in enumerate(LABELS)}
    of["all"] = np.ones(len(labels), np.bool_)
    return {
        name: ClassAgreement(
            *(int((chosen & which).sum()) for which in (voted, unique, agreeing)),
        )
        for name, chosen in of.items()
    }
