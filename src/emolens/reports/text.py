"""What terminals and logs say: sentences and tables as plain values."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TextTable:
    """A table of texts.

    Attributes:
        headings: One for each column; none where the first column says what a row is.
        rows: As many texts in each.
        right: Numbers of the columns that are aligned to the right.
        strong: (row, column) of the texts that matter most.
        dim: Numbers of the columns that matter less.
        folded: Numbers of the columns whose long texts are folded; others are never cut.
        title: What stands above it.
    """

    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    right: frozenset[int] = frozenset()
    strong: frozenset[tuple[int, int]] = frozenset()
    dim: frozenset[int] = frozenset()
    folded: frozenset[int] = frozenset()
    title: str = ""


Block = str | TextTable
"""A sentence, in which `**` stands around what matters most, or a table."""


def numbers_from(column: int, n_columns: int) -> frozenset[int]:
    """The numbers of the columns from one on: those that hold figures."""
    return frozenset(range(column, n_columns))


def percent(share: float | None, digits: int = 1) -> str:
    """A share as text, `-` where there is none."""
    return "-" if share is None else f"{share:.{digits}%}"


def printable(text: str) -> str:
    """Text with control characters and undecodable bytes spelled out, safe for any terminal."""
    return "".join(
        char if char.isprintable() or char == "\n" else char.encode("unicode_escape").decode()
        for char in text.encode("utf-8", "backslashreplace").decode()
    )


def one_line(text: str) -> str:
    """`printable` text with line breaks spelled out too, for names in tables."""
    return printable(text).replace("\n", "\\n")
