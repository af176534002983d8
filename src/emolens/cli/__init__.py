"""Arguments in, text and exit code out."""

__all__: list[str] = []
