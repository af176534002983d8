"""Reading of the record of how a file was made, from any output of emolens."""

import json
import re
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from emolens.contract import EMBEDDED_KEY, PROVENANCE_KEY, SCHEMA_VERSION, Provenance
from emolens.core.errors import InputError, InputNotFoundError
from emolens.imaging.image_text import text_in
from emolens.storage.side_files import side_path

_IN_PAGE: Final = re.compile(
    rb'<script type="application/json" id="%b">(.*?)</script>' % PROVENANCE_KEY.encode(), re.DOTALL
)
_RECORDINGS: Final = (".mkv", ".mp4")
_REPAIR: Final = "Run the analysis again to get a new one."


def read_provenance(path: str | Path) -> Provenance:
    """Read the record of how a file was made.

    Args:
        path: A table, page, JSON file, annotated image or recording that emolens wrote, or its
            side file.

    Returns:
        The record.

    Raises:
        InputError: The file cannot be read, has no record, or its record is damaged or newer.
    """
    file = Path(path)
    text, place = _find(file)
    if text is None:
        raise InputError(
            f"{file.name}: the file has no record of how it was made, and there is no "
            f"{side_path(file).name} next to it. Give a file that this version of emolens wrote; "
            "tables and JSON Lines need their side file."
        )
    return _parse(text, place)


def _find(file: Path) -> tuple[str | bytes | None, str]:
    """Return the text of the record, or None, and the name of the file that contains it."""
    side = side_path(file)
    if side.is_file():
        return _read(side), side.name
    if file.suffix.lower() in _RECORDINGS:
        return _in_recording(file), file.name
    content = _read(file)
    if content.startswith(b"PAR1"):
        return _in_parquet(file), file.name
    image_text = text_in(content, EMBEDDED_KEY)
    if image_text is not None:
        return image_text, file.name
    page = _IN_PAGE.search(content)
    return (page.group(1) if page else _in_json(content, file)), file.name


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        raise InputNotFoundError(f"{file}: the file does not exist. Check the path.") from None
    except IsADirectoryError:
        raise InputError(f"{file} is a folder. Name one file in it.") from None
    except OSError as error:
        raise InputError(f"{file}: cannot be read: {error.strerror}") from error


def _in_parquet(file: Path) -> bytes | None:
    import pyarrow as pa  # noqa: PLC0415 (slow to load and rarely needed)
    import pyarrow.parquet as pq  # noqa: PLC0415 (slow to load and rarely needed)

    try:
        metadata = pq.read_metadata(file).metadata or {}
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{file.name}: not a complete Parquet file: {error}") from error
    text: bytes | None = metadata.get(EMBEDDED_KEY.encode())
    return text


def _in_recording(file: Path) -> str | None:
    from emolens.media.recording_sink import COMMENT  # noqa: PLC0415 (slow to load)
    from emolens.media.video_source import VideoSource  # noqa: PLC0415 (slow to load)

    with VideoSource(file) as video:
        metadata = {key.lower(): value for key, value in video.metadata.items()}
    text = metadata.get(COMMENT, "")
    return text if text.startswith("{") else None


def _in_json(content: bytes, file: Path) -> str | None:
    """Return the record in a JSON object, which may be the record itself."""
    if not content.lstrip().startswith(b"{"):
        return None
    try:
        values = json.loads(content)
    except ValueError as error:
        is_lines = content.count(b"\n") > 1
        if is_lines or file.suffix.lower() != ".json":
            return None
        raise InputError(f"{file.name}: not complete JSON: {error}. {_REPAIR}") from None
    record = values.get(PROVENANCE_KEY, values if "made_at" in values else None)
    return None if record is None else json.dumps(record)


def _parse(text: str | bytes, place: str) -> Provenance:
    try:
        values = json.loads(text)
        version = str(values["schema_version"])
        if version.partition(".")[0] != SCHEMA_VERSION.partition(".")[0]:
            raise InputError(
                f"{place}: the record has version {version}; this emolens reads {SCHEMA_VERSION}. "
                "Use the version of emolens that wrote the file."
            )
        return Provenance.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        problem = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    except (ValueError, KeyError, TypeError) as error:
        if isinstance(error, InputError):
            raise
        problem = str(error)
    raise InputError(
        f"{place}: the record of how the file was made is damaged: {problem}. {_REPAIR}"
    )
