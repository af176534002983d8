"""Clients of `emolens serve`, for programs that analyse images on another computer or process.

    from emolens.client import Client

    with Client("http://127.0.0.1:8000") as client:
        record = client.analyze("photo.jpg")
        print([face.label for face in record.faces])

        results = client.analyze_video("clip.mp4")
        Path("faces.csv").write_bytes(results.table)

        with client.stream() as stream:                  # one face tracker per stream
            for jpeg in frames:
                print(stream.send(jpeg).result.faces)

`AsyncClient` has the same methods for asyncio:

    async with AsyncClient("https://faces.example", key=key) as client:
        async with client.stream() as stream:
            async for result in stream.results(frames):  # the newest frame wins
                print(result.result.faces)

Answers are records of `emolens.contract`. Errors are those of `emolens.core.errors`, as if the
images were analysed in this process: a damaged image raises `DamagedImageError`. `BusyError` means
that the server is at a limit, and `ServerError` that it cannot be reached.
"""

from emolens.client.async_client import AsyncClient
from emolens.client.async_stream import AsyncStream
from emolens.client.clips import ClipResults
from emolens.client.files import ImageFile
from emolens.client.sync_client import Client
from emolens.client.sync_stream import Stream

__all__ = ["AsyncClient", "AsyncStream", "Client", "ClipResults", "ImageFile", "Stream"]
