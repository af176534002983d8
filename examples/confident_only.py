"""Keep predictions that are reliable enough, and count the others.

python examples/confident_only.py 0.8 photos/*.jpg
"""

import sys
from collections import Counter

import emolens


def main(threshold: float, paths: list[str]) -> None:
    """Count labels with at least the given probability.

    The probabilities are calibrated: of predictions with 0.8, about four in five agree with the
    majority vote of ten raters.
    """
    labels: Counter[str] = Counter()
    for path in paths:
        for face in emolens.analyze(path).faces:
            is_reliable = face.label is not None and face.confidence >= threshold
            labels[face.top.label if is_reliable else "uncertain"] += 1
    for label, count in labels.most_common():
        print(label, count)


if __name__ == "__main__":
    main(float(sys.argv[1]), sys.argv[2:])
