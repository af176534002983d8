import json
from importlib.metadata import PackageNotFoundError
from typing import Any

import pytest

from emolens.core import installation
from emolens.core.errors import MissingExtraError
from emolens.core.installation import install_command

FOLDER = "file:///home/ada/my%20code/emolens"


class Installed:
    """A distribution with the given origin."""

    def __init__(self, text: str | None) -> None:
        self._text = text

    def read_text(self, name: str) -> str | None:
        assert name == "direct_url.json"
        return self._text


def install_from(monkeypatch: pytest.MonkeyPatch, origin: dict[str, Any] | str | None) -> None:
    text = origin if origin is None or isinstance(origin, str) else json.dumps(origin)
    monkeypatch.setattr(installation, "distribution", lambda _name: Installed(text))


@pytest.mark.parametrize(
    ("origin", "command"),
    [
        (None, 'pip install "emolens[train]"'),
        ("{", 'pip install "emolens[train]"'),
        (
            {"url": FOLDER, "dir_info": {}},
            'pip install "/home/ada/my code/emolens[train]"',
        ),
        (
            {"url": FOLDER, "dir_info": {"editable": True}},
            'pip install --editable "/home/ada/my code/emolens[train]"',
        ),
        (
            {"url": "file:///tmp/emolens-0.1.0-py3-none-any.whl", "archive_info": {}},
            'pip install "emolens[train] @ file:///tmp/emolens-0.1.0-py3-none-any.whl"',
        ),
        (
            {"url": "https://x.example/emolens", "vcs_info": {"vcs": "git", "commit_id": "1f2e"}},
            'pip install "emolens[train] @ git+https://x.example/emolens@1f2e"',
        ),
    ],
)
def test_the_command_installs_from_where_emolens_came(
    monkeypatch: pytest.MonkeyPatch, origin: dict[str, Any] | str | None, command: str
) -> None:
    install_from(monkeypatch, origin)
    assert install_command("train") == command
    assert command in str(MissingExtraError("emolens train", "train", "torch"))


def test_a_repair_keeps_its_options(monkeypatch: pytest.MonkeyPatch) -> None:
    install_from(monkeypatch, {"url": FOLDER, "dir_info": {"editable": True}})
    expected = 'pip install --no-deps --editable "/home/ada/my code/emolens"'
    assert install_command(options=["--no-deps"]) == expected


def test_a_source_tree_on_the_path_is_named_as_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_name: str) -> Installed:
        raise PackageNotFoundError

    monkeypatch.setattr(installation, "distribution", missing)
    assert install_command() == 'pip install "emolens"'
