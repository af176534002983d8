r"""Compare emolens' reading of image files with pyvips and Pillow (docs/adr/0020-light-install.md).

    pip install "pyvips[binary]"
    python -m docs.experiments.image_parsers $EMOLENS_DATA/wild/*.parquet \
        --json docs/metrics/image-parsers.json

Every program reads one sample file of each kind, truncated files, files with one flipped byte, and
the photographs of Parquet files. A program refuses a file if it raises an error, also because it
does not support the format.
"""

import argparse
import io
import json
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from PIL import Image
from tests.unit.imaging.images import sample_files

from emolens.core.errors import InputError
from emolens.imaging.decode import decode_image

TRUNCATIONS = (0.3, 0.6, 0.9, 0.97)
N_FLIPS = 10
FLIPPED = ("jpeg", "png", "tiff")
N_TIMED = 10
Accepts = Callable[[bytes], bool]
Counts = dict[str, int]


def accepted_by_emolens(encoded: bytes) -> bool:
    """Return whether emolens reads a file."""
    try:
        decode_image(encoded)
    except InputError:
        return False
    return True


def accepted_by_pyvips(encoded: bytes) -> bool:
    """Return whether libvips reads a file without a warning."""
    import pyvips

    try:
        pyvips.Image.new_from_buffer(encoded, "", fail_on="warning").write_to_memory()
    except pyvips.Error:
        return False
    return True


def accepted_by_pillow(encoded: bytes) -> bool:
    """Return whether Pillow reads a file."""
    try:
        Image.open(io.BytesIO(encoded)).load()
    except Exception:  # noqa: BLE001 (its plugins raise any exception)
        return False
    return True


PROGRAMS: dict[str, Accepts] = {
    "emolens": accepted_by_emolens,
    "pyvips": accepted_by_pyvips,
    "pillow": accepted_by_pillow,
}


def count(files: list[bytes], *, is_refused: bool) -> Counts:
    """Count the files that each program refuses, or accepts."""
    counted = {
        name: sum(accepts(file) is not is_refused for file in files)
        for name, accepts in PROGRAMS.items()
    }
    return {"n": len(files)} | counted


def truncated(encoded: bytes) -> list[bytes]:
    """Cut a file at several places, the last one byte before its end."""
    return [*(encoded[: int(len(encoded) * share)] for share in TRUNCATIONS), encoded[:-1]]


def flipped(encoded: bytes, rng: np.random.Generator) -> list[bytes]:
    """Change one byte behind the first third of a file."""
    changed = []
    for _ in range(N_FLIPS):
        content = bytearray(encoded)
        place = int(rng.integers(len(encoded) // 3, len(encoded) - 2))
        content[place] ^= int(rng.integers(1, 256))
        changed.append(bytes(content))
    return changed


def milliseconds(encoded: bytes) -> dict[str, float]:
    """Time each program on one file."""
    took = {}
    for name, accepts in PROGRAMS.items():
        begun_s = time.perf_counter()
        for _ in range(N_TIMED):
            accepts(encoded)
        took[name] = 1e3 * (time.perf_counter() - begun_s) / N_TIMED
    return took


def main() -> None:
    """Print or write the counts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photographs", nargs="*", type=Path)
    parser.add_argument("--column", default="picture")  # codespell:ignore picture
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    samples = sample_files()
    rng = np.random.default_rng(0)

    def of_kind(kind: str) -> list[bytes]:
        return [content for name, content in samples.items() if name.split()[0] == kind]

    kinds = dict.fromkeys(name.split()[0] for name in samples)
    cut = {kind: [part for one in of_kind(kind) for part in truncated(one)] for kind in kinds}
    noise = np.random.default_rng(0).integers(0, 255, (1500, 2000, 3), dtype=np.uint8)
    large = io.BytesIO()
    Image.fromarray(noise).save(large, "JPEG")
    record = {
        "valid accepted": count(list(samples.values()), is_refused=False),
        "truncated refused": count(
            [one for files in cut.values() for one in files], is_refused=True
        ),
        "truncated refused, by kind": {kind: count(cut[kind], is_refused=True) for kind in kinds},
        "flipped refused, by kind": {
            kind: count(
                [part for one in of_kind(kind) for part in flipped(one, rng)], is_refused=True
            )
            for kind in FLIPPED
        },
        "photographs refused": {
            path.name: count(
                pq.read_table(path, columns=[options.column])[options.column].to_pylist(),
                is_refused=True,
            )
            for path in options.photographs
        },
        "3 megapixels, ms": milliseconds(large.getvalue()),
    }
    text = json.dumps(record, indent=1)
    if options.json:
        options.json.write_text(text + "\n", encoding="utf-8")
    else:
        print(text)


if __name__ == "__main__":
    main()
