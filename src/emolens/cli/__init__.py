"""The command line: parse arguments, call a job, print text and return an exit code."""

__all__: list[str] = []
