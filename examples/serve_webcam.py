"""Send a webcam or a video to `emolens serve` and print the labels of the faces.

python examples/serve_webcam.py                                 # the first camera; q ends it
python examples/serve_webcam.py clip.mp4 http://127.0.0.1:8000
"""

import os
import sys
import time

import cv2

from emolens.client import Client


def main(source: str = "0", address: str = "http://127.0.0.1:8000") -> None:
    """Print the labels of each frame, and show those of a camera in a window."""
    is_camera = source.isdigit()
    video = cv2.VideoCapture(int(source) if is_camera else source)
    with Client(address, key=os.environ.get("EMOLENS_KEY")) as client, client.stream() as stream:
        while (frame := video.read())[0]:
            image = frame[1]
            video_s = video.get(cv2.CAP_PROP_POS_MSEC) / 1000
            jpeg = cv2.imencode(".jpg", image)[1].tobytes()
            answer = stream.send(jpeg, captured_s=time.monotonic() if is_camera else video_s)
            labels = [face.label or "uncertain" for face in answer.result.faces]
            print(f"{answer.result.media_time_s:.2f} s:", *labels)
            if is_camera:
                cv2.putText(image, " ".join(labels), (8, 24), 0, 0.7, (255, 255, 255))
                cv2.imshow("emolens", image)
                if cv2.waitKey(1) == ord("q"):
                    break


if __name__ == "__main__":
    main(*sys.argv[1:])
