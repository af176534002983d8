"""Write the tables of README and docs/results.md from the files that `emolens evaluate` wrote.

It also writes the accuracies that emolens states in its records.

    python docs/results.py everyday labels labels-small

`make metrics` runs it. Tests compare both pages with the same files.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from emolens.core.emotion import LABELS
from emolens.runtime.catalogue import DEFAULT_EMOTION_MODEL
from emolens.runtime.measured import MEASURED_FILE

ROOT = Path(__file__).parents[1]
BEGIN, END = "<!-- results:begin -->", "<!-- results:end -->"
Metrics = dict[str, Any]


def read(name: str) -> Metrics:
    """Read one file of docs/metrics."""
    metrics: Metrics = json.loads((ROOT / f"docs/metrics/{name}.json").read_text("utf-8"))
    return metrics


def percent(share: float) -> str:
    """Format a share as the pages show it."""
    return f"{100 * share:.1f} %"


def overview(models: list[str]) -> str:
    """Make the table of README: one row per model."""
    latency, elsewhere = read("latency"), read("shipped-elsewhere")
    headings = [
        "model",
        "accuracy, majority vote",
        "balanced recall",
        "macro-F1",
        "accuracy, label",
        "other photographs",
        "file",
        "time per face",
    ]
    rows = {}
    for model in models:
        majority, cost = read(f"{model}-majority"), latency[model]
        rows[f"`{model}`"] = [
            percent(majority["accuracy"]),
            percent(majority["balanced_accuracy"]),
            f"{majority['macro_f1']:.3f}",
            percent(read(model)["accuracy"]),
            percent(elsewhere[model]["wild"]["macro_5"]),
            f"{cost['size_mb']:.1f} MB",
            f"{cost['median_ms']:.1f} ms",
        ]
    return _markdown(headings, rows)


def majority_table(models: list[str]) -> str:
    """Make the table of FER+'s majority vote: one column per model."""
    columns = [read(f"{model}-majority") for model in models]
    rows = _rows(columns) | {
        "accuracy, one random rater": [
            percent(metrics["ferplus"]["with_single_rater"]) for metrics in columns
        ],
    }
    between = columns[0]["ferplus"]["between_raters"]
    headings = [f"{columns[0]['n']:,} faces", *(f"`{model}`" for model in models)]
    return (
        f"{_markdown(headings, rows)}\n\nTwo random raters of the same face agree in "
        f"{percent(between)} of the cases."
    )


def label_table(models: list[str]) -> str:
    """Make the table of FER2013's labels: two columns per model."""
    headings = [f"`{model}`, {views}" for model in models for views in ("one view", "ten views")]
    columns = [read(name) for model in models for name in (model, f"{model}-ten-views")]
    rows = _rows(columns) | {
        "coverage at 80 % accuracy": [
            percent(metrics["abstention"][0]["coverage"]) for metrics in columns
        ],
    }
    return _markdown([f"{columns[0]['n']:,} faces", *headings], rows)


def measured(models: list[str]) -> str:
    """Make the file of accuracies that emolens states in its records, by SHA-256 of the model."""
    by_model = {
        read(model)["model_sha256"]: [
            {
                "faces": f"FER2013's {metrics['split']}",
                "target": metrics["target"],
                "n": metrics["n"],
                "accuracy": metrics["accuracy"],
                "interval": metrics["accuracy_ci95"],
                "n_leak_free": metrics["leak_free"]["n"],
                "leak_free": metrics["leak_free"]["accuracy"],
            }
            for metrics in (read(f"{model}-majority"), read(model))
        ]
        for model in models
    }
    return json.dumps(by_model, indent=1) + "\n"


def chain() -> str:
    """Compare the whole chain with ready-made crops."""
    metrics = read("whole-chain")
    return (
        f"When {metrics['n']} PublicTest faces are pasted into larger images, emolens detects "
        f"{percent(metrics['share_detected'])} of them,\nand the accuracy of the whole chain is "
        f"{metrics['points_lost']:.1f} points below that of the crops themselves."
    )


def _rows(columns: list[Metrics]) -> dict[str, list[str]]:
    rows = {
        "accuracy": [percent(metrics["accuracy"]) for metrics in columns],
        "95 % interval": [_interval(metrics) for metrics in columns],
        "accuracy without near-duplicates of training faces": [
            percent(metrics["leak_free"]["accuracy"]) for metrics in columns
        ],
        "balanced recall": [percent(metrics["balanced_accuracy"]) for metrics in columns],
        "macro-F1": [f"{metrics['macro_f1']:.3f}" for metrics in columns],
        "expected calibration error": [f"{metrics['ece']:.3f}" for metrics in columns],
    }
    for label in LABELS:
        recalls = [percent(metrics["per_class"][label]["recall"]) for metrics in columns]
        rows[f"recall of {label}"] = recalls
    return rows


def _interval(metrics: Metrics) -> str:
    return " to ".join(percent(end) for end in metrics["accuracy_ci95"])


def _markdown(headings: list[str], rows: dict[str, list[str]]) -> str:
    lines = [
        f"| {' | '.join(headings)} |",
        f"|{'---|' * len(headings)}",
        *(f"| {name} | {' | '.join(cells)} |" for name, cells in rows.items()),
    ]
    return "\n".join(lines)


def _replace(page: Path, *tables: str) -> None:
    """Replace the text between each pair of marks by one of the tables, in order."""
    first, *parts = page.read_text("utf-8").split(BEGIN)
    for table, part in zip(tables, parts, strict=True):
        first += f"{BEGIN}\n{table}\n{END}{part.split(END)[1]}"
    page.write_text(first, encoding="utf-8")


def main() -> None:
    """Write the tables of both pages, and the accuracies that emolens states."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="+")
    models = parser.parse_args().models
    for_labels = [model for model in models if model != DEFAULT_EMOTION_MODEL]
    _replace(ROOT / "README.md", overview(models))
    MEASURED_FILE.write_text(measured(models), encoding="utf-8")
    page = ROOT / "docs/results.md"
    _replace(page, overview(models), majority_table(models), label_table(for_labels), chain())


if __name__ == "__main__":
    main()
