"""What all parts of a recipe have in common."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Count = Annotated[int, Field(ge=1)]
Fraction = Annotated[float, Field(ge=0, le=1)]
SidePx = Annotated[int, Field(ge=16, le=512)]


class Section(BaseModel):
    """A part of a recipe: what it does not know is refused, and nothing in it changes."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
