"""Files put together from several, and other jumps in time."""

import dataclasses
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from emolens.media.clip import Clip
from emolens.media.video_source import VideoSource
from tests.clips import ClipRecipe, make_clip, packet_times, read_number
from tests.unit.media.watching import H264, watch


def join(path: Path, *parts: bytes) -> Path:
    path.write_bytes(b"".join(parts))
    return path


def transport(path: Path, start_s: float, recipe: ClipRecipe = H264) -> bytes:
    """A transport stream whose stamps begin at a second, to the tick, as long as they have bits."""
    start = round(start_s * 90_000)
    ticks = [start + 3600 * i for i in range(recipe.n_frames)]
    plain = {"muxdelay": "0", "muxpreload": "0"}
    recipe = dataclasses.replace(recipe, ticks=ticks, time_base=Fraction(1, 90_000), muxer=plain)
    return make_clip(path, recipe).read_bytes()


def joined_from_pieces(folder: Path, name: str) -> Path:
    """Two clips of 30 frames in one file, whose stamps begin anew with the second."""
    path = folder / f"piece{Path(name).suffix}"
    if path.suffix == ".mkv":
        whole = make_clip(path, dataclasses.replace(H264, muxer={"live": "1"})).read_bytes()
        return join(folder / name, whole, whole[whole.index(b"\x1f\x43\xb6\x75") :])
    if path.suffix == ".flv":
        whole = make_clip(path, H264).read_bytes()
        return join(folder / name, whole, whole[13:])
    codec = "mpeg2video" if path.suffix == ".mpg" else "libx264"
    whole = make_clip(path, dataclasses.replace(H264, codec=codec, b_frames=2)).read_bytes()
    return join(folder / name, whole, whole)


@pytest.mark.parametrize("name", ["a.ts", "a.mpg", "a.mkv", "a.flv"])
def test_time_goes_on_where_stamps_go_back(name: str, tmp_path: Path) -> None:
    path = joined_from_pieces(tmp_path, name)
    with VideoSource(path) as source:
        frames = list(source)
    assert [read_number(f.image) for f in frames] == 2 * list(range(30))
    times_s = [f.media_time_s for f in frames]
    np.testing.assert_allclose(np.diff(times_s), 0.04, atol=0.0011)
    assert [len(f.clock_offsets_s) for f in frames] == 30 * [1] + 30 * [2]
    assert frames[-1].clock_offsets_s == pytest.approx((0.0, 1.2), abs=0.002)
    assert source.failures == []
    assert source.warnings == [
        f"time stamps jump back by 1.2 s at {times_s[30]:.1f} s, as in concatenated files; later "
        "times are shifted to continue"
    ]


# Seconds at which the pieces of a transport stream begin, and what is told of them. FFmpeg takes
# what is more than a minute before the first stamp for one that started anew after 33 bits.
WRAP_S = 2**33 / 90_000
JUMPS: dict[str, tuple[list[float], list[str]]] = {
    "the same": ([1, 1], ["back by 1.2 s at 2.2 s"]),
    "earlier": ([20, 1], ["back by 20.2 s at 21.2 s"]),
    "much earlier": ([100, 1], ["back by 100.2 s at 101.2 s"]),
    "hours earlier": ([9000, 1], ["back by 9000.2 s at 9001.2 s"]),
    "hours later": ([1, 9000], ["ahead by 8997.8 s at 2.2 s"]),
    "the end of 33 bits": ([1, WRAP_S - 30], ["back by 32.2 s at 2.2 s"]),
    "three": ([5, 1, 5], ["back by 5.2 s at 6.2 s"]),
    "a little earlier": ([5, 5.8], ["back by 0.4 s at 6.2 s"]),
}


@pytest.mark.parametrize("name", JUMPS)
def test_time_goes_on_where_a_transport_stream_jumps(name: str, tmp_path: Path) -> None:
    starts_s, told = JUMPS[name]
    parts = [transport(tmp_path / f"{i}.ts", start_s) for i, start_s in enumerate(starts_s)]
    seen, warnings = watch(join(tmp_path / "a.ts", *parts))
    assert [s.number for s in seen] == len(parts) * list(range(30))
    steps_s = np.diff([s.at_s for s in seen])
    is_pause = steps_s > 0.041
    assert (steps_s > 0.039).all()
    assert is_pause.sum() == (name == "three")  # less than an hour ahead is a pause
    assert [r.split(", as in")[0].removeprefix("time stamps jump ") for r in warnings] == told


@pytest.mark.parametrize("starts_s_before", [0.6, 61.0], ids=["a second", "a minute"])
def test_stamps_that_start_anew_after_33_bits_go_on(starts_s_before: float, tmp_path: Path) -> None:
    n_frames = round(25 * (starts_s_before + 1))
    recipe = dataclasses.replace(H264, n_frames=n_frames)
    transport(tmp_path / "a.ts", WRAP_S - starts_s_before, recipe)
    seen, warnings = watch(tmp_path / "a.ts")
    assert [s.number for s in seen] == [i % 256 for i in range(n_frames)]
    np.testing.assert_allclose(np.diff([s.at_s for s in seen]), 0.04, atol=1e-4)
    assert warnings == []


def test_many_jumps_are_counted_and_not_told_one_by_one(tmp_path: Path) -> None:
    path = join(tmp_path / "a.ts", *(6 * [transport(tmp_path / "0.ts", 1)]))
    _, warnings = watch(path)
    assert len(warnings) == 4
    assert warnings[-1] == "time stamps jump 2 more times; later times are shifted"


def test_a_part_of_a_joined_file_goes_by_the_times_of_its_frames(tmp_path: Path) -> None:
    part = transport(tmp_path / "0.ts", 1)
    late = transport(tmp_path / "1.ts", 9000)
    for path in (join(tmp_path / "a.ts", part, part), join(tmp_path / "b.ts", part, late)):
        whole, _ = watch(path)
        for start_s, end_s in [(1.5, None), (2.1, 2.3), (2.2, 3.0), (2.9, None), (None, 2.2)]:
            clip = Clip(start_s, end_s)
            wanted = [s for s in whole if not clip.is_before(s.at_s) and not clip.is_behind(s.at_s)]
            assert watch(path, clip)[0] == wanted


def test_frames_of_joined_files_may_differ_in_size(tmp_path: Path) -> None:
    large = dataclasses.replace(H264, size_wh=(192, 128))
    path = join(
        tmp_path / "a.ts", transport(tmp_path / "0.ts", 1), transport(tmp_path / "1.ts", 1, large)
    )
    with VideoSource(path) as source:
        sizes = [frame.size_wh for frame in source]
    assert sizes == 30 * [(96, 64)] + 30 * [(192, 128)]


def test_a_long_pause_of_an_ordinary_file_is_one(tmp_path: Path) -> None:
    ticks = [*range(15), *range(25 * 1800, 25 * 1800 + 15)]
    for name in ("a.mkv", "a.mp4"):
        path = make_clip(tmp_path / name, ClipRecipe(ticks=ticks))
        seen, warnings = watch(path)
        np.testing.assert_allclose([s.at_s for s in seen], packet_times(path), atol=0.001)
        assert warnings == []
