"""Classify many images on all cores. Each worker process loads the models once.

python examples/worker_processes.py photos/*.jpg
"""

import multiprocessing
import sys

import emolens


def classify(path: str) -> tuple[str, list[emolens.Emotion | None]]:
    """Return the labels of the faces of one image; `None` stands for uncertain."""
    return path, [face.label for face in emolens.analyze(path).faces]


def main(paths: list[str]) -> None:
    """Print one line per image, in the order of the arguments."""
    with multiprocessing.get_context("spawn").Pool() as pool:
        for path, labels in pool.imap(classify, paths):
            print(path, *(label or "uncertain" for label in labels))


if __name__ == "__main__":
    main(sys.argv[1:])
