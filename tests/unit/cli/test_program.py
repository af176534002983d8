import itertools

import pytest
import typer

import emolens
from emolens.cli.program import COMMANDS, GROUPS, build_app
from tests.unit.cli.test_main import emolens_command

SUMMARIES = COMMANDS | GROUPS


@pytest.mark.parametrize("name", SUMMARIES)
def test_a_summary_is_the_first_line_of_the_help(name: str) -> None:
    def help_of(arguments: list[str]) -> str:
        parser = typer.main.get_command(build_app(arguments))
        text = parser.commands[name].help  # type: ignore[attr-defined]
        assert isinstance(text, str)
        return " ".join(text.split("\n\n")[0].split())

    assert help_of([name]) == help_of([]) == SUMMARIES[name]


def test_all_commands_are_listed_in_their_order() -> None:
    listed = emolens_command("--help").stdout
    places = [listed.index(f"│ {name} ") for name in SUMMARIES]
    assert all(before < after for before, after in itertools.pairwise(places))


@pytest.mark.parametrize("arguments", [["--version"], ["--version", "image"]])
def test_the_version_needs_no_command(arguments: list[str]) -> None:
    done = emolens_command(*arguments)
    assert (done.returncode, done.stdout) == (0, f"emolens {emolens.__version__}\n")


def test_a_command_is_found_behind_two_dashes() -> None:
    done = emolens_command("--", "image", "none.png")
    assert done.returncode == 2
    assert "'none.png' does not exist" in done.stderr
