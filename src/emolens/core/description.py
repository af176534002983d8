"""Settings and models that components state about themselves.

They form the record of how a result was made (`emolens.contract.Provenance`).
"""

import dataclasses
import math
import re
from collections.abc import Mapping
from enum import Enum
from pathlib import PurePath
from typing import Protocol, runtime_checkable

Setting = bool | int | float | str | None
"""A setting as a plain value."""


@dataclasses.dataclass(frozen=True, slots=True)
class ModelIdentity:
    """The identity of a model.

    Attributes:
        name: Its own name, not an alias.
        sha256: SHA-256 of its file; None for a model that is not a file of emolens.
        trained_on: Its training data, or None if unknown.
    """

    name: str
    sha256: str | None = None
    trained_on: str | None = None


Description = dict[str, Setting | ModelIdentity]
"""Settings and models by name."""
MODEL, DETECTOR, LANDMARKS, TRACKER = "model", "detector", "landmarks", "tracker"


@runtime_checkable
class Described(Protocol):
    """A component that states its models and the settings that change its results."""

    @property
    def description(self) -> Mapping[str, Setting | ModelIdentity]:
        """The settings and models. Names have a unit and are unique among all components."""
        ...


def description_of(component: object) -> Description:
    """Return the description of a component; empty if it does not describe itself."""
    return dict(component.description) if isinstance(component, Described) else {}


def settings_of(settings: object, *, without: tuple[str, ...] = ()) -> dict[str, Setting]:
    """Convert a dataclass of settings to plain values.

    Every field is included, so a new setting is never forgotten. Fields that are not part of the
    constructor and callbacks are left out. A path becomes its file name, so that no folder is
    published, and nested settings become `FIELD.NAME`.

    Args:
        settings: An instance of a dataclass.
        without: Names of fields that change no number.

    Raises:
        TypeError: A field has a value that is not a plain one, or `without` names an unknown field.
    """
    if not dataclasses.is_dataclass(settings) or isinstance(settings, type):
        raise TypeError(f"settings are of type {type(settings).__name__}; allowed: a dataclass")
    fields = dataclasses.fields(settings)
    unknown = set(without) - {field.name for field in fields}
    if unknown:
        raise TypeError(f"{type(settings).__name__} has no fields {sorted(unknown)}")
    plain: dict[str, Setting] = {}
    for field in fields:
        value = getattr(settings, field.name)
        if field.name in without or not field.init or callable(value):
            continue
        if dataclasses.is_dataclass(value):
            plain |= {f"{field.name}.{key}": one for key, one in settings_of(value).items()}
        else:
            plain[field.name] = _plain(field.name, value)
    return plain


def _plain(name: str, value: object) -> Setting:
    match value:
        case Enum():
            return str(value.value)
        case PurePath():
            return value.name
        case float() if not math.isfinite(value):
            # JSON has no infinity, and a limit of infinity is none.
            return None
        case str() if "/" in value or "\\" in value:
            return re.split(r"[/\\]", value)[-1]
        case bool() | int() | float() | str() | None:
            return value
        case _:
            raise TypeError(f"the setting {name} is of type {type(value).__name__}: not plain")
