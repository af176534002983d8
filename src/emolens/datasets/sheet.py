"""Data sheets, the documentation of published data sets.

A subset of Gebru et al. 2021, "Datasheets for Datasets" (Communications of the ACM 64): the parts
that a reader of images needs and can check.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from emolens.core.emotion import LABELS, Emotion
from emolens.core.errors import DatasetError


@dataclass(frozen=True, slots=True)
class SourceClass:
    """A class of a data set.

    Attributes:
        code: Its code in the files, such as `"1"` or `"AN"`.
        name: Its name in the publication.
        emotion: Its emotion, one of the seven; None if it is left out.
    """

    code: str
    name: str
    emotion: Emotion | None


@dataclass(frozen=True, slots=True)
class DataSheet:
    """The data sheet of a data set.

    Attributes:
        name: Its name.
        origin: Its authors and publication, and the sources of its images and labels.
        terms: Its licence and the conditions of access.
        images: The number, format, content and cropping of its images.
        layout: The files that are read, as a tree.
        classes: Its classes and the emotion of each.
        rule: The treatment of classes outside the seven and of other doubtful cases.
        splits: Its splits.
        counts: Published number of faces: split (or `"unknown"`) to name of class to number; empty
            if none are published.
        known_issues: Its known issues.
        labels_sha256: Split to `summary.labels_sha256` of a complete source in official order, if
            known.
        votes_sha256: Split to `summary.votes_sha256` of a complete source with FER+'s votes, if
            known.
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
        """Look up the class of a code.

        Args:
            code: The code as written in the source.
            location: The file and line, for the message.

        Raises:
            DatasetError: The data set has no such code.
        """
        for one in self.classes:
            if one.code == code:
                return one
        allowed = ", ".join(f"{one.code} ({one.name})" for one in self.classes)
        raise DatasetError(f"{location}: label is {code!r}; expected one of {allowed}")

    def published_counts(self) -> dict[str, dict[str, int]]:
        """Count the published faces by split and label, without classes that are left out."""
        emotions = {one.name: one.emotion for one in self.classes}
        counts: dict[str, dict[str, int]] = {}
        for split, by_class in self.counts.items():
            counts[split] = dict.fromkeys(LABELS, 0)
            for name, n_faces in by_class.items():
                emotion = emotions[name]
                if emotion is not None:
                    counts[split][emotion.label] += n_faces
        return counts
