"""The use cases of emolens, for the command line, servers and batch jobs.

A job has no terminal, HTTP, signals or threads of its own. Callers pass callbacks for progress,
events and stopping.
"""

__all__ = [
    "bench",
    "cite",
    "confidence",
    "convert",
    "crops",
    "demo",
    "doctor",
    "drawing",
    "evaluate",
    "explain",
    "extras",
    "image_outputs",
    "images",
    "live",
    "recipes",
    "sources",
    "streams",
    "summaries",
    "video",
    "videos",
]
