import io

import pytest
from rich.console import Console

from emolens.cli import terminal


def shown(monkeypatch: pytest.MonkeyPatch, *, is_terminal: bool, quiet: bool) -> str:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=is_terminal, width=80)
    monkeypatch.setattr(terminal, "stderr_console", lambda: console)
    with terminal.progress("pictures", 3, quiet=quiet) as done:
        for n_done in (1, 2, 3):
            done(n_done)
    return stream.getvalue()


def test_a_bar_is_shown_where_a_person_is_looking(monkeypatch: pytest.MonkeyPatch) -> None:
    text = shown(monkeypatch, is_terminal=True, quiet=False)
    assert "pictures" in text
    assert "3/3" in text


@pytest.mark.parametrize(("is_terminal", "quiet"), [(True, True), (False, False)])
def test_nothing_is_shown_elsewhere(
    monkeypatch: pytest.MonkeyPatch, *, is_terminal: bool, quiet: bool
) -> None:
    assert not shown(monkeypatch, is_terminal=is_terminal, quiet=quiet)
