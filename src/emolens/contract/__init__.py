"""The public records: one schema for JSON lines, tables, Python, reports and servers.

`docs/schema.json` is generated from these records (`python docs/schema.py`).
"""

from emolens.contract.base import SCHEMA_VERSION, Record
from emolens.contract.images import (
    ErrorRecord,
    FaceRecord,
    FacesRecord,
    FrameRecord,
    ImageRecord,
    TrackedFaceRecord,
    face_record,
    faces_record,
    frame_record,
    image_error_record,
    image_record,
)
from emolens.contract.provenance import (
    EMBEDDED_KEY,
    PROVENANCE_KEY,
    AccuracyRecord,
    DetectorRecord,
    ExpressionModelRecord,
    InputKind,
    InputRecord,
    ModelRecord,
    Provenance,
)
from emolens.contract.rows import (
    ROW_COLUMNS,
    TABLE_COLUMNS,
    FaceRow,
    TableRow,
    face_rows,
    table_rows,
)
from emolens.contract.sessions import SessionRecord, TrackRecord

__all__ = [
    "EMBEDDED_KEY",
    "PROVENANCE_KEY",
    "ROW_COLUMNS",
    "SCHEMA_VERSION",
    "TABLE_COLUMNS",
    "AccuracyRecord",
    "DetectorRecord",
    "ErrorRecord",
    "ExpressionModelRecord",
    "FaceRecord",
    "FaceRow",
    "FacesRecord",
    "FrameRecord",
    "ImageRecord",
    "InputKind",
    "InputRecord",
    "ModelRecord",
    "Provenance",
    "Record",
    "SessionRecord",
    "TableRow",
    "TrackRecord",
    "TrackedFaceRecord",
    "face_record",
    "face_rows",
    "faces_record",
    "frame_record",
    "image_error_record",
    "image_record",
    "sessions",
    "table_rows",
]
