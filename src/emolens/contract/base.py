"""What all public records have in common."""

from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from emolens.core.emotion import LABELS

SCHEMA_VERSION: Final = "1.0"
"""Version of all records: the first number changes when a name or a meaning does, the second when
something is added."""


def _check_label(label: str) -> str:
    if label not in LABELS:
        raise ValueError(f"must be one of {', '.join(LABELS)}, got {label!r}")
    return label


def _check_classes(shares: dict[str, float]) -> dict[str, float]:
    if tuple(shares) != LABELS:
        raise ValueError(f"must have the keys {', '.join(LABELS)} in this order")
    return shares


Share = Annotated[float, Field(ge=0, le=1)]
"""A part of a whole, 0..1."""
Label = Annotated[
    str, AfterValidator(_check_label), Field(json_schema_extra={"enum": list(LABELS)})
]
"""One of the seven classes."""
Probabilities = Annotated[
    dict[str, Share],
    AfterValidator(_check_classes),
    Field(json_schema_extra={"required": list(LABELS), "propertyNames": {"enum": list(LABELS)}}),
]
"""Class to probability, in the order of `Emotion`; they add up to 1."""


class Record(BaseModel):
    """A public record: no unknown keys, no change, no NaN."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers, strings, lists and dicts; optional keys only where they were given."""
        return self.model_dump(exclude_unset=True)
