import signal
import subprocess
import sys
from pathlib import Path

import pytest

PREAMBLE = "import signal, sys, os\nfrom emolens.cli.interruption import leave_at_once, unwinding\n"


def run(code: str, *, is_ignored: bool = False) -> subprocess.CompletedProcess[str]:
    before = signal.SIG_IGN if is_ignored else signal.default_int_handler
    begin = f"import signal; signal.signal(2, signal.{'SIG_IGN' if is_ignored else 'SIG_DFL'})\n"
    assert before is not None
    return subprocess.run(
        [sys.executable, "-c", begin + PREAMBLE + code],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def interrupted(done: subprocess.CompletedProcess[str]) -> bool:
    return (done.returncode, done.stderr) == (130, "interrupted\n")


def test_before_a_command_runs_it_ends_on_the_spot() -> None:
    code = """
leave_at_once()
print("said before")
try:
    signal.raise_signal(signal.SIGINT)
finally:
    print("not reached")
"""
    done = run(code)
    assert interrupted(done)
    assert done.stdout == "said before\n"


def test_while_it_runs_what_was_begun_is_unwound() -> None:
    code = """
with unwinding():
    try:
        signal.raise_signal(signal.SIGINT)
    finally:
        print("cleaned up")
"""
    done = run(code)
    assert interrupted(done)
    assert done.stdout == "cleaned up\n"


@pytest.mark.parametrize(
    "body",
    [
        "try: interrupt()\n    except KeyboardInterrupt: sys.exit(1)",
        "try: interrupt()\n    finally: interrupt()",
        "class Thing:\n        def __del__(self): interrupt()\n    Thing()\n    print('goes on')",
    ],
    ids=["turned into another code", "twice", "in a finalizer"],
)
def test_it_is_one_line_whatever_happens_to_it_on_the_way(body: str) -> None:
    code = f"""
def interrupt(): signal.raise_signal(signal.SIGINT)
with unwinding():
    {body}
"""
    done = run(code)
    assert interrupted(done)
    assert done.stdout == ""


def test_other_endings_stay_as_they_are() -> None:
    assert run("with unwinding(): sys.exit(3)").returncode == 3
    done = run("with unwinding(): raise ValueError('a fault')")
    assert (done.returncode, "ValueError: a fault" in done.stderr) == (1, True)


def test_after_a_command_has_run_it_ends_on_the_spot_again() -> None:
    done = run("with unwinding(): print('done')\nsignal.raise_signal(signal.SIGINT)")
    assert interrupted(done)
    assert done.stdout == "done\n"


def test_whoever_starts_it_may_have_it_ignored() -> None:
    code = """
leave_at_once()
with unwinding():
    signal.raise_signal(signal.SIGINT)
print("went on")
"""
    done = run(code, is_ignored=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "went on\n", "")


def test_the_entry_loads_next_to_nothing_before_it_is_ready(tmp_path: Path) -> None:
    code = "import sys, emolens.cli.main; print(*sorted(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path[:0] = {sys.path!r}; {code}"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    loaded = set(done.stdout.split())
    assert not loaded & {"typing", "numpy", "typer", "rich", "cv2", "importlib.metadata"}
