import io

import pytest
from rich.console import Console

from emolens.cli import terminal
from emolens.reports.text import TextTable


def shown(monkeypatch: pytest.MonkeyPatch, *, is_terminal: bool, quiet: bool) -> str:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=is_terminal, width=80)
    monkeypatch.setattr(terminal, "stderr_console", lambda: console)
    with terminal.progress("images", 3, quiet=quiet) as done:
        for n_done in (1, 2, 3):
            done(n_done)
    return stream.getvalue()


def test_a_bar_is_shown_where_a_person_is_looking(monkeypatch: pytest.MonkeyPatch) -> None:
    text = shown(monkeypatch, is_terminal=True, quiet=False)
    assert "images" in text
    assert "3/3" in text


@pytest.mark.parametrize(("is_terminal", "quiet"), [(True, True), (False, False)])
def test_nothing_is_shown_elsewhere(
    monkeypatch: pytest.MonkeyPatch, *, is_terminal: bool, quiet: bool
) -> None:
    assert not shown(monkeypatch, is_terminal=is_terminal, quiet=quiet)


def test_tables_and_sentences_are_printed_as_they_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    table = TextTable(
        ("name", "faces"), [("a[b]\n", "12")], frozenset({1}), frozenset({(0, 0)}), title="all [x]"
    )
    terminal.show(["**72 %** of [red]", table, ""])
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == "72 % of [red]"
    assert lines[1:4] == ["all [x]", "name    faces", "a[b]\\n     12"]
