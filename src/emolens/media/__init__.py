"""Sources of frames and images, and sinks of results."""

__all__ = [
    "addresses",
    "annotated_image_sink",
    "callback_sink",
    "camera_source",
    "clip",
    "image_source",
    "images",
    "input_record",
    "jsonl_sink",
    "network_source",
    "open_source",
    "paced_source",
    "plain_source",
    "push_source",
    "recording_sink",
    "sample",
    "table_sink",
    "video_source",
    "window",
]
