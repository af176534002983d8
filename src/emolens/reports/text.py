"""Terminal output as plain values: sentences and tables."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TextTable:
    """A table of strings.

    Attributes:
        headings: One heading per column; empty if the first column contains row headings.
        rows: The rows, with one string per column.
        right: Indices of right-aligned columns.
        strong: (row, column) indices of emphasised cells.
        dim: Indices of columns with secondary content.
        folded: Indices of columns that wrap long text; other columns are never truncated.
        title: Title above the table.
    """

    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    right: frozenset[int] = frozenset()
    strong: frozenset[tuple[int, int]] = frozenset()
    dim: frozenset[int] = frozenset()
    folded: frozenset[int] = frozenset()
    title: str = ""


Block = str | TextTable
"""A sentence, with emphasis between `**`, or a table."""


def numbers_from(column: int, n_columns: int) -> frozenset[int]:
    """List the indices of the numeric columns, from `column` to the last."""
    return frozenset(range(column, n_columns))


def percent(share: float | None, digits: int = 1) -> str:
    """Format 0.7244 as "72.4%", and None as "-"."""
    return "-" if share is None else f"{share:.{digits}%}"


def model_text(name: str, sha256: str | None) -> str:
    """Name a model and the start of its file's digest, if known: "everyday (76ee6fca)"."""
    return f"{name} ({sha256[:8]})" if sha256 else name


def printable(text: str) -> str:
    """Escape control characters and undecodable bytes, for any terminal."""
    return "".join(
        char if char.isprintable() or char == "\n" else char.encode("unicode_escape").decode()
        for char in text.encode("utf-8", "backslashreplace").decode()
    )


def one_line(text: str) -> str:
    """Escape like `printable`, and line breaks as well, for names in tables."""
    return printable(text).replace("\n", "\\n")
