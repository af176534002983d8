"""The use cases of emolens, for the command line, servers and batch jobs.

A job has no terminal, HTTP, signals or threads of its own. Callers pass callbacks for progress,
events and stopping.
"""

__all__ = [
    "bench",
    "cite",
    "convert",
    "demo",
    "doctor",
    "evaluate",
    "explain",
    "extras",
    "images",
    "live",
    "recipes",
    "sources",
    "streams",
    "video",
]
