"""Counts what a data set holds, in one pass and without keeping its pictures."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from emolens.core.emotion import LABELS
from emolens.datasets.faces import FaceDigest
from emolens.datasets.formats import find_format
from emolens.datasets.loading import UNKNOWN_SPLIT, iter_faces
from emolens.imaging.crop import resize_gray_square

_DIGEST_SIZE_PX = 48


@dataclass(frozen=True, slots=True)
class DatasetSummary:
    """What a source holds.

    Attributes:
        source: The path as given.
        format_name: How it is stored, one of `loading.SourceFormat`.
        n_faces: Number of faces.
        counts: Split name (or `"unknown"` where faces belong to none) to label to number of faces;
            splits in the order they first appear, every one with all seven labels.
        min_size_wh: Smallest width and smallest height in pixels; (0, 0) without faces.
        max_size_wh: Largest width and largest height in pixels; (0, 0) without faces.
        sha256: Split name to the digest that `load_faces(source, split).sha256` gives at 48 px.
    """

    source: Path
    format_name: str
    n_faces: int
    counts: Mapping[str, Mapping[str, int]]
    min_size_wh: tuple[int, int]
    max_size_wh: tuple[int, int]
    sha256: Mapping[str, str]

    def to_dict(self) -> dict[str, object]:
        """The summary as plain values, ready for JSON."""
        return {
            "source": str(self.source),
            "format": self.format_name,
            "n_faces": self.n_faces,
            "counts": {split: dict(counts) for split, counts in self.counts.items()},
            "min_size_wh": list(self.min_size_wh),
            "max_size_wh": list(self.max_size_wh),
            "sha256": dict(self.sha256),
        }


def summarize(source: Path) -> DatasetSummary:
    """Read a source once and count its faces by split and class.

    Args:
        source: Any source of `loading.iter_faces`.

    Returns:
        The summary; a source in a known format without faces gives zeros.

    Raises:
        DatasetError: The source is none of the accepted formats or breaks its own.
    """
    counts: dict[str, Counter[str]] = {}
    digests: dict[str, FaceDigest] = {}
    sizes_wh: set[tuple[int, int]] = set()
    for sample in iter_faces(source):
        name = sample.split.value if sample.split else UNKNOWN_SPLIT
        if name not in counts:
            counts[name] = Counter(dict.fromkeys(LABELS, 0))
            digests[name] = FaceDigest()
        counts[name][sample.emotion.label] += 1
        digests[name].add(resize_gray_square(sample.image, _DIGEST_SIZE_PX), sample.emotion)
        height, width = sample.image.shape
        sizes_wh.add((width, height))
    widths, heights = zip(*sizes_wh, strict=True) if sizes_wh else ((0,), (0,))
    return DatasetSummary(
        source=source,
        format_name=find_format(source)[0].value,
        n_faces=sum(sum(by_label.values()) for by_label in counts.values()),
        counts={split: dict(by_label) for split, by_label in counts.items()},
        min_size_wh=(min(widths), min(heights)),
        max_size_wh=(max(widths), max(heights)),
        sha256={split: digest.hexdigest() for split, digest in digests.items()},
    )
