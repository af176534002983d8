"""Every command refuses the name of an output that is not what it writes, before any work."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from emolens.cli.program import build_app
from emolens.core.errors import ConfigError

# None of the inputs exists, so another message would mean that work had started.
REFUSED = [
    ("bench --json out.yaml", ".json"),
    ("data audit missing --clean out.txt", ".json"),
    ("data audit missing --json out", ".json"),
    ("data audit missing --report out.pdf", ".html"),
    ("data convert missing out.csv", ".parquet"),
    ("data info missing --json out.jsonl", ".json"),
    ("demo --out out.zip", "folder"),
    ("evaluate --data missing --json out.csv", ".json"),
    ("evaluate --data missing --report out.pdf", "folder"),
    ("explain missing.jpg --out out.gif", ".png"),
    ("export missing.ckpt out.pt", ".onnx"),
    ("image missing.jpg --annotated out.jpg", "folder"),
    ("image missing.jpg --jsonl out.json", ".jsonl"),
    ("live --source missing.mp4 --jsonl out.txt", ".jsonl"),
    ("live --source missing.mp4 --record out.gif", ".mkv"),
    ("models card missing missing.json --out out.pdf", ".md"),
    ("train missing.toml --out out.ckpt", "folder"),
    ("video missing.mp4 --annotated out.avi", ".mkv"),
    ("video missing.mp4 --report -", ".html"),
    ("video missing.mp4 --report out.pdf", ".html"),
    ("video missing.mp4 --table out.xlsx", ".csv"),
]


@pytest.mark.parametrize(("line", "allowed"), REFUSED)
def test_another_suffix_is_refused(
    line: str, allowed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = line.split()
    done = CliRunner().invoke(build_app(words), words)
    assert isinstance(done.exception, ConfigError)
    assert f"{words[-1]!r}: " in str(done.exception)
    assert f"allowed: {allowed}" in str(done.exception).replace("the name of a ", "")
    assert not list(tmp_path.iterdir())


def test_dash_is_standard_output() -> None:
    words = ["data", "info", "missing", "--json", "-"]
    done = CliRunner().invoke(build_app(words), words)
    assert not isinstance(done.exception, ConfigError)
