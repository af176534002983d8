"""Recipes as TOML files: reading with overrides, writing with every default."""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import tomli_w
from pydantic import BaseModel, ValidationError

from emolens.core.errors import ConfigError
from emolens.training.network_sections import NetworkSection
from emolens.training.recipe import Recipe
from emolens.training.recipe_paths import anchor_paths

_EXPORT_KEYS = ("name", "license", "pretrained", "answer")


def load_recipe(path: Path, overrides: Sequence[str] = ()) -> Recipe:
    """Read a recipe and apply `section.key=value` overrides.

    Args:
        path: A TOML file. Relative paths in it start at its folder or, if nothing exists there, at
            the current folder.
        overrides: Assignments such as `"schedule.batch_size=64"` or `"phases.0.epochs=3"`. The
            value is TOML; a bare word is a string. Relative paths start at the current folder.

    Raises:
        ConfigError: The file is missing or is not TOML, a key is unknown, or a value has the wrong
            type or is out of range. The message lists the allowed keys.
    """
    values = read_toml(path, overrides)
    try:
        return Recipe.model_validate(values)
    except ValidationError as error:
        raise ConfigError(
            f"{path}: {explain(error, has_one_source=isinstance(values.get('data'), dict))}"
        ) from error


def override(recipe: Recipe, overrides: Sequence[str]) -> Recipe:
    """Apply `section.key=value` overrides to a recipe, as `load_recipe` does.

    Raises:
        ConfigError: A key is unknown, or a value is wrong.
    """
    values = recipe.model_dump(mode="json", exclude_none=True)
    for change in overrides:
        _apply_override(values, change)
    try:
        return Recipe.model_validate(values)
    except ValidationError as error:
        raise ConfigError(explain(error, has_one_source=False)) from error


def changed_for_export(recipe: Recipe, changes: Sequence[str]) -> Recipe:
    """Apply `section.key=value` changes to the keys of a recipe that export uses.

    Raises:
        ConfigError: A change concerns a key that training uses.
    """
    changed = override(recipe, changes)
    trained, requested = (
        one.model_dump(mode="json", exclude=dict.fromkeys(_EXPORT_KEYS, True))
        for one in (recipe, changed)
    )
    differing = differing_keys(trained, requested)
    if differing:
        raise ConfigError(
            f"export cannot change {', '.join(differing)} of a trained network; allowed: "
            f"{', '.join(_EXPORT_KEYS)}"
        )
    return changed


def read_toml(path: Path, overrides: Sequence[str] = ()) -> dict[str, object]:
    """Read a TOML file and apply `section.key=value` overrides without validation.

    Relative paths start at the folder of the file, those of overrides at the current folder.

    Raises:
        ConfigError: The file is missing or is not TOML, or an override has no key.
    """
    try:
        values: dict[str, object] = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot read the recipe: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from error
    anchor_paths(values, path.parent)
    for override in overrides:
        _apply_override(values, override)
    anchor_paths(values, Path())
    return values


def to_toml(recipe: BaseModel) -> str:
    """Write a recipe with every default as TOML that `load_recipe` reads."""
    return tomli_w.dumps(recipe.model_dump(mode="json", exclude_none=True))


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
        entry = f"{name}.KEY" if name.isdecimal() else f"0.{name}"
        place = ".".join(sections)
        raise ConfigError(
            f"--set {override!r}: {place} is a list; name entry and key: {place}.{entry}=..."
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
    raise ConfigError(
        f"--set: {section!r} is not an index of {len(target)} entries; indices start at 0"
    )


def explain(
    error: ValidationError,
    *,
    has_one_source: bool = False,
    root: type[BaseModel] = Recipe,
) -> str:
    """Describe every problem of a recipe by its key, with the allowed keys for an unknown one.

    Args:
        error: The validation error of a recipe.
        has_one_source: Whether the recipe has a single `[data]` section, whose keys have no index.
        root: Class of the recipe.
    """
    problems = []
    found = error.errors()
    # pydantic counts only the valid entries of a list, so a list with a wrong entry may be reported
    # as too short as well.
    parents = {
        problem["loc"][:-depth] for problem in found for depth in range(1, len(problem["loc"]))
    }
    for problem in found:
        if problem["type"] == "too_short" and problem["loc"] in parents:
            continue
        # pydantic adds the name of the union member, such as "resnet", which is not a key.
        path = _without_kind(problem["loc"])
        if has_one_source and path[:2] == ["data", 0]:
            path = ["data", *path[2:]]
        key = ".".join(map(str, path))
        if problem["type"] == "extra_forbidden":
            allowed = ", ".join(_allowed_keys(problem["loc"][:-1], root))
            problems.append(f"unknown key {key!r}; allowed: {allowed}")
        elif problem["type"] == "missing":
            problems.append(f"the key {key!r} is missing")
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
    """List every key in which two recipes or sections differ, with both values."""
    flat_old, flat_new = _flat(old), _flat(new)
    return [
        f"{key} (saved {flat_old.get(key)}, requested {flat_new.get(key)})"
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


_KINDS: dict[str, type[BaseModel]] = {
    kind: section
    for section in get_args(get_args(NetworkSection)[0])
    for kind in get_args(section.model_fields["kind"].annotation)
}


def _allowed_keys(location: Sequence[str | int], root: type[BaseModel]) -> list[str]:
    section = root
    members: list[type[BaseModel]] = []
    for index, part in enumerate(location):
        if index == 1 and location[0] == "network":
            section = _KINDS[str(part)]
        elif isinstance(part, str):
            members = _sections_of(section.model_fields[part].annotation)
            section = members[0]
    return list(section.model_fields)


def _sections_of(annotation: Any) -> list[type[BaseModel]]:
    """List the section classes in an annotation."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if get_origin(annotation) in {Annotated, Union, UnionType, tuple}:
        return [found for part in get_args(annotation) for found in _sections_of(part)]
    return []
