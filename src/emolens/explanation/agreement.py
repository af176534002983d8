"""The measured agreement of maps with the effect of removing parts of a face, and the default kind.

The measurement: on faces that a model classifies clearly, the thirds of the face (upper, middle,
lower) are removed in turn by means that the map does not use. The decisive third is the one whose
removal lowers the probability of the class most.

The rule, fixed before the published measurement: a kind of map is shown by default only if its
strongest third is the decisive one for at least 60 % of the faces, with each class weighted
equally, and the 95 % interval lies above the share of always pointing at the same third. Among the
kinds that pass, the one with the larger share is the default.

Source: docs/experiments/0024-faithful-maps.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from emolens.explanation.maps import MapKind

MIN_SHARE: Final = 0.6
"""Smallest share of faces, 0..1, for a kind that is shown by default."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """The measured agreement of one kind of map for one model.

    Attributes:
        share: Share of faces whose map is strongest in the decisive third, 0..1, with each class
            weighted equally.
        ci95: Its 95 % interval.
        constant: Share of always pointing at the same third, the best of the three.
        n_faces: Number of faces.
    """

    share: float
    ci95: tuple[float, float]
    constant: float
    n_faces: int

    @property
    def passes(self) -> bool:
        """Whether the kind may be shown by default."""
        return self.share >= MIN_SHARE and self.ci95[0] > self.constant

    def __str__(self) -> str:
        return (
            f"For {self.share:.0%} of {self.n_faces:,} faces, the map is strongest in the third of "
            "the face whose removal lowers the probability most (random: 33%)."
        )


MEASURED: Final[Mapping[str, Mapping[MapKind, Agreement]]] = {
    # everyday
    "76ee6fca10268a929804da82467b9d89572f0d7907dd0d215bc166fbe67811b3": {
        MapKind.OCCLUSION: Agreement(0.717, (0.664, 0.769), 0.473, 439),
        MapKind.ACTIVATION: Agreement(0.506, (0.448, 0.564), 0.473, 439),
    },
    # labels
    "264b137ba6352298f215ee3d340168521235cb3ba0f053d0240e0f02c517a04f": {
        MapKind.OCCLUSION: Agreement(0.813, (0.747, 0.878), 0.472, 122),
        MapKind.ACTIVATION: Agreement(0.491, (0.404, 0.576), 0.472, 122),
    },
    # labels-small
    "0d920d3ffd29dcee88ca0388c6242d33d012521f80a159604338521d2189d79a": {
        MapKind.OCCLUSION: Agreement(0.647, (0.581, 0.712), 0.450, 312),
        MapKind.ACTIVATION: Agreement(0.267, (0.211, 0.329), 0.450, 312),
    },
}
"""Agreement by SHA-256 of the model file and kind, from docs/metrics/maps.json."""


def default_kind(model_sha256: str) -> MapKind:
    """Return the kind of map that is shown for a model by default.

    Returns:
        The kind that passes the rule with the larger share. For a model that is not measured, the
        occlusion map, which shows an effect on the predictions by definition.
    """
    of_model = MEASURED.get(model_sha256, {})
    passing = [kind for kind, agreement in of_model.items() if agreement.passes]
    return max(passing, key=lambda kind: of_model[kind].share, default=MapKind.OCCLUSION)


def agreement_text(kind: MapKind, model_sha256: str) -> str:
    """Describe the measured agreement of a kind for a model, and warn if it fails the rule."""
    agreement = MEASURED.get(model_sha256, {}).get(kind)
    if agreement is None:
        return f"The agreement of {kind} maps with the effect of removal is not measured here."
    default = default_kind(model_sha256)
    better = "" if agreement.passes else f" This is too little: use {default} maps."
    return f"{agreement}{better}"
