"""Base class and value types of all recipe sections."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Count = Annotated[int, Field(ge=1)]
Fraction = Annotated[float, Field(ge=0, le=1)]
SidePx = Annotated[int, Field(ge=16, le=512)]


class Section(BaseModel):
    """An immutable part of a recipe that refuses unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
