"""Checks of the names of output files and folders, before any work starts."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from emolens.core.errors import ConfigError
from emolens.storage.files import is_device

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


def check_suffix(
    path: str | os.PathLike[str], allowed: Sequence[str], *, is_any_device: bool = True
) -> None:
    """Check that the suffix of a file is that of the format which will be written.

    Args:
        path: The output file.
        allowed: Suffixes in lower case, the usual one first.
        is_any_device: Whether a device or pipe, such as `/dev/null`, may have any name. It may not
            where the suffix chooses the format.

    Raises:
        ConfigError: The file has another suffix or none.
    """
    file = Path(path)
    if file.suffix.lower() in allowed or (is_any_device and is_device(file)):
        return
    found = f"the suffix is {file.suffix!r}" if file.suffix else "the name has no suffix"
    # A name with a dot at its end has no suffix that can be replaced.
    better = str(file.with_name(file.stem + allowed[0])) if file.stem.strip(".") else ""
    advice = f" Use {better!r}." if better else ""
    raise ConfigError(f"{str(path)!r}: {found}; allowed: {', '.join(allowed)}.{advice}")


def check_distinct(
    outputs: Iterable[str | os.PathLike[str] | None], *, sources: Iterable[Path | None] = ()
) -> None:
    """Check that no output would overwrite a source or another output.

    Args:
        outputs: Output files; None and `-` (standard output) are ignored, and so are devices.
        sources: The files or folders that are read; None is ignored.

    Raises:
        ConfigError: Two of them are one file.
    """
    used = {source.resolve(): "the source" for source in sources if source is not None}
    for output in outputs:
        if output is None or output == "-" or is_device(output):
            continue
        path = Path(output).resolve()
        if path in used:
            raise ConfigError(
                f"{output}: the output would overwrite {used[path]}. Use another name."
            )
        used[path] = "another output"


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
