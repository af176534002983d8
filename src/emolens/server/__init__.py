"""The server: REST and WebSocket in, the records of the contract out.

It needs the extra `serve`. The only package that imports fastapi, starlette and uvicorn.
"""

__all__ = ["keys", "run", "settings"]
