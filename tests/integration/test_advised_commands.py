"""What a message advises for this very input can be entered as it stands."""

import re
import shlex
from pathlib import Path

import pytest
import typer

from emolens.cli.program import build_app
from emolens.media.open_source import plan_source
from tests.command_line import run_emolens


@pytest.mark.parametrize(
    ("source", "advised"),
    [
        ("0", "0"),
        ("12", "12"),
        ("/dev/video3", "/dev/video3"),
        ("rtsp://127.0.0.1:9/stream", "rtsp://127.0.0.1:9/stream"),
        ("RTSP://127.0.0.1:9/a b", "rtsp://127.0.0.1:9/a b"),
        ("http://me:secret@127.0.0.1:9/live", "http://127.0.0.1:9/live"),
        ("http://127.0.0.1:9/live?token=secret", "http://127.0.0.1:9/live?..."),
    ],
)
def test_what_has_no_end_is_for_live(source: str, advised: str, tmp_path: Path) -> None:
    done = run_emolens("video", source, cwd=tmp_path)
    assert done.returncode == 1
    assert "secret" not in done.stderr
    (entered,) = re.findall(r"use: emolens (.*)", done.stderr)
    name, *words = shlex.split(entered)
    parser = typer.main.get_command(build_app([name])).commands[name]  # type: ignore[attr-defined]
    with parser.make_context(name, words) as context:
        assert context.params["source"] == advised
        assert plan_source(advised).is_endless
