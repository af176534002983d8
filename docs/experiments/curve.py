r"""Plot the trade-off between FER2013's labels and the majority vote for two-headed networks.

Each network runs once. The weighted mean of the logits of its heads gives every point of the curve.
The metrics are those of elsewhere.py (0021-three-models.md):

    python docs/experiments/curve.py $EMOLENS_DATA/fer2013 $EMOLENS_DATA/wild/dev.parquet \
        checkpoints/everyday.ckpt checkpoints/teacher-3.ckpt --balance 0 0.2 0.4 \
        --json docs/metrics/curve.json --png docs/images/curve.png
"""

import argparse
import json
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from elsewhere import balanced, load, metrics_of, mixed, predict_all, row

# The colour-blind safe palette of Okabe and Ito 2008.
COLORS = ("#0072B2", "#D55E00", "#009E73")
N_POINTS = 11


def points(
    checkpoints: list[str], source: Path, wild: Path, parts: list[float]
) -> list[dict[str, Any]]:
    """Measure every point: vote weights 0, 0.1, ... 1, for each balance."""
    faces = load(source, wild)
    predictions = predict_all(checkpoints, faces)
    measured = []
    for part in parts:
        for votes in np.linspace(0, 1, N_POINTS):
            of_labels, of_votes = (share / len(checkpoints) for share in (1 - votes, votes))
            mixture = ",".join(
                f"{one}:label={of_labels:.3f},{one}:votes={of_votes:.3f}" for one in checkpoints
            )
            test, other = (
                balanced(probabilities, faces, part)
                for probabilities in mixed(mixture, predictions, of_logs=True)
            )
            record = metrics_of(test, other, faces)
            print(row(f"votes {votes:.1f}, balance {part:g}", record), flush=True)
            measured.append({"votes": round(float(votes), 1), "balance": part, **record})
    return measured


def draw(measured: list[dict[str, Any]], path: Path) -> None:
    """Plot majority accuracy, balanced recall and cross-dataset recall over label accuracy."""
    mpl.use("Agg")
    panels = {
        "accuracy, majority vote": lambda of: of["majority_all"]["accuracy"],
        "balanced recall, majority vote": lambda of: of["majority_all"]["balanced"],
        "cross-dataset recall": lambda of: of["wild"]["macro_5"],
    }
    figure, axes = plt.subplots(1, len(panels), figsize=(11, 3.8), layout="constrained")
    for panel, (title, value) in zip(axes, panels.items(), strict=True):
        for part, color in zip(sorted({of["balance"] for of in measured}), COLORS, strict=False):
            line = [of for of in measured if of["balance"] == part]
            across = [100 * of["label_all"]["accuracy"] for of in line]
            up = [100 * value(of) for of in line]
            panel.plot(across, up, "o-", color=color, markersize=4, label=f"balance {part:g}")
            if part == 0:
                for of, x, y in zip(line, across, up, strict=True):
                    if of["votes"] in {0, 0.5, 1}:
                        panel.annotate(
                            f"votes {of['votes']:g}", (x, y), (4, 5), textcoords="offset points"
                        )
        panel.set(xlabel="accuracy, FER2013's labels, %", ylabel="%", title=title)
        panel.grid(color="0.9")
        panel.spines[["top", "right"]].set_visible(False)
    axes[0].legend(frameon=False, loc="lower left")
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main() -> None:
    """Measure, print and plot."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path)
    parser.add_argument("wild", type=Path)
    parser.add_argument("checkpoints", nargs="+")
    parser.add_argument("--balance", type=float, nargs="+", default=[0.0])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--png", type=Path)
    options = parser.parse_args()
    measured = points(options.checkpoints, options.source, options.wild, options.balance)
    if options.json:
        options.json.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
    if options.png:
        draw(measured, options.png)


if __name__ == "__main__":
    main()
