"""Readers, one module per format: those of published data sets, and general ones."""

__all__ = [
    "affectnet",
    "affectnet_annotations",
    "affectnet_lists",
    "ck_plus",
    "ck_plus_sequences",
    "class_folders",
    "csv_rows",
    "expw",
    "fer2013_csv",
    "fer2013_parquet",
    "fer2013_usage",
    "ferplus",
    "jaffe",
    "packed",
    "raf_db",
]
