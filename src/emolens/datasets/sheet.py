"""Data sheets: what is known of a data set before it is read.

After Gebru et al. 2021, "Datasets for Datasheets" (Communications of the ACM 64), cut down to what
a reader of images needs and can check.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from emolens.core.emotion import LABELS, Emotion
from emolens.core.errors import DatasetError


@dataclass(frozen=True, slots=True)
class SourceClass:
    """A class as a data set has it.

    Attributes:
        code: How its files write it, such as `"1"` or `"AN"`.
        name: What its authors call it.
        emotion: Which of the seven it is; None where it is none of them and is left out.
    """

    code: str
    name: str
    emotion: Emotion | None


@dataclass(frozen=True, slots=True)
class DataSheet:
    """What is known of a data set.

    Attributes:
        name: What it is called.
        origin: Who made it, where it is described, how its images and labels came about.
        terms: Its licence, and who may have it.
        images: What they show and how they are cut out.
        layout: The files that are read, as a tree.
        classes: Its classes, and what each is here.
        rule: What happens to classes that are none of the seven, and to other doubtful cases.
        splits: What its parts are here.
        counts: Published number of faces: our split, or `"unknown"`, to name of class; empty where
            none were published.
        known_issues: What is known to be wrong with it.
        labels_sha256: Our split to `summary.labels_sha256` of a complete source in official order,
            where that is known.
        votes_sha256: The same for `summary.votes_sha256`, of data sets with FER+'s votes.
    """

    name: str
    origin: str
    terms: str
    images: str
    layout: str
    classes: tuple[SourceClass, ...]
    rule: str
    splits: str
    counts: Mapping[str, Mapping[str, int]]
    known_issues: tuple[str, ...]
    labels_sha256: Mapping[str, str] = field(default_factory=dict)
    votes_sha256: Mapping[str, str] = field(default_factory=dict)

    def class_of(self, code: str, location: str) -> SourceClass:
        """The class that a code stands for.

        Args:
            code: As it stands in the source.
            location: File and line, for the message.

        Raises:
            DatasetError: The data set has no such code.
        """
        for one in self.classes:
            if one.code == code:
                return one
        allowed = ", ".join(f"{one.code} ({one.name})" for one in self.classes)
        raise DatasetError(f"{location}: label is {code!r}; expected one of {allowed}")

    def published_counts(self) -> dict[str, dict[str, int]]:
        """Published number of faces by our split and label; what is left out does not count."""
        emotions = {one.name: one.emotion for one in self.classes}
        found: dict[str, dict[str, int]] = {}
        for split, by_class in self.counts.items():
            found[split] = dict.fromkeys(LABELS, 0)
            for name, n_faces in by_class.items():
                emotion = emotions[name]
                if emotion is not None:
                    found[split][emotion.label] += n_faces
        return found
