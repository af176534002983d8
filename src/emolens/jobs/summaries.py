"""The metrics of each track of a session as a file."""

from pathlib import Path
from typing import Final

from emolens.contract import TrackRow
from emolens.media.table_file import TABLE_SUFFIXES, TableFile
from emolens.sessions.session import Session
from emolens.storage.files import write_bytes
from emolens.storage.jsonl import to_line
from emolens.storage.names import check_suffix

_WHOLE: Final = ".json"


def check_summary_name(path: Path) -> None:
    """Check the suffix of a summary.

    Raises:
        ConfigError: The suffix is not allowed.
    """
    check_suffix(path, (*TABLE_SUFFIXES, _WHOLE))


def write_summary(path: Path, session: Session) -> None:
    """Write one row per track as a table, or the record of the whole session as .json.

    A session without a track gives a table without rows.

    Raises:
        ConfigError: The suffix is not allowed.
        OutputError: The file cannot be written.
    """
    check_summary_name(path)
    if path.suffix.lower() == _WHOLE:
        write_bytes(path, to_line(session.to_dict()).encode("ascii"))
        return
    with TableFile(path, TrackRow, made=session.provenance) as table:
        table.add(session.to_rows())
