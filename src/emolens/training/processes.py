"""Rank of this process in distributed training."""

import os

from lightning.pytorch.utilities import rank_zero_only


def is_main_process() -> bool:
    """Return whether this process writes the shared files and messages."""
    # Lightning's launcher sets the rank of the machine before that of the process.
    is_first_machine = os.environ.get("NODE_RANK", "0") == "0"
    return is_first_machine and not getattr(rank_zero_only, "rank", None)
