"""Write the table of figures into README from the files that `emolens evaluate` wrote.

    python docs/readme_figures.py everyday labels labels-small

`make figures` runs it; tests compare README with the same files.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from emolens.core.emotion import LABELS
from emolens.runtime.catalogue import DEFAULT_EMOTION_MODEL

ROOT = Path(__file__).parents[1]
BEGIN, END = "<!-- figures:begin -->", "<!-- figures:end -->"


def read(name: str) -> dict[str, Any]:
    """One file of docs/metrics."""
    figures: dict[str, Any] = json.loads((ROOT / f"docs/metrics/{name}.json").read_text("utf-8"))
    return figures


def percent(share: float) -> str:
    """A share as README shows it."""
    return f"{100 * share:.1f} %"


def table(models: list[str]) -> str:
    """Figures on the labels of FER2013, two columns a model."""
    headings = [f"`{model}`, {views}" for model in models for views in ("one view", "ten views")]
    columns = [read(name) for model in models for name in (model, f"{model}-ten-views")]
    rows = {
        "accuracy": [percent(figures["accuracy"]) for figures in columns],
        "95 % interval": [_interval(figures) for figures in columns],
        "accuracy without faces that stand in the training rows": [
            percent(figures["leak_free"]["accuracy"]) for figures in columns
        ],
        "balanced accuracy": [percent(figures["balanced_accuracy"]) for figures in columns],
        "macro-F1": [f"{figures['macro_f1']:.3f}" for figures in columns],
        "expected calibration error": [f"{figures['ece']:.3f}" for figures in columns],
    }
    for label in LABELS:
        rows[f"recall of {label}"] = [_recall(figures, label) for figures in columns]
    rows["answers, if four in five must be right"] = [
        percent(figures["abstention"][0]["coverage"]) for figures in columns
    ]
    title = f"FER2013's labels, PublicTest, {columns[0]['n']:,} faces"
    return _markdown([title, *headings], rows)


def seen_table(models: list[str]) -> str:
    """Figures on what most of FER+'s raters see, one column a model."""
    columns = [read(f"{model}-majority") for model in models]
    rows = {
        "says what most see": [percent(figures["accuracy"]) for figures in columns],
        "its 95 % interval": [_interval(figures) for figures in columns],
        "the same without faces that stand in the training rows": [
            percent(figures["leak_free"]["accuracy"]) for figures in columns
        ],
        "balanced recall": [percent(figures["balanced_accuracy"]) for figures in columns],
        "macro-F1 over what most see": [f"{figures['macro_f1']:.3f}" for figures in columns],
        "calibration error over what most see": [f"{figures['ece']:.3f}" for figures in columns],
        "says what one rater says": [
            percent(figures["ferplus"]["with_single_rater"]) for figures in columns
        ],
    }
    for label in LABELS:
        rows[f"most see {label}: it says so"] = [_recall(figures, label) for figures in columns]
    between = columns[0]["ferplus"]["between_raters"]
    headings = [f"What most of ten raters see, PublicTest, {columns[0]['n']:,} faces"]
    headings += [f"`{model}`" for model in models]
    return (
        f"{_markdown(headings, rows)}\n\nTwo raters of the same face say the same in "
        f"{percent(between)} of the cases."
    )


def _interval(figures: dict[str, Any]) -> str:
    return " to ".join(percent(end) for end in figures["accuracy_ci95"])


def _recall(figures: dict[str, Any], label: str) -> str:
    return percent(figures["per_class"][label]["recall"])


def _markdown(headings: list[str], rows: dict[str, list[str]]) -> str:
    lines = [
        f"| {' | '.join(headings)} |",
        f"|{'---|' * len(headings)}",
        *(f"| {name} | {' | '.join(cells)} |" for name, cells in rows.items()),
    ]
    return "\n".join(lines)


def overview(models: list[str]) -> str:
    """Another table, one row a model: what each gives and costs."""
    latency, elsewhere = read("latency"), read("shipped-elsewhere")
    headings = (
        "one view",
        "says what most raters see",
        "balanced recall of that",
        "says FER2013's label",
        "on photographs of another source",
        "file",
        "a face on one thread",
    )
    lines = [f"| {' | '.join(headings)} |", f"|{'---|' * len(headings)}"]
    for model in models:
        seen, labelled, cost = read(f"{model}-majority"), read(model), latency[model]
        cells = (
            f"`{model}`",
            percent(seen["accuracy"]),
            percent(seen["balanced_accuracy"]),
            percent(labelled["accuracy"]),
            percent(elsewhere[model]["wild"]["macro_5"]),
            f"{cost['size_mb']:.1f} MB",
            f"{cost['median_ms']:.1f} ms",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def chain() -> str:
    """What images cost against ready-made crops."""
    figures = read("whole-chain")
    return (
        f"Faces in images are read nearly as well as ready-made crops: when {figures['n']} "
        "PublicTest faces\n"
        f"stand in larger images, {percent(figures['share_detected'])} of them are found, and "
        f"the whole chain loses {figures['points_lost']:.1f} points\n"
        "against the crops themselves (`make figures`)."
    )


def main() -> None:
    """Replace what stands between the two marks."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="+")
    models = parser.parse_args().models
    for_labels = [model for model in models if model != DEFAULT_EMOTION_MODEL]
    readme = ROOT / "README.md"
    text = readme.read_text("utf-8")
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    readme.write_text(
        f"{before}{BEGIN}\n{overview(models)}\n\n{seen_table(models)}\n\n{table(for_labels)}"
        f"\n\n{chain()}\n{END}{after}",
        encoding="utf-8",
    )


if __name__ == "__main__":
    main()
