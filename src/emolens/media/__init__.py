"""Sources of frames and images, and sinks of results."""

__all__ = [
    "addresses",
    "annotated",
    "callback_sink",
    "camera_source",
    "clip",
    "jsonl_sink",
    "network_source",
    "open_source",
    "paced_source",
    "picture_source",
    "pictures",
    "plain_source",
    "push_source",
    "recording",
    "sample",
    "table_writer",
    "video_source",
    "window",
]
