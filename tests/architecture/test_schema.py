"""docs/schema.json is what the records say."""

import json
from pathlib import Path

from docs.schema import SCHEMA, schema_text

from emolens.contract import SCHEMA_VERSION

HELP = "run: python docs/schema.py; a new meaning needs a new SCHEMA_VERSION"


def test_the_schema_is_generated_from_the_records() -> None:
    assert SCHEMA.read_text(encoding="utf-8") == schema_text(), HELP


def test_the_schema_names_its_version_and_all_records() -> None:
    schema = json.loads(Path(SCHEMA).read_text(encoding="utf-8"))
    assert schema["version"] == SCHEMA_VERSION
    assert {"ImageRecord", "FrameRecord", "TableRow", "SessionRecord"} <= set(schema["$defs"])
