"""Which of several processes that train together this one is."""

import os

from lightning.pytorch.utilities import rank_zero_only


def is_main_process() -> bool:
    """Whether this process writes the files and messages that all of them share."""
    # Lightning's own launcher numbers machines before it numbers processes.
    is_first_machine = os.environ.get("NODE_RANK", "0") == "0"
    return is_first_machine and not getattr(rank_zero_only, "rank", None)
