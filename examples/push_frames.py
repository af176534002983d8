"""Push frames from a thread of your own, e.g. a game engine, a frame grabber or a socket.

python examples/push_frames.py
"""

import threading
import time

import numpy as np

import emolens


def produce(source: emolens.PushSource, n_frames: int) -> None:
    """Produce frames. `push` never blocks; if frames arrive too fast, the newest one is used."""
    for _ in range(n_frames):
        source.push(np.full((480, 640, 3), 127, np.uint8))
        time.sleep(1 / 30)
    source.close()


def main(n_frames: int = 60) -> None:
    """Print the number of faces of each processed frame."""
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
