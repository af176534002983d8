"""Print the epochs of a training run as a Markdown table.

python docs/experiments/learning_curve.py runs/accurate --every 5
"""

import argparse
from pathlib import Path

from emolens.training.run_report import read_epochs


def main() -> None:
    """Print one Markdown row per epoch, always including the last one of a phase."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run_dir", type=Path)
    parser.add_argument("--every", type=int, default=1)
    options = parser.parse_args()
    epochs = read_epochs(options.run_dir)
    is_last = epochs.phase != epochs.phase.shift(-1)
    print("| phase | epoch | training loss | PublicTest loss | PublicTest accuracy |")
    print("|---|---|---|---|---|")
    for row in epochs[(epochs.epoch % options.every == 0) | is_last].itertuples():
        print(
            f"| {row.phase} | {int(row.epoch)} | {row.train_loss:.3f} | {row.val_loss:.3f} | "
            f"{100 * row.val_accuracy:.2f} % |"
        )


if __name__ == "__main__":
    main()
