"""What is to be done, for whoever asks: command line, server, batch.

No terminal, no HTTP, no signals and no threads of its own: progress, news and the wish to stop come
as arguments.
"""

__all__ = [
    "bench",
    "convert",
    "demo",
    "doctor",
    "evaluate",
    "explain",
    "extras",
    "images",
    "live",
    "sources",
    "streams",
    "video",
]
