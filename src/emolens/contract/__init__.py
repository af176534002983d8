"""The public records: one schema for JSON lines, tables, Python, reports and servers.

The records of `emolens serve` are in `emolens.contract.server`, which other commands do not load.

`docs/schema.json` is generated from these records (`python docs/schema.py`).
"""

from emolens.contract.base import SCHEMA_VERSION, Record
from emolens.contract.crops import CROP_COLUMNS, CropRow
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
    IMAGE_TABLE_COLUMNS,
    ROW_COLUMNS,
    TABLE_COLUMNS,
    FaceRow,
    ImageRow,
    TableRow,
    face_rows,
    image_error_rows,
    image_rows,
    table_rows,
)
from emolens.contract.sessions import TRACK_COLUMNS, SessionRecord, TrackRecord, TrackRow

__all__ = [
    "CROP_COLUMNS",
    "EMBEDDED_KEY",
    "IMAGE_TABLE_COLUMNS",
    "PROVENANCE_KEY",
    "ROW_COLUMNS",
    "SCHEMA_VERSION",
    "TABLE_COLUMNS",
    "TRACK_COLUMNS",
    "AccuracyRecord",
    "CropRow",
    "DetectorRecord",
    "ErrorRecord",
    "ExpressionModelRecord",
    "FaceRecord",
    "FaceRow",
    "FacesRecord",
    "FrameRecord",
    "ImageRecord",
    "ImageRow",
    "InputKind",
    "InputRecord",
    "ModelRecord",
    "Provenance",
    "Record",
    "SessionRecord",
    "TableRow",
    "TrackRecord",
    "TrackRow",
    "TrackedFaceRecord",
    "face_record",
    "face_rows",
    "faces_record",
    "frame_record",
    "image_error_record",
    "image_error_rows",
    "image_record",
    "image_rows",
    "server",
    "sessions",
    "table_rows",
]
