"""What `import emolens` may and may not do, each checked in a fresh interpreter."""

import subprocess
import sys

HEAVY = (
    "torch",
    "fastapi",
    "typer",
    "ray",
    "lightning",
    "timm",
    "sklearn",
    "pandas",
    "matplotlib",
    "cv2",
)


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_import_loads_nothing_heavy() -> None:
    code = f"import sys, emolens; print([m for m in {HEAVY!r} if m in sys.modules])"
    assert run(code) == "[]"


def test_import_uses_no_network_and_leaves_the_environment_alone() -> None:
    code = """
import os, socket, sys
def refuse(*args, **kwargs): raise AssertionError("network used on import")
socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
before = dict(os.environ)
import emolens
assert dict(os.environ) == before, set(os.environ.items()) ^ set(before.items())
"""
    run(code)


def test_public_names_are_sorted_and_exist() -> None:
    code = """
import emolens
constants = [n for n in emolens.__all__ if n.isupper()]
classes = [n for n in emolens.__all__ if not n.isupper() and n[0].isupper()]
functions = [n for n in emolens.__all__ if n[0].islower()]
assert emolens.__all__ == sorted(constants) + sorted(classes) + sorted(functions)
assert all(hasattr(emolens, n) for n in emolens.__all__)
"""
    run(code)
