import io
import os
import sys

import pytest

from emolens.core.errors import ConfigError
from emolens.media.standard_input import open_standard_input


def test_a_pipe_is_read_as_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\xff\xd8")))
    assert open_standard_input().read() == b"\xff\xd8"


def test_a_terminal_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    leader, follower = os.openpty()
    with os.fdopen(follower) as terminal:
        monkeypatch.setattr(sys, "stdin", terminal)
        with pytest.raises(ConfigError, match="standard input is a terminal"):
            open_standard_input()
    os.close(leader)


def test_a_program_without_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(ConfigError, match="standard input is closed"):
        open_standard_input()
