"""Commands and options that messages and pages name are ones that the command line takes."""

import ast
import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer

from emolens.cli.program import COMMANDS, GROUPS, build_app

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
MODULES = sorted((ROOT / "src" / "emolens").rglob("*.py"))
FORMATTED = "X"
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]*")
# A command that people are to enter as it stands, up to the end of the text or a bracket.
ENTERED = re.compile(r"(?:with|use|next): emolens ([^(\n]+)")
NAMED = re.compile(r"emolens ([a-z]+)\b([^`\n;.]*)")


@cache
def command(*names: str) -> Any:
    """The parser of a command, by its name and, in a group, that of the group before it."""
    found = typer.main.get_command(build_app(names[:1]))
    for name in names:
        found = found.commands[name]  # type: ignore[attr-defined]
    return found


@cache
def options(*names: str) -> frozenset[str]:
    parser = command(*names)
    inner = [options(*names, name) for name in getattr(parser, "commands", ())]
    own = [{*of.opts, *of.secondary_opts} for of in parser.params]
    return frozenset({"--help"}.union(*own, *inner))


@cache
def all_options() -> frozenset[str]:
    return frozenset({"--version"}.union(*(options(name) for name in (*COMMANDS, *GROUPS))))


def texts_of(module: Path) -> Iterator[str]:
    """The strings of a module, what is formatted into them being `FORMATTED`."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    parts = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for part in node.values
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(
                str(part.value) if isinstance(part, ast.Constant) else FORMATTED
                for part in node.values
            )
        elif (
            isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in parts
        ):
            yield node.value


def refused_commands(text: str) -> Iterator[str]:
    """What a text says of commands that the command line does not know."""
    for entered in re.findall(r"`emolens ([a-z]+)", text):
        if entered not in {*COMMANDS, *GROUPS}:
            yield f"emolens {entered}"
    for name, rest in NAMED.findall(text):
        if name not in {*COMMANDS, *GROUPS}:
            continue  # a sentence about emolens
        names, words = [name], rest.split()
        if name in GROUPS and words and words[0].isidentifier():
            names.append(words[0])
            if words[0] not in command(name).commands:
                yield f"emolens {' '.join(names)}"
                continue
        unknown = set(OPTION.findall(rest)) - options(*names)
        yield from (f"emolens {' '.join(names)} {option}" for option in sorted(unknown))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_commands_and_options_in_messages_exist(path: Path) -> None:
    refused = [one for text in texts_of(path) for one in refused_commands(text)]
    is_command = path.parent.name == "cli" and path.stem in {*COMMANDS, *GROUPS}
    known = options(path.stem) if is_command else all_options()
    for text in texts_of(path):
        # A word by itself is no message; it may be an option of git.
        if " " in text and not re.match("pip |apt-get ", text):
            plain = NAMED.sub("", text)
            refused += sorted(set(OPTION.findall(plain)) - known)
    assert refused == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_commands_and_options_on_pages_exist(path: Path) -> None:
    assert list(refused_commands(path.read_text(encoding="utf-8").replace("\\\n", " "))) == []


def entered_commands() -> list[str]:
    return sorted(
        {one for path in MODULES for text in texts_of(path) for one in ENTERED.findall(text)}
    )


@pytest.mark.parametrize("entered", entered_commands())
def test_commands_to_enter_are_parsed_as_they_stand(entered: str) -> None:
    name, *words = shlex.split(entered)
    names = [name, words.pop(0)] if name in GROUPS else [name]
    with command(*names).make_context(name, words) as context:
        assert context.params


def test_there_are_commands_to_enter() -> None:
    assert "live --source X" in entered_commands()
    assert len(entered_commands()) >= 4


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ("use: emolens live --camera 0", ["emolens live --camera"]),
        ("see `emolens vidoe x`", ["emolens vidoe"]),
        ("get it with: emolens models get X", ["emolens models get"]),
        ("emolens data audit SOURCE --clear FILE", ["emolens data audit --clear"]),
        ("emolens takes images", []),
        ("wrote it; next: emolens export X X.onnx --int8", []),
    ],
)
def test_what_would_be_refused_is_found(text: str, refused: list[str]) -> None:
    assert list(refused_commands(text)) == refused
