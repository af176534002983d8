"""Print a training run epoch by epoch, as the tables of these pages show it.

python docs/experiments/learning_curve.py runs/resnet18-48px
"""

import argparse
from pathlib import Path

import pandas as pd


def main() -> None:
    """Read every start's log and print one Markdown row per epoch."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run_dir", type=Path)
    logs = sorted(parser.parse_args().run_dir.glob("log*/**/metrics.csv"))
    table = pd.concat(pd.read_csv(log) for log in logs)
    columns = ["train_loss_epoch", "val_loss", "val_accuracy"]
    epochs = table.groupby("epoch")[columns].last().dropna()
    print("| epoch | training loss | PublicTest loss | PublicTest accuracy |")
    print("|---|---|---|---|")
    for epoch, row in epochs.iterrows():
        loss, val_loss, accuracy = row
        print(f"| {int(epoch) + 1} | {loss:.3f} | {val_loss:.3f} | {100 * accuracy:.2f} % |")


if __name__ == "__main__":
    main()
