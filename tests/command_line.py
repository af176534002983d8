"""The command line as a user runs it, in a process of its own."""

import subprocess
import sys
from pathlib import Path


def run_emolens(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run `emolens` with arguments in a folder."""
    return subprocess.run(
        [sys.executable, "-c", "from emolens.cli.main import run; run()", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
    )
