"""Checks of the names of output files and folders, before any work starts."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from emolens.core.errors import ConfigError

CHECKPOINT_SUFFIXES: Final = (".ckpt",)
JSON_SUFFIXES: Final = (".json",)
JSON_LINES_SUFFIXES: Final = (".jsonl", ".ndjson")
MARKDOWN_SUFFIXES: Final = (".md",)
MODEL_SUFFIXES: Final = (".onnx",)
PAGE_SUFFIXES: Final = (".html", ".htm")
RECORDING_SUFFIXES: Final = (".mkv", ".mp4")
# Suffixes that only files have. A folder such as "run.v2" or "report-1.5" is fine.
_OF_FILES: Final = frozenset(
    {
        *(*CHECKPOINT_SUFFIXES, *JSON_SUFFIXES, *JSON_LINES_SUFFIXES, *MARKDOWN_SUFFIXES),
        *(*MODEL_SUFFIXES, *PAGE_SUFFIXES),
        *(".avi", ".bmp", ".csv", ".gif", ".jpeg", ".jpg", ".mkv", ".mov", ".mp4", ".parquet"),
        *(".pdf", ".png", ".svg", ".txt", ".webm", ".webp", ".xlsx", ".zip"),
    }
)


def check_suffix(path: str | os.PathLike[str], allowed: Sequence[str]) -> None:
    """Check that the suffix of a file is that of the format which will be written.

    A device or pipe, such as `/dev/null`, may have any name.

    Args:
        path: The output file.
        allowed: Suffixes in lower case, the usual one first.

    Raises:
        ConfigError: The file has another suffix or none.
    """
    file = Path(path)
    if file.suffix.lower() in allowed or _is_device(file):
        return
    found = f"the suffix is {file.suffix!r}" if file.suffix else "the name has no suffix"
    # A name with a dot at its end has no suffix that can be replaced.
    better = str(file.with_name(file.stem + allowed[0])) if file.stem.strip(".") else ""
    advice = f" Use {better!r}." if better else ""
    raise ConfigError(f"{str(path)!r}: {found}; allowed: {', '.join(allowed)}.{advice}")


def check_folder_name(path: str | os.PathLike[str]) -> None:
    """Check that the name of an output folder is not that of a file.

    Raises:
        ConfigError: The name has the suffix of a file, and no such folder exists.
    """
    folder = Path(path)
    if folder.suffix.lower() in _OF_FILES and not folder.is_dir():
        raise ConfigError(
            f"{str(path)!r}: a folder is written, but the suffix {folder.suffix!r} is that of a "
            f"file; allowed: the name of a folder. Use {str(folder.with_suffix(''))!r}."
        )


def _is_device(file: Path) -> bool:
    return file.exists() and not file.is_file() and not file.is_dir()
