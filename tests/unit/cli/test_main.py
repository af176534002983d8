import subprocess
import sys

import pytest

import emolens

pytestmark = pytest.mark.slow


def emolens_command(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from emolens.cli.main import run; run()", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


def test_version() -> None:
    done = emolens_command("--version")
    assert (done.returncode, done.stdout.strip()) == (0, f"emolens {emolens.__version__}")


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["image"],
        ["image", "--nonsense", "a.jpg"],
        ["evaluate"],
        ["train", "none.toml"],
    ],
)
def test_wrong_usage_ends_with_1_and_says_why(arguments: list[str]) -> None:
    done = emolens_command(*arguments)
    assert done.returncode == 1
    assert done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_wrong_model_ends_with_1() -> None:
    done = emolens_command("image", "a.jpg", "--model", "huge")
    assert done.returncode == 1
    assert "unknown emotion model 'huge'" in done.stderr


def test_help_lists_the_commands() -> None:
    done = emolens_command("--help")
    for command in (
        "demo",
        "image",
        "video",
        "live",
        "bench",
        "train",
        "evaluate",
        "export",
        "data",
        "models",
        "doctor",
    ):
        assert command in done.stdout
