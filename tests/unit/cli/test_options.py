import pytest
import typer

from emolens.cli import options
from emolens.cli.program import COMMANDS, GROUPS, build_app
from emolens.detection import DEFAULT_DETECTOR
from emolens.tracking import DEFAULT_TRACKER

SHORT = {
    "-m": "--model",
    "-d": "--detector",
    "-t": "--table",
    "-r": "--report",
    "-j": "--jsonl",
    "-q": "--quiet",
}


def test_defaults_are_those_of_the_packages() -> None:
    assert options.DEFAULT_DETECTOR == DEFAULT_DETECTOR
    assert options.DEFAULT_TRACKER == DEFAULT_TRACKER


@pytest.mark.parametrize("name", [*COMMANDS, *GROUPS])
def test_a_short_option_means_the_same_in_every_command(name: str) -> None:
    """A command with the long option has its short one, and no other meaning of it."""
    parser = typer.main.get_command(build_app([name])).commands[name]  # type: ignore[attr-defined]
    for command in getattr(parser, "commands", {name: parser}).values():
        for parameter in command.params:
            opts = {*parameter.opts}
            for short, long in SHORT.items():
                assert (short in opts) == (long in opts), (command.name, parameter.opts)
            assert all(opt.startswith("--") or opt in SHORT for opt in opts if opt[0] == "-")
