"""The command that runs, for the record of how a result was made, without paths and addresses."""

import contextlib
import re
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from typing import Final

_running: ContextVar[str | None] = ContextVar("_running", default=None)

_SILENCING: Final = frozenset({"-q", "--quiet"})
_GROUPS: Final = frozenset({"data", "models"})
# Values of these options are names of emolens, unless they are files.
_NAMING: Final = frozenset(
    {"--compare", "--detector", "--emotion", "--model", "--split", "--target", "--tracker"}
)
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}")
# A number with more digits may be a name, such as the code of a subject.
_NUMBER: Final = re.compile(r"-?[0-9]{1,5}(\.[0-9]{0,5})?")
_OPTION: Final = re.compile(r"--?[A-Za-z][A-Za-z0-9-]*")


@contextlib.contextmanager
def running(arguments: Sequence[str]) -> Iterator[None]:
    """State the command line whose results are written inside the block."""
    token = _running.set(public_command(arguments))
    try:
        yield
    finally:
        _running.reset(token)


def running_command() -> str | None:
    """Return the public text of the running command, or None in a Python program."""
    return _running.get()


def public_command(arguments: Sequence[str]) -> str:
    """Return a command line without paths, addresses and free text.

    The command and its options are kept, except `--quiet`, with their numbers and with the names
    of models, detectors, trackers, classes and splits. All other words are left out.

    Args:
        arguments: The words after `emolens`; the first ones are the command.
    """
    n_commands = 2 if arguments and arguments[0] in _GROUPS else 1
    words = [word for word in arguments[:n_commands] if _NAME.fullmatch(word)]
    option = ""
    for argument in arguments[n_commands:]:
        name, equals, value = argument.partition("=")
        if argument == "--":
            # Only names follow, even if they begin with a dash.
            break
        if argument in _SILENCING:
            continue
        if _OPTION.fullmatch(name):
            option = name
            words.append(option)
        value = value if equals else argument
        if option and _is_public(option, value):
            words.append(value)
        if argument != option:
            option = ""
    return " ".join(words)


def _is_public(option: str, value: str) -> bool:
    is_name = option in _NAMING and bool(_NAME.fullmatch(value))
    return is_name or bool(_NUMBER.fullmatch(value))
