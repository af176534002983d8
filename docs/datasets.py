"""Generate the tables and data sheets of docs/datasets.md from the code.

    python docs/datasets.py

A test compares the page with the output of this script.
"""

from pathlib import Path

from emolens.core.emotion import LABELS
from emolens.datasets.formats import PUBLISHED
from emolens.datasets.readers.fer2013_csv import SHEET as FER2013
from emolens.datasets.sheet import DataSheet, SourceClass

PAGE = Path(__file__).with_suffix(".md")


def filled(text: str) -> str:
    """Replace everything between the markers of the page."""
    sheets = {sheet.name: sheet for sheet in (FER2013, *(one.sheet for one in PUBLISHED.values()))}
    parts = {
        "overview": _overview(sheets),
        "sheets": "\n".join(_section(sheet) for sheet in sheets.values()),
    }
    for name, part in parts.items():
        begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
        before, _, rest = text.partition(begin)
        after = rest.partition(end)[2]
        text = f"{before}{begin}\n{part}{end}{after}"
    return text


def _overview(sheets: dict[str, DataSheet]) -> str:
    lines = [
        "| data set | faces of the seven classes | classes left out |",
        "|---|---|---|",
    ]
    for sheet in sheets.values():
        counts = sheet.published_counts()
        n_faces = sum(sum(by_label.values()) for by_label in counts.values())
        left_out = ", ".join(one.name for one in sheet.classes if one.emotion is None)
        shown = f"{n_faces:,}" if n_faces else "not published"
        lines.append(f"| [{sheet.name}](#{_anchor(sheet.name)}) | {shown} | {left_out or 'none'} |")
    return "\n".join(lines) + "\n"


def _anchor(heading: str) -> str:
    """Return GitHub's anchor of a heading."""
    kept = "".join(char for char in heading.lower() if char.isalnum() or char in " -_")
    return kept.replace(" ", "-")


def _section(sheet: DataSheet) -> str:
    classes = "\n".join(
        f"| `{one.code}` | {one.name} | {_emotion_cell(one)} |" for one in sheet.classes
    )
    issues = "\n".join(f"- {message}" for message in sheet.known_issues)
    return f"""\
## {sheet.name}

**Origin.** {sheet.origin}

**Terms.** {sheet.terms}

**Images.** {sheet.images}{"" if sheet.images.endswith(".") else "."}

**Files.**

```
{sheet.layout}
```

| code in the files | class | emolens |
|---|---|---|
{classes}

{sheet.rule}

**Splits.** {sheet.splits}

{_counts(sheet)}
**Known issues.**

{issues}
"""


def _emotion_cell(one: SourceClass) -> str:
    return "left out" if one.emotion is None else one.emotion.label


def _counts(sheet: DataSheet) -> str:
    counts = sheet.published_counts()
    if not counts:
        return "**Counts.** No verifiable counts are published.\n"
    rows = [
        f"| {split} | {' | '.join(f'{by_label[label]:,}' for label in LABELS)} "
        f"| {sum(by_label.values()):,} |"
        for split, by_label in counts.items()
    ]
    checked = [
        name
        for name, digests in (("labels", sheet.labels_sha256), ("votes", sheet.votes_sha256))
        if digests
    ]
    digests = (
        f" and the digests of the {' and '.join(checked)} in {' and '.join(sheet.labels_sha256)}"
        if checked
        else ""
    )
    check = f"\n`emolens data info` compares a source with these counts{digests}.\n"
    heading = f"| published counts | {' | '.join(LABELS)} | all |\n|{'---|' * (len(LABELS) + 2)}"
    return "\n".join([heading, *rows]) + "\n" + check


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
