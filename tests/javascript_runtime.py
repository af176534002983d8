"""Node, which executes the client in JavaScript."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import pytest

FOLDER: Final = Path(__file__).parent / "javascript"

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")


def run_node(
    script: str,
    *arguments: str,
    cwd: Path,
    options: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a script of `tests/javascript`.

    Args:
        script: Its name.
        arguments: Its arguments.
        cwd: Folder that it runs in.
        options: Options of Node.
        environment: Variables that are added to those of this process.
    """
    # Node 20 has a WebSocket behind an option, which later versions accept.
    return subprocess.run(
        ["node", "--experimental-websocket", *options, FOLDER / script, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env={**os.environ, **(environment or {})},
    )
