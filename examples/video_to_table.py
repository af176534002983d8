"""Analyse a video into a table and a page with time lines.

python examples/video_to_table.py clip.mp4 results
"""

import sys
from pathlib import Path

import emolens


def main(video: str, folder: str) -> None:
    """Write `faces.csv` and `report.html` into a folder and print the tracks."""
    out = Path(folder)
    job = emolens.VideoJob(tables=[out / "faces.csv"], report=out / "report.html")
    recorded = emolens.analyze_video(video, job)
    for track in recorded.session.tracks:
        print(f"track {track.track_id}: {track.shown.visible_s:.1f} s, {track.shown.most_shown}")
    print(recorded)
    for failure in recorded.failures:
        print("failed:", failure)


if __name__ == "__main__":
    main(*sys.argv[1:])
