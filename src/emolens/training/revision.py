"""Which version of the code runs."""

import subprocess
from pathlib import Path

UNKNOWN_REVISION = "unknown"


def code_revision() -> str:
    """Git revision of this code, with `-dirty` after it where files differ from that revision.

    Returns:
        The revision, or `"unknown"` where this code does not stand in a checkout of its own: an
        installation may lie inside the checkout of somebody else's project.
    """
    here = Path(__file__)
    try:
        _git("ls-files", "--error-unmatch", here.name)
        changed = _git("status", "--porcelain", "--", str(here.parents[1]))
        return _git("rev-parse", "HEAD") + ("-dirty" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return UNKNOWN_REVISION


def _git(*arguments: str) -> str:
    answer = subprocess.run(  # noqa: S603 (fixed arguments)
        # Looking at a checkout writes nothing into it.
        ["git", "--no-optional-locks", *arguments],  # noqa: S607 (whichever git the user has)
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=True,
    )
    return answer.stdout.strip()
