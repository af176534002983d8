"""Count how long each track of a video or camera shows each apparent expression.

python examples/summarise_stream.py clip.mp4        # or 0 for the first camera
"""

import sys

import emolens


def main(source: str) -> None:
    """Print the seconds per label of every track."""
    summary = emolens.SessionSummary()
    for result in emolens.stream(int(source) if source.isdigit() else source):
        summary.write(result.frame, result)
    session = summary.finish()
    for track in session.tracks:
        seconds = {label: round(s, 1) for label, s in track.shown.to_dict().items() if s}
        print(f"track {track.track_id}: {seconds}")
    print(f"{session.n_frames} frames, {session.n_without_face} without a face")


if __name__ == "__main__":
    main(*sys.argv[1:])
