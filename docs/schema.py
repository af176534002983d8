"""Write docs/schema.json, the JSON Schema of all public records. Run in the folder of the project:

python docs/schema.py
"""

import json
from pathlib import Path

from pydantic.json_schema import models_json_schema

from emolens.contract import (
    SCHEMA_VERSION,
    FaceRow,
    FacesRecord,
    FrameRecord,
    ImageRecord,
    Provenance,
    SessionRecord,
    TableRow,
)

SCHEMA = Path(__file__).with_name("schema.json")
RECORDS = (ImageRecord, FacesRecord, FrameRecord, FaceRow, TableRow, SessionRecord, Provenance)


def schema_text() -> str:
    """Return the schema as JSON text."""
    _, schema = models_json_schema(
        [(record, "serialization") for record in RECORDS],
        title="Public records of emolens",
        description="Lines of `emolens image --jsonl` (ImageRecord) and `live --jsonl` "
        "(FrameRecord), rows of `video --table` (TableRow), records of results and sessions in "
        "Python, and the record of how an output was made (Provenance).",
    )
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "version": SCHEMA_VERSION,
    }
    return json.dumps(head | schema, indent=1) + "\n"


if __name__ == "__main__":
    SCHEMA.write_text(schema_text(), encoding="utf-8")
