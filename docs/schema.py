"""Write docs/schema.json, the JSON Schema of all public records. Run in the folder of the project:

python docs/schema.py
"""

import json
from pathlib import Path

from pydantic.json_schema import models_json_schema

from emolens.contract import (
    SCHEMA_VERSION,
    CropRow,
    FaceRow,
    FacesRecord,
    FrameRecord,
    ImageRecord,
    ImageRow,
    Provenance,
    SessionRecord,
    TableRow,
    TrackRow,
)
from emolens.contract.server import (
    ErrorAnswer,
    ExplanationRecord,
    ImagesAnswer,
    JobRecord,
    ModelsAnswer,
    StatusAnswer,
    StreamError,
    StreamReady,
    StreamResult,
    StreamStart,
    TicketAnswer,
)

SCHEMA = Path(__file__).with_name("schema.json")
RECORDS = (
    *(ImageRecord, FacesRecord, FrameRecord, SessionRecord),
    *(FaceRow, TableRow, ImageRow, CropRow, TrackRow, Provenance),
    *(ImagesAnswer, ExplanationRecord, ModelsAnswer, JobRecord, StatusAnswer, TicketAnswer),
    *(ErrorAnswer, StreamStart, StreamReady, StreamResult, StreamError),
)


def schema_text() -> str:
    """Return the schema as JSON text."""
    _, schema = models_json_schema(
        [(record, "serialization") for record in RECORDS],
        title="Public records of emolens",
        description="Lines of `emolens image --jsonl` (ImageRecord) and `live --jsonl` "
        "(FrameRecord), rows of `image --table` (ImageRow), `video --table` (TableRow), "
        "`video --summary` (TrackRow) and `crop` (CropRow), records of results and sessions in "
        "Python, the record of how an output was made (Provenance), and the answers and messages "
        "of `emolens serve`.",
    )
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "version": SCHEMA_VERSION,
    }
    return json.dumps(head | schema, indent=1) + "\n"


if __name__ == "__main__":
    SCHEMA.write_text(schema_text(), encoding="utf-8")
