"""Recipes as TOML files: read with overrides, write with every default."""

import json
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from emolens.core.errors import ConfigError
from emolens.training.recipe import Recipe

_MADE_AT_EXPORT = ("name", "license", "pretrained", "answer")


def load_recipe(path: Path, overrides: Sequence[str] = ()) -> Recipe:
    """Read a recipe and apply `section.key=value` overrides.

    Args:
        path: A TOML file.
        overrides: Assignments such as `"schedule.batch_size=64"` or `"phases.0.epochs=3"`; the
            value is TOML, and a bare word is taken as a string.

    Raises:
        ConfigError: The file is missing or no TOML, a key is unknown (the valid ones are listed), a
            value has the wrong type or lies outside its range.
    """
    values = read_toml(path, overrides)
    try:
        return Recipe.model_validate(values)
    except ValidationError as error:
        raise ConfigError(
            f"{path}: {explain(error, has_one_source=isinstance(values.get('data'), dict))}"
        ) from error


def override(recipe: Recipe, overrides: Sequence[str]) -> Recipe:
    """The recipe with `section.key=value` overrides, as `load_recipe` takes them.

    Raises:
        ConfigError: An unknown key or a wrong value.
    """
    values = recipe.model_dump(mode="json", exclude_none=True)
    for change in overrides:
        _apply_override(values, change)
    try:
        return Recipe.model_validate(values)
    except ValidationError as error:
        raise ConfigError(explain(error, has_one_source=False)) from error


def changed_for_export(recipe: Recipe, changes: Sequence[str]) -> Recipe:
    """The recipe with `section.key=value` changes of what is said or made of its finished networks.

    Raises:
        ConfigError: A change of something that was decided when the networks were trained.
    """
    changed = override(recipe, changes)
    learnt, wanted = (
        one.model_dump(mode="json", exclude=dict.fromkeys(_MADE_AT_EXPORT, True))
        for one in (recipe, changed)
    )
    differing = differing_keys(learnt, wanted)
    if differing:
        raise ConfigError(
            f"export can change {', '.join(_MADE_AT_EXPORT)}; decided when the networks were "
            f"trained: {', '.join(differing)}"
        )
    return changed


def read_toml(path: Path, overrides: Sequence[str] = ()) -> dict[str, object]:
    """Read a TOML file and apply `section.key=value` overrides, before anything is checked.

    Raises:
        ConfigError: The file is missing or no TOML, or an override names no key.
    """
    try:
        values: dict[str, object] = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot read the recipe: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from error
    for override in overrides:
        _apply_override(values, override)
    return values


def to_toml(recipe: BaseModel) -> str:
    """The recipe with every default written out, as TOML that `load_recipe` reads."""
    lines: list[str] = []
    tables: list[str] = []
    for key, value in recipe.model_dump(mode="json", exclude_none=True).items():
        if isinstance(value, dict):
            tables += _table(f"[{key}]", value)
        elif value and isinstance(value, list) and isinstance(value[0], dict):
            tables += [line for entry in value for line in _table(f"[[{key}]]", entry)]
        else:
            lines.append(f"{key} = {_toml_value(value)}")
    return "\n".join(lines + tables) + "\n"


def _table(heading: str, values: Mapping[str, object]) -> list[str]:
    return ["", heading, *(f"{key} = {_toml_value(value)}" for key, value in values.items())]


