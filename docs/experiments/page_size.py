"""Measure the page of a ten-minute video by its number of tracks (docs/adr/0020-light-install.md).

    python -m docs.experiments.page_size 3 12 40

Labels change at random, on the average every ten seconds, and tracks pause.
"""

import argparse

import numpy as np
from tests.made import MADE
from tests.unit.sessions.session_cases import Moment, face_of, session_of

from emolens.core.emotion import Emotion
from emolens.core.face import FaceResult
from emolens.reports.session_page import Speed, session_page

DURATION_S = 600
RATE_HZ = 10
CHANGE_SHARE = 0.01
PAUSE_SHARE = 0.2
LABELS = (*Emotion, None)


def moments_of(n_tracks: int) -> list[Moment]:
    """Draw what each track shows over time."""
    rng = np.random.default_rng(0)
    states: list[tuple[Emotion | None, bool]] = [(Emotion.HAPPY, True)] * n_tracks

    def faces() -> list[FaceResult]:
        for track in range(n_tracks):
            if rng.random() < CHANGE_SHARE:
                label = LABELS[int(rng.integers(len(LABELS)))]
                states[track] = label, rng.random() >= PAUSE_SHARE
        return [face_of(n, label) for n, (label, is_there) in enumerate(states, 1) if is_there]

    return [(frame / RATE_HZ, faces()) for frame in range(DURATION_S * RATE_HZ)]


def main() -> None:
    """Print the size of a page for each number of tracks."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("n_tracks", nargs="+", type=int)
    for n_tracks in parser.parse_args().n_tracks:
        page = session_page(
            session_of(moments_of(n_tracks)),
            title="interview.mp4",
            speed=Speed(),
            source="interview.mp4",
            made=MADE,
        )
        print(f"{n_tracks} tracks: {len(page.encode()) / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
