"""Fill the tables of docs/experiments/0011-raters.md from docs/metrics.

    python docs/experiments/ferplus_page.py

A test compares the page with the output of this script.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from emolens.core.emotion import LABELS

PAGE = Path(__file__).with_name("0011-raters.md")
METRICS = PAGE.parents[1] / "metrics"
_SHOWN_MODELS = ("raters", "accurate", "fast")


def filled(text: str) -> str:
    """Regenerate the tables between the markers of the page."""
    record = _read("ferplus-targets")
    parts = {
        "counts": _counts(record),
        "heads": _heads(record),
        "targets": _targets(record),
        "models": _models(),
    }
    for name, part in parts.items():
        begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
        before, _, rest = text.partition(begin)
        text = f"{before}{begin}\n{part}\n{end}{rest.partition(end)[2]}"
    return text


def _read(name: str) -> dict[str, Any]:
    metrics: dict[str, Any] = json.loads((METRICS / f"{name}.json").read_text(encoding="utf-8"))
    return metrics


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _markdown(headings: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    headings = list(headings)
    lines = [f"| {' | '.join(headings)} |", f"|{'---|' * len(headings)}"]
    return "\n".join([*lines, *(f"| {' | '.join(cells)} |" for cells in rows)])


def _counts(record: dict[str, Any]) -> str:
    rows = [
        [
            name if name.startswith("most") else f"target `{name}`",
            f"{one['n']:,}",
            *(f"{100 * share:.0f}" for share in (one["share"], *one["per_class"].values())),
        ]
        for name, one in record["counts"].items()
        if name != "n"
    ]
    return _markdown(["answer", "faces", "all", *LABELS], rows)


def _heads(record: dict[str, Any]) -> str:
    rows = [
        [one["network"], f"{one['votes_part']:.2f}", *_both(one)]
        for one in (
            {"network": "labels as predictions", "votes_part": 0, **record["labels_themselves"]},
            *record["heads"],
        )
    ]
    return _markdown(["network", "weight of the vote head", *_BOTH], rows)


def _targets(record: dict[str, Any]) -> str:
    return _markdown(
        ["target", *_BOTH], ([one["target"], *_both(one)] for one in record["targets"])
    )


_BOTH = ("FER2013's labels", "macro-F1", "majority vote", "macro-F1", "one rater")


def _both(one: dict[str, Any]) -> list[str]:
    return [
        _percent(one["accuracy"]),
        f"{one['macro_f1']:.3f}",
        _percent(one["majority"]),
        f"{one['majority_macro_f1']:.3f}",
        _percent(one["with_single_rater"]),
    ]


def _models() -> str:
    labels = [_read(model) for model in _SHOWN_MODELS]
    seen = [_read(f"{model}-majority") for model in _SHOWN_MODELS]
    rows = {
        "accuracy": [_percent(one["accuracy"]) for one in seen],
        "95 % interval": [" to ".join(map(_percent, one["accuracy_ci95"])) for one in seen],
        "leak-free accuracy": [_percent(one["leak_free"]["accuracy"]) for one in seen],
        "macro-F1": [f"{one['macro_f1']:.3f}" for one in seen],
        "calibration error": [f"{one['ece']:.3f}" for one in seen],
        "agreement with one rater": [_percent(one["ferplus"]["with_single_rater"]) for one in seen],
        "agreement between two raters": [
            _percent(one["ferplus"]["between_raters"]) for one in seen
        ],
        "accuracy on FER2013's labels": [_percent(one["accuracy"]) for one in labels],
    }
    for label in LABELS:
        found = [one["per_class"][label] for one in seen]
        rows[f"{label}: precision, recall"] = [
            f"{_percent(one['precision'])}, {_percent(one['recall'])}" for one in found
        ]
    headings = ["on the majority vote", *(f"`{model}`" for model in _SHOWN_MODELS)]
    return _markdown(headings, ([name, *cells] for name, cells in rows.items()))


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
