"""What a plain installation does first: `make newest` runs this with whatever pip found newest.

It needs no test library. Any command that fails, or warns in another way than emolens does, is
printed and ends it.
"""

import json
import platform
import re
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

from emolens.client import Client
from emolens.core.frame import FrameResult
from emolens.media.recording_sink import RecordingSink
from emolens.media.sample import sample_image
from emolens.testing import crowd_clip

TOLD = (
    *("numpy", "opencv-python", "av", "onnxruntime", "trackers", "supervision", "pillow", "typer"),
    *("fastapi", "uvicorn", "websockets", "httpx"),
)


def emolens(*arguments: str, cwd: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "emolens", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    said = done.stdout + done.stderr
    if done.returncode or "Traceback" in said or "Warning" in said:
        sys.exit(f"emolens {' '.join(arguments)} ended with {done.returncode}:\n{said}")
    return done.stdout


def n_labels(lines: str, label: str) -> int:
    faces = [face for line in lines.splitlines() for face in json.loads(line)["faces"]]
    return sum(face["label"] == label for face in faces)


def use_server(here: Path) -> None:
    """An image, a frame of a stream and a video; the server's own log has no warning."""
    command = [sys.executable, "-m", "emolens", "serve", "--port", "0", "--quiet"]
    with subprocess.Popen(command, cwd=here, stderr=subprocess.PIPE, text=True) as server:
        try:
            assert server.stderr is not None
            said = server.stderr.readline()
            found = re.search(r"http://\S+", said)
            assert found, said + server.stderr.read()
            ask_server(found.group(), here / "film.mp4")
            server.terminate()
            said = server.stderr.read()
            assert (server.wait(timeout=30), said) == (0, ""), said
        finally:
            server.kill()


def ask_server(address: str, video: Path) -> None:
    image = sample_image().read_bytes()
    with Client(address, retries=20) as client:
        assert client.analyze(image).faces[0].label == "happy"  # asks again until it is ready
        with client.stream() as stream:
            assert stream.send(image).result.faces
        assert client.analyze_video(video).table


def main() -> None:
    found = ", ".join(f"{package} {version(package)}" for package in TOLD)
    print(f"Python {platform.python_version()}: {found}")
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        clip = crowd_clip(1, size_wh=(320, 240), rate_hz=10, duration_s=1)
        with RecordingSink(here / "film.mp4") as recording:
            for frame in clip:
                recording.write(frame, FrameResult(frame.size_wh, ()))
        emolens("--version", cwd=here)
        emolens("doctor", cwd=here)
        lines = emolens("image", str(sample_image()), "--jsonl", "-", cwd=here)
        assert n_labels(lines, "happy") == 1, lines
        emolens(
            *("video", "film.mp4", "--annotated", "seen.mkv", "--table", "seen.csv"),
            *("--report", "seen.html"),
            cwd=here,
        )
        rows = (here / "seen.csv").read_text().splitlines()
        assert len(rows) == 11, rows
        emolens("video", "seen.mkv", cwd=here)
        live = ("live", "--source", "film.mp4", "--no-window", "--jsonl", "-")
        assert emolens(*live, "--record", "live.mp4", cwd=here)
        use_server(here)
    print("image, video, live and serve do what they should")


if __name__ == "__main__":
    main()
