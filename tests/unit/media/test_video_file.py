import os
import threading
from pathlib import Path

import cv2
import numpy as np
import pytest

from emolens.core.errors import EmptyFileError, InputNotFoundError, SourceError
from emolens.media.video_file import open_file, video_facts, video_stream
from tests.clips import ClipRecipe, make_clip, make_sound, numbered_image
from tests.unit.imaging.heif_files import tiled_heic
from tests.unit.imaging.images import draw


def open_video(path: Path) -> None:
    with open_file(path) as container:
        video_stream(container, path)


def test_what_a_container_says(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mp4", ClipRecipe(sound="aac"))
    with open_file(path) as container:
        facts = video_facts(container, video_stream(container, path))
    assert (facts.size_wh, facts.rate_hz, facts.n_frames) == ((96, 64), 25.0, 30)
    assert (facts.begin_s, facts.duration_s, facts.has_audio) == (0.0, 1.2, True)


@pytest.mark.parametrize("suffix", [".mkv", ".mp4", ".ts", ".flv"])
def test_a_length_counts_from_the_first_frame(suffix: str, tmp_path: Path) -> None:
    path = make_clip(tmp_path / f"a{suffix}", ClipRecipe(ticks=range(250, 280)))
    with open_file(path) as container:
        facts = video_facts(container, video_stream(container, path))
    assert facts.begin_s == pytest.approx(10, abs=0.001)
    assert facts.duration_s == pytest.approx(1.2, abs=0.001)


def test_what_is_not_there(tmp_path: Path) -> None:
    for name in ("none.mp4", "none/none.mp4", "a\0b.mp4", "a" * 300):
        with pytest.raises(InputNotFoundError):
            open_file(tmp_path / name)


def test_what_is_empty(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").touch()
    with pytest.raises(EmptyFileError, match=r"is empty \(0 bytes\)"):
        open_file(tmp_path / "a.mp4")


def test_a_folder_is_no_video(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="is a folder, not a video"):
        open_file(tmp_path)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".bmp", ".tiff", ""])
