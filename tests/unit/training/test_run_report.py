from pathlib import Path

import cv2
import pandas as pd
import pytest

from emolens.training.run_report import plot_learning_curve, read_epochs

HEADER = "epoch,step,train_loss_epoch,train_loss_step,val_accuracy,val_loss\n"


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    """Two phases, the first one in two starts, whose second repeats the third epoch."""
    logs = {
        "phase-1/logs/version_0": "0,9,,2.0,,\n0,9,,,0.2,1.9\n0,9,1.8,,,\n1,19,,,0.3,1.8\n"
        "1,19,1.7,,,\n2,29,,1.6,,\n",
        "phase-1/logs/version_10": "2,29,,,0.4,1.7\n2,29,1.6,,,\n",
        "phase-2/logs/version_0": "0,9,,,0.5,1.6\n0,9,1.5,,,\n",
    }
    for folder, rows in logs.items():
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "metrics.csv").write_text(HEADER + rows)
    (tmp_path / "phase-1.ckpt").write_bytes(b"")
    (tmp_path / "phase-1/logs/version_11").mkdir()
    (tmp_path / "phase-1/logs/version_11/metrics.csv").write_bytes(b"")
    return tmp_path


def test_epochs_are_counted_over_starts_and_phases(run_dir: Path) -> None:
    epochs = read_epochs(run_dir)
    assert epochs.phase.tolist() == [1, 1, 1, 2]
    assert epochs.epoch.tolist() == [1, 2, 3, 4]
    assert epochs.train_loss.tolist() == [1.8, 1.7, 1.6, 1.5]
    assert epochs.val_accuracy.tolist() == [0.2, 0.3, 0.4, 0.5]


def test_the_tenth_phase_comes_after_the_second(run_dir: Path) -> None:
    (run_dir / "phase-2").rename(run_dir / "phase-10")
    log = run_dir / "phase-2/logs/version_0"
    log.mkdir(parents=True)
    (log / "metrics.csv").write_text(HEADER + "0,9,,,0.6,1.0\n0,9,1.0,,,\n")
    assert read_epochs(run_dir).phase.tolist() == [1, 1, 1, 2, 10]


def test_the_curve_is_an_image(run_dir: Path, tmp_path: Path) -> None:
    plot_learning_curve(read_epochs(run_dir), tmp_path / "curve.png")
    image = cv2.imread(str(tmp_path / "curve.png"))
    assert image is not None
    assert image.shape[1] == 960
    assert image.std() > 5


def test_one_epoch_is_enough(tmp_path: Path) -> None:
    one = pd.DataFrame(
        {"phase": [1], "epoch": [1], "train_loss": [1.0], "val_loss": [1.0], "val_accuracy": [0.5]}
    )
    plot_learning_curve(one, tmp_path / "curve.png")
    assert (tmp_path / "curve.png").stat().st_size > 1000