def _toml_value(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        # JSON's escapes are TOML's, but for the one character that only JSON leaves as it is.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, list):
        return f"[{', '.join(map(_toml_value, value))}]"
    return repr(value)


def _apply_override(values: dict[str, object], override: str) -> None:
    key, equals, text = override.partition("=")
    if not equals or not key.strip():
        raise ConfigError(f"--set takes section.key=value, got {override!r}")
    *sections, name = key.strip().split(".")
    target: object = values
    for section in sections:
        target = _enter(target, section)
        if not isinstance(target, dict | list):
            raise ConfigError(f"--set {override!r}: {section} is a value, not a section")
    if not isinstance(target, dict):
        raise ConfigError(
            f"--set {override!r}: name the key after the number, as in phases.0.epochs"
        )
    try:
        target[name] = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        target[name] = text


def _enter(target: object, section: str) -> object:
    if isinstance(target, dict):
        return target.setdefault(section, [{}] if section == "phases" else {})
    if not isinstance(target, list):
        return None
    if section.isdecimal() and int(section) < len(target):
        return target[int(section)]
    raise ConfigError(f"--set: there are {len(target)} entries, counted from 0; got {section!r}")


def explain(
    error: ValidationError,
    *,
    has_one_source: bool = False,
    root: type[BaseModel] = Recipe,
) -> str:
    """What is wrong with which key, with the valid keys where one is unknown.

    Args:
        error: Of a recipe.
        has_one_source: Whether it was written with one `[data]` section, whose keys have no number.
        root: What was read.
    """
    problems = []
    found = error.errors()
    # pydantic counts the entries of a list that are right; of a list with a mistake in it these may
    # be too few.
    parents = {
        problem["loc"][:-depth] for problem in found for depth in range(1, len(problem["loc"]))
    }
    for problem in found:
        if problem["type"] == "too_short" and problem["loc"] in parents:
            continue
        # The name of a union's member, such as "resnet", is pydantic's word and no key.
        path = _without_kind(problem["loc"])
        if has_one_source and path[:2] == ["data", 0]:
            path = ["data", *path[2:]]
        key = ".".join(map(str, path))
        if problem["type"] == "extra_forbidden":
            valid = ", ".join(_valid_keys(problem["loc"][:-1], root))
            problems.append(f"unknown key {key!r}; valid here: {valid}")
        elif problem["type"] == "missing":
            problems.append(f"the key {key!r} is required")
        elif problem["type"] == "union_tag_invalid":
            problems.append(f"{key}.kind must be one of {', '.join(sorted(_KINDS))}")
        elif problem["type"] == "value_error":
            problems.append(f"{key or 'recipe'}: {problem['ctx']['error']}")
        else:
            problems.append(f"{key} = {problem['input']!r}: {problem['msg']}")
    return "; ".join(problems)


def _without_kind(location: Sequence[str | int]) -> list[str | int]:
    is_kind = len(location) > 1 and location[0] == "network" and location[1] in _KINDS
    return [location[0], *location[2:]] if is_kind else list(location)


def differing_keys(old: Mapping[str, object], new: Mapping[str, object]) -> list[str]:
    """Every key that two sections or recipes differ in, with both values."""
    flat_old, flat_new = _flat(old), _flat(new)
    return [
        f"{key} ({flat_old.get(key)} there, {flat_new.get(key)} here)"
        for key in flat_old | flat_new
        if flat_old.get(key) != flat_new.get(key)
    ]


def _flat(values: Mapping[str, object], prefix: str = "") -> dict[str, object]:
    flat: dict[str, object] = {}
    for key, value in values.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{key}.")
        elif value and isinstance(value, list) and isinstance(value[0], dict):
            flat |= _flat(dict(zip(map(str, range(len(value))), value, strict=True)), f"{key}.")
        else:
            flat[prefix + key] = value
    return flat


_KINDS = frozenset({"resnet", "vit", "backbone"})


def _valid_keys(location: Sequence[str | int], root: type[BaseModel]) -> list[str]:
    section = root
    members: list[type[BaseModel]] = []
    for index, part in enumerate(location):
        if index == 1 and location[0] == "network":
            section = next(m for m in members if str(part) in repr(m.model_fields["kind"]))
        elif isinstance(part, str):
            members = _sections_of(section.model_fields[part].annotation)
            section = members[0]
    return list(section.model_fields)


def _sections_of(annotation: Any) -> list[type[BaseModel]]:
    """The section classes that an annotation is made of."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if get_origin(annotation) in {Annotated, Union, UnionType, tuple}:
        return [found for part in get_args(annotation) for found in _sections_of(part)]
    return []
