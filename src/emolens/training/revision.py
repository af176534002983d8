"""Git revision of the running code."""

import subprocess
from pathlib import Path

UNKNOWN_REVISION = "unknown"


def code_revision() -> str:
    """Return the Git revision of this code, with `-dirty` if files differ from it.

    Returns:
        The revision, or `"unknown"` if Git does not track this code. An installed copy may be
        inside the checkout of another project.
    """
    here = Path(__file__)
    try:
        _git("ls-files", "--error-unmatch", here.name)
        changed = _git("status", "--porcelain", "--", str(here.parents[1]))
        return _git("rev-parse", "HEAD") + ("-dirty" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return UNKNOWN_REVISION


def _git(*arguments: str) -> str:
    completed = subprocess.run(  # noqa: S603 (fixed arguments)
        # Without locks, Git does not write to the checkout.
        ["git", "--no-optional-locks", *arguments],  # noqa: S607 (whichever git the user has)
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=True,
    )
    return completed.stdout.strip()
