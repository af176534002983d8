"""The base class and shared types of all public records."""

from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from emolens.core.emotion import LABELS

SCHEMA_VERSION: Final = "1.2"
"""Version of all records. The first number changes with a name or meaning, the second with an
addition."""


SHOT: Final = (
    "Number of the shot, from 1; a new one begins at a cut, a jump of the time stamps or a pause."
)
"""The description of a shot."""


def _check_label(label: str) -> str:
    if label not in LABELS:
        raise ValueError(f"must be one of {', '.join(LABELS)}, got {label!r}")
    return label


def _check_classes(shares: dict[str, float]) -> dict[str, float]:
    if tuple(shares) != LABELS:
        raise ValueError(f"must have the keys {', '.join(LABELS)} in this order")
    return shares


Share = Annotated[float, Field(ge=0, le=1)]
"""A fraction, 0..1."""
Label = Annotated[
    str, AfterValidator(_check_label), Field(json_schema_extra={"enum": list(LABELS)})
]
"""One of the seven classes."""
Probabilities = Annotated[
    dict[str, Share],
    AfterValidator(_check_classes),
    Field(json_schema_extra={"required": list(LABELS), "propertyNames": {"enum": list(LABELS)}}),
]
"""Mapping of classes to probabilities, in the order of `Emotion`; the sum is 1."""


class Record(BaseModel):
    """A public record: immutable, without unknown keys or NaN."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    def to_dict(self) -> dict[str, Any]:
        """Return plain numbers, strings, lists and dicts; optional keys only if they are set."""
        return self.model_dump(exclude_unset=True)
