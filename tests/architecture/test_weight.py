"""No file over 1 MB comes into the repository unannounced."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LIMIT_BYTES = 1_000_000
SHIPPED_LIMIT_BYTES = 25_000_000
# Models that are shipped, and the checkpoints that recipes and `make models` start from.
LARGE = {
    *(f"src/emolens/models/{name}.onnx" for name in ("everyday", "labels", "labels-small")),
    *(f"checkpoints/teacher-{number}.ckpt" for number in (1, 2, 3)),
    *(
        f"checkpoints/{name}.ckpt"
        for name in ("accurate", "everyday", "face-resnet", "faces", "taught")
    ),
}


@pytest.fixture(scope="module")
def files() -> list[Path]:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip("not a git repository")
    return [ROOT / name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()]


def test_large_files_are_announced(files: list[Path]) -> None:
    large = {str(file.relative_to(ROOT)) for file in files if file.stat().st_size > LIMIT_BYTES}
    assert large == LARGE


def test_shipped_models_are_light() -> None:
    models = (ROOT / "src/emolens/models").glob("*.onnx")
    assert sum(file.stat().st_size for file in models) <= SHIPPED_LIMIT_BYTES


def test_every_checkpoint_has_a_use() -> None:
    uses = (ROOT / "Makefile").read_text(encoding="utf-8")
    uses += "".join(path.read_text(encoding="utf-8") for path in (ROOT / "recipes").glob("*.toml"))
    for path in (ROOT / "checkpoints").glob("*.ckpt"):
        assert f"checkpoints/{path.name}" in uses, path.name
