r"""The curve between FER2013's labels and what people see, for networks with both heads.

Asked once, networks answer everything between their two heads: the weighted mean of the logits.
Figures are those of elsewhere.py (0021-three-models.md):

    python docs/experiments/curve.py ../shared/fer2013 ../shared/wild/dev.parquet \
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
from elsewhere import ask_all, balanced, figures, load, mixed, row

# Okabe and Ito 2008, for every colour vision.
COLORS = ("#0072B2", "#D55E00", "#009E73")
N_POINTS = 11


def points(
    checkpoints: list[str], source: Path, wild: Path, parts: list[float]
) -> list[dict[str, Any]]:
    """Figures of every point: votes 0, 0.1, ... 1, for each part of the classes' frequencies."""
    faces = load(source, wild)
    answers = ask_all(checkpoints, faces)
    found = []
    for part in parts:
        for votes in np.linspace(0, 1, N_POINTS):
            of_labels, of_votes = (share / len(checkpoints) for share in (1 - votes, votes))
            mixture = ",".join(
                f"{one}:label={of_labels:.3f},{one}:votes={of_votes:.3f}" for one in checkpoints
            )
            test, elsewhere = (
                balanced(said, faces, part) for said in mixed(mixture, answers, of_logs=True)
            )
            record = figures(test, elsewhere, faces)
            print(row(f"votes {votes:.1f}, balance {part:g}", record), flush=True)  # type: ignore[arg-type]
            found.append({"votes": round(float(votes), 1), "balance": part, **record})
    return found


def draw(found: list[dict[str, Any]], path: Path) -> None:
    """The label's accuracy against the majority's, its balanced recall and other photographs."""
    mpl.use("Agg")
    panels = {
        "says what most raters see": lambda of: of["majority_all"]["accuracy"],
        "balanced recall of that": lambda of: of["majority_all"]["balanced"],
        "mean recall on another source": lambda of: of["wild"]["macro_5"],
    }
    figure, axes = plt.subplots(1, len(panels), figsize=(11, 3.8), layout="constrained")
    for panel, (title, value) in zip(axes, panels.items(), strict=True):
        for part, color in zip(sorted({of["balance"] for of in found}), COLORS, strict=False):
            line = [of for of in found if of["balance"] == part]
            across = [100 * of["label_all"]["accuracy"] for of in line]
            up = [100 * value(of) for of in line]
            panel.plot(across, up, "o-", color=color, markersize=4, label=f"balance {part:g}")
            if part == 0:
                for of, x, y in zip(line, across, up, strict=True):
                    if of["votes"] in {0, 0.5, 1}:
                        panel.annotate(
                            f"votes {of['votes']:g}", (x, y), (4, 5), textcoords="offset points"
                        )
        panel.set(xlabel="says FER2013's label, %", ylabel="%", title=title)
        panel.grid(color="0.9")
        panel.spines[["top", "right"]].set_visible(False)
    axes[0].legend(frameon=False, loc="lower left")
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main() -> None:
    """Measure, print, draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path)
    parser.add_argument("wild", type=Path)
    parser.add_argument("checkpoints", nargs="+")
    parser.add_argument("--balance", type=float, nargs="+", default=[0.0])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--png", type=Path)
    options = parser.parse_args()
    found = points(options.checkpoints, options.source, options.wild, options.balance)
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    if options.png:
        draw(found, options.png)


if __name__ == "__main__":
    main()
