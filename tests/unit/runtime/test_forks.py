import gc
import os
import sys
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest

from emolens.runtime.catalogue import find_model
from emolens.runtime.forks import keep_for_ever, watch_forks
from emolens.runtime.session import OnnxSession

FACE = np.zeros((1, 1, 48, 48), np.float32)

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="processes are never forked there"),
    # Python 3.12 warns of every fork beside threads; that it goes well is what is tested here.
    pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning"),
]


@dataclass(eq=False)
class Noted:
    warnings: list[int] = field(default_factory=list)

    def start_anew(self) -> None:
        self.warnings.append(os.getpid())


def holds_in_child(is_well: Callable[[], bool]) -> bool:
    """Whether something holds in a process forked now."""
    pid = os.fork()
    if not pid:
        code = 1
        try:
            code = 0 if is_well() else 1
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_told_in_the_child_alone() -> None:
    thing = Noted()
    watch_forks(thing)
    assert holds_in_child(lambda: thing.warnings == [os.getpid()])
    assert thing.warnings == []


def test_watching_keeps_nothing_alive() -> None:
    thing = Noted()
    watch_forks(thing)
    gone = weakref.ref(thing)
    del thing
    gc.collect()
    assert gone() is None


def test_what_is_kept_outlives_its_last_name() -> None:
    thing = Noted()
    keep_for_ever(thing)
    kept = weakref.ref(thing)
    del thing
    gc.collect()
    assert kept() is not None


@pytest.mark.parametrize("n_threads", [1, 2])
def test_a_session_is_loaded_again_in_the_child_when_it_runs(n_threads: int) -> None:
    session = OnnxSession(
        find_model("labels-small", "emotion").read(), name="labels-small", n_threads=n_threads
    )
    inputs = {session.input_names[0]: FACE}
    before = session.run(inputs, ["logits"])[0]
    parents = session._loaded

    def is_well() -> bool:
        was_put_aside = session._loaded is None
        same = np.array_equal(session.run(inputs, ["logits"])[0], before)
        return was_put_aside and same and session._loaded is not parents

    assert holds_in_child(is_well)
    assert session._loaded is parents
