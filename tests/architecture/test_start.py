"""What commands load before they answer, each checked in a fresh interpreter."""

import subprocess
import sys
from pathlib import Path

import pytest

from emolens.media.sample import sample_image

pytestmark = pytest.mark.slow

# Each takes from a hundredth of a second to seconds, and naming faces in images needs none.
HEAVY = (
    *("av", "jinja2", "matplotlib", "pandas", "pyarrow", "requests", "scipy", "seaborn"),
    *("skimage", "sklearn", "supervision", "torch", "trackers", "urllib3"),
    *("asyncio", "http.client", "multiprocessing", "rich.progress", "ssl", "urllib.request"),
)
CODE = """
import atexit, gc, sys
def tell():
    print(sorted({*%r} & {*sys.modules}), gc.isenabled(), gc.get_freeze_count() > 0)
atexit.register(tell)
from emolens.cli.main import run
run()
"""


def state_after(arguments: list[str], cwd: Path) -> str:
    """Which heavy modules are loaded at the end of a command, and how garbage is looked for."""
    done = subprocess.run(
        [sys.executable, "-c", CODE % (HEAVY,), *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]


@pytest.mark.parametrize(
    "more", [[], ["--jsonl", "faces.jsonl", "--annotated", "drawn"], ["--table", "a.csv"]]
)
def test_naming_faces_in_images_loads_nothing_that_it_does_not_need(
    more: list[str], tmp_path: Path
) -> None:
    assert state_after(["image", str(sample_image()), *more], tmp_path) == "[] True True"


def test_a_table_of_images_needs_no_records() -> None:
    code = (
        "import sys, emolens.cli.image;"
        f"print(sorted({{'pydantic', *{HEAVY!r}}} & {{*sys.modules}}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_cropping_loads_nothing_that_it_does_not_need(tmp_path: Path) -> None:
    assert state_after(["crop", str(sample_image()), "out"], tmp_path) == "[] True True"


@pytest.mark.parametrize("command", [[], ["image"], ["video"], ["live"], ["crop"]])
def test_help_loads_no_library_that_a_run_needs(command: list[str], tmp_path: Path) -> None:
    libraries = (*HEAVY, "cv2", "numpy", "onnxruntime", "PIL")
    code = (
        "import atexit, sys;"
        f"atexit.register(lambda: print(sorted({{*{libraries!r}}} & {{*sys.modules}})));"
        "from emolens.cli.main import run; run()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *command, "--help"],
        capture_output=True, text=True, check=True, cwd=tmp_path,
    )  # fmt: skip
    assert done.stdout.splitlines()[-1] == "[]"


def test_python_programs_load_no_more_than_the_command(tmp_path: Path) -> None:
    code = (
        f"import sys, emolens; emolens.analyze({str(sample_image())!r});"
        f"print(sorted({{*{HEAVY!r}, 'typer', 'rich', 'pydantic'}} & {{*sys.modules}}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
