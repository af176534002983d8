"""A training recipe: one TOML file that says everything a run depends on.

Unknown keys are refused with the valid ones listed, so a typing error cannot silently train
something else.
"""

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from emolens.core.errors import ConfigError

Count = Annotated[int, Field(ge=1)]
Fraction = Annotated[float, Field(ge=0, le=1)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DataSection(_Section):
    """Where the faces are. Relative paths start at the current folder."""

    name: str = "unnamed"
    """What the data set is called in the manifest of the model."""
    source: Path
    """Any source that `emolens data info` reads; its `Training` split is trained on."""
    validation: Path | None = None
    """Where the `PublicTest` split is; the same source unless given."""


class NetworkSection(_Section):
    """A ResNet for small grey faces (He et al. 2016), built from timm's blocks."""

    blocks: tuple[Count, Count, Count, Count] = (2, 2, 2, 2)
    """Basic blocks per stage; the second and later stages halve the resolution."""
    channels: tuple[Count, Count, Count, Count] = (64, 128, 256, 512)
    """Channels per stage."""
    stem_channels: Count = 32
    """Channels of the first two 3x3 convolutions; the third one gives twice as many."""
    stem_stride: Literal[1, 2] = 2
    """Stride of the stem; there is no max-pooling."""
    dropout: Fraction = 0.2
    """Dropout before the linear head."""
    size_px: int = Field(48, ge=16, le=224)
    """Side of the grey input."""


class AugmentSection(_Section):
    """Random changes to every training picture, drawn anew for each picture of a batch."""

    flip: Fraction = 0.5
    """Chance of a mirror image."""
    rotation_deg: float = Field(12.0, ge=0, le=180)
    """Rotation, uniform within plus or minus."""
    zoom: float = Field(0.15, ge=0, lt=1)
    """Zoom, uniform within 1 plus or minus."""
    shift: Fraction = 0.08
    """Shift along each axis, uniform within plus or minus this part of the side."""
    shear_deg: float = Field(5.0, ge=0, le=45)
    """Horizontal shear, uniform within plus or minus."""
    brightness: Fraction = 0.2
    """Brightness offset, uniform within plus or minus, in units of the full range."""
    contrast: Fraction = 0.3
    """Contrast factor, uniform within 1 plus or minus, around the picture's mean."""
    erase: Fraction = 0.25
    """Chance that a rectangle of 2 to 20 % of the picture is filled with noise."""
    mix: Fraction = 0.5
    """Chance that a batch is mixed: mixup (beta 0.2) or cutmix (beta 0.5), half each."""
    plain_epochs: int = Field(5, ge=0)
    """The last epochs go without mixing."""


class ScheduleSection(_Section):
    """Optimiser and learning rate."""

    epochs: int = Field(40, ge=1)
    batch_size: int = Field(128, ge=2)
    optimizer: Literal["adamw", "sgd"] = "adamw"
    """AdamW, or SGD with Nesterov momentum 0.9."""
    peak_rate: float = Field(2e-3, gt=0)
    """Learning rate after the warm-up; falls to 0 along a cosine."""
    warmup_epochs: float = Field(2.0, ge=0)
    weight_decay: float = Field(0.05, ge=0)
    """Not applied to biases and batch-norm parameters."""
    label_smoothing: Fraction = 0.1
    ema_decay: Annotated[float, Field(ge=0, lt=1)] = 0.999
    """Decay per step of the moving average of weights, which is what gets validated and shipped."""
    precision: Literal["fp32", "bf16"] = "fp32"
    """Arithmetic of convolutions and products; weights stay fp32."""


class Recipe(_Section):
    """A whole run."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")
    seed: int = Field(0, ge=0)
    license: str = "LicenseRef-unstated"
    """Licence of the weights, for the manifest (SPDX identifier)."""
    data: DataSection
    network: NetworkSection = NetworkSection()
    augment: AugmentSection = AugmentSection()
    schedule: ScheduleSection = ScheduleSection()

    def to_toml(self) -> str:
        """The recipe with every default written out, as TOML that `load_recipe` reads."""
        lines: list[str] = []
        sections: list[tuple[str, dict[str, object]]] = []
        for key, value in self.model_dump(mode="json", exclude_none=True).items():
            if isinstance(value, dict):
                sections.append((key, value))
            else:
                lines.append(f"{key} = {_toml_value(value)}")
        for section, values in sections:
            lines += ["", f"[{section}]"]
            lines += [f"{key} = {_toml_value(value)}" for key, value in values.items()]
        return "\n".join(lines) + "\n"


def load_recipe(path: Path, overrides: Sequence[str] = ()) -> Recipe:
    """Read a recipe and apply `section.key=value` overrides.

    Args:
        path: A TOML file.
        overrides: Assignments such as `"schedule.epochs=3"`; the value is TOML, and a bare word is
            taken as a string.

    Raises:
        ConfigError: The file is missing or no TOML, a key is unknown (the valid ones are listed), a
            value has the wrong type or lies outside its range.
    """
    try:
        values: dict[str, object] = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot read the recipe: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from error
    for override in overrides:
        _apply_override(values, override)
    try:
        return Recipe.model_validate(values)
    except ValidationError as error:
        raise ConfigError(f"{path}: {_explain(error)}") from error


def _apply_override(values: dict[str, object], override: str) -> None:
    key, equals, text = override.partition("=")
    if not equals or not key.strip():
        raise ConfigError(f"--set takes section.key=value, got {override!r}")
    *sections, name = key.strip().split(".")
    target = values
    for section in sections:
        inner = target.setdefault(section, {})
        if not isinstance(inner, dict):
            raise ConfigError(f"--set {override!r}: {section} is a value, not a section")
        target = inner
    try:
        target[name] = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        target[name] = text


def _explain(error: ValidationError) -> str:
    problems = []
    for problem in error.errors():
        path = [str(part) for part in problem["loc"]]
        key = ".".join(path)
        if problem["type"] == "extra_forbidden":
            problems.append(f"unknown key {key!r}; valid here: {', '.join(_valid_keys(path[:-1]))}")
        elif problem["type"] == "missing":
            problems.append(f"the key {key!r} is required")
        else:
            problems.append(f"{key} = {problem['input']!r}: {problem['msg']}")
    return "; ".join(problems)


def _valid_keys(section_path: Sequence[str]) -> list[str]:
    section: type[BaseModel] = Recipe
    for name in section_path:
        annotation = section.model_fields[name].annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            section = annotation
    return list(section.model_fields)


def _toml_value(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    if isinstance(value, list):
        return f"[{', '.join(map(_toml_value, value))}]"
    return repr(value)