def test_an_image_is_no_video(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes(cv2.imencode(suffix or ".jpg", numbered_image(1))[1].tobytes())
    with pytest.raises(SourceError, match="Use `emolens image` for images"):
        open_file(path)


@pytest.mark.parametrize("suffix", [".mp4", ".txt", ".mkv", ".ts", ""])
@pytest.mark.parametrize(
    "content",
    [
        b"hello world\n" * 200,
        b"1\n00:00:00,000 --> 00:00:02,000\nhi\n",
        b"<html></html>",
        b"\0" * 5000,
        b"\xff\xd8\xff" * 1000,
        bytes(range(256)) * 100,
        b"G" * 188 * 20,
    ],
)
def test_bytes_that_are_no_video(content: bytes, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes(content)
    with pytest.raises(SourceError, match="as a video|has sound but no video track"):
        open_video(path)


@pytest.mark.parametrize("seed", range(5))
def test_random_bytes(seed: int, tmp_path: Path) -> None:
    content = np.random.default_rng(seed).bytes(20_000)
    (tmp_path / "a.mp4").write_bytes(content)
    with pytest.raises(SourceError):
        open_video(tmp_path / "a.mp4")


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_container_without_frames(suffix: str, tmp_path: Path) -> None:
    path = make_clip(tmp_path / f"a{suffix}", ClipRecipe(n_frames=0))
    with pytest.raises(SourceError):
        open_video(path)


@pytest.mark.parametrize(("suffix", "codec"), [(".mp3", "libmp3lame"), (".m4a", "aac")])
def test_sound_is_no_video(suffix: str, codec: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="has sound but no video track"):
        open_video(make_sound(tmp_path / f"a{suffix}", codec))


@pytest.mark.parametrize(("suffix", "codec"), [(".mp3", "libmp3lame"), (".flac", "flac")])
def test_the_cover_of_a_piece_of_music_is_no_video(suffix: str, codec: str, tmp_path: Path) -> None:
    cover = cv2.imencode(".png", numbered_image(1, (32, 32)))[1].tobytes()
    with pytest.raises(SourceError, match="has sound but no video track"):
        open_video(make_sound(tmp_path / f"a{suffix}", codec, cover=cover))


def test_too_many_pixels_are_refused_before_decoding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_clip(tmp_path / "a.mp4", ClipRecipe(n_frames=1))
    monkeypatch.setattr("emolens.media.video_file._MAX_PIXELS", 96 * 64 - 1)
    with pytest.raises(SourceError, match="is 96x64 px; allowed: up to"):
        open_video(path)


PLAYLISTS = {
    "a.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{name}\n#EXT-X-ENDLIST\n",
    "key.m3u8": '#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-KEY:METHOD=AES-128,URI="{name}"\n'
    "#EXTINF:2,\n{name}\n#EXT-X-ENDLIST\n",
    "disguised.mp4": "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{name}\n#EXT-X-ENDLIST\n",
    "a.ffconcat": "ffconcat version 1.0\nfile '{name}'\n",
    "disguised.mkv": "ffconcat version 1.0\nfile '{name}'\n",
    "a.sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
    "m=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\na=x:{name}\n",
    "a.mpd": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
    'mediaPresentationDuration="PT2S" profiles="urn:mpeg:dash:profile:isoff-on-demand:2011">'
    '<Period><AdaptationSet mimeType="video/mp4"><Representation id="1" bandwidth="1"><BaseURL>'
    "{name}</BaseURL></Representation></AdaptationSet></Period></MPD>",
    "a.smil": '<smil><body><video src="{name}"/></body></smil>',
    "a.asx": '<asx version="3.0"><entry><ref href="{name}"/></entry></asx>',
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("kind", PLAYLISTS)
@pytest.mark.parametrize("spelling", ["{path}", "other.ts", "file:{path}", "file://{path}"])
def test_a_playlist_is_refused_and_the_file_that_it_names_is_not_opened(
    kind: str, spelling: str, tmp_path: Path
) -> None:
    # Opening a pipe blocks until another process writes to it.
    other = tmp_path / "other.ts"
    os.mkfifo(other)
    playlist = tmp_path / kind
    playlist.write_text(PLAYLISTS[kind].format(name=spelling.format(path=other)))
    raised: list[Exception] = []

    def read() -> None:
        try:
            open_video(playlist)
        except SourceError as error:
            raised.append(error)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    reader.join(10)
    was_opened = reader.is_alive()
    if was_opened:
        os.close(os.open(other, os.O_WRONLY))
        reader.join(10)
    assert not was_opened
    assert len(raised) == 1


@pytest.mark.parametrize(
    "name",
    [
        *("a b.mp4", "ü漢😀.mp4", "-x.mp4", "file:x.mp4", "rtsp:x.mp4", "rtsp:", "%d.mp4"),
        *("%03d.mkv", "a?b#c.mp4", "concat:a|b.mp4", "[1].mp4", "*.mp4", "~.mp4", "a\nb.mp4"),
        *("subfile,,start,1,end,2,,:x.mp4", "data:,x.mp4", "pipe:0.mp4", " .mp4", "http:x.mp4"),
    ],
)
def test_every_name_is_that_of_a_file(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = make_clip(tmp_path / "made.mp4", ClipRecipe(n_frames=1))
    made.rename(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    open_video(Path(name))


def test_a_name_that_is_no_unicode(tmp_path: Path) -> None:
    name = os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe.mp4")
    os.rename(make_clip(tmp_path / "a.mp4", ClipRecipe(n_frames=1)), name)
    open_video(Path(name))


def test_nothing_is_written_to_the_terminal(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.mp4").write_bytes(os.urandom(5000))
    with pytest.raises(SourceError):
        open_file(tmp_path / "a.mp4")
    assert capfd.readouterr() == ("", "")


def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mp4", ClipRecipe(n_frames=1))
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read everything")
    with pytest.raises(SourceError, match="Permission denied"):
        open_file(path)


@pytest.mark.parametrize("name", ["a.heic", "a.mp4"])
def test_a_still_image_in_a_videos_container_is_no_video(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(tiled_heic(draw(40, 56), 32))
    with pytest.raises(SourceError, match=r"is an image, not a video. Use `emolens image`"):
        open_file(tmp_path / name)
