"""Feed frames from a thread of your own: a game engine, a grabber, a socket.

python examples/push_frames.py
"""

import threading
import time

import numpy as np

import emolens


def produce(source: emolens.PushSource, n_frames: int) -> None:
    """Stands for whatever has the images; `push` never waits, and the newest one counts."""
    for _ in range(n_frames):
        source.push(np.full((480, 640, 3), 127, np.uint8))
        time.sleep(1 / 30)
    source.close()


def main(n_frames: int = 60) -> None:
    """Print how many faces each image shows that was not too late."""
    source = emolens.PushSource()
    threading.Thread(target=produce, args=(source, n_frames)).start()
    stream = emolens.stream(source)
    for result in stream:
        print(
            f"image {result.frame_index} at {result.media_time_s:.2f} s: {len(result.faces)} faces"
        )
    print(stream.status.counts if stream.status else "nothing")


if __name__ == "__main__":
    main()
