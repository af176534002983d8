"""Sound of a file, copied into a recording without decoding."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from emolens.core.errors import EmolensError
from emolens.imaging.pyav import (
    AudioStream,
    BitStreamFilterContext,
    InputContainer,
    OutputContainer,
    av,
)
from emolens.media.timeline import MAX_PAUSE_S
from emolens.media.video_file import open_file, packets_of

# Sound packets are in order, so a larger step back starts another segment of the file.
_MAX_BACK_S: Final = 0.05
# Sound and frames of a segment end within this time. If no frames of the next segment follow by
# then, the sound packet was out of order.
_MAX_APART_S: Final = 10.0


def has_sound(path: Path) -> bool:
    """Return whether a file can be opened and has a sound track."""
    try:
        with open_file(path) as source:
            return bool(source.streams.audio)
    except EmolensError:
        return False


class Sound:
    """The sound track of a recording.

    In concatenated files, the time stamps of both frames and sound jump. Each segment of the sound
    is aligned with the frames of the same segment.

    Args:
        source: The open file.
        output: The container that receives the packets.
        stream: The sound stream of the source.
        from_s: Time in seconds before which sound is skipped.
    """

    def __init__(
        self, source: InputContainer, output: OutputContainer, stream: AudioStream, from_s: float
    ) -> None:
        self._source = source
        self._output = output
        self._copy = output.add_stream_from_template(stream)
        self._filter: BitStreamFilterContext | None = None
        if stream.codec_context.name == "aac" and not stream.codec_context.extradata:
            # Packets of a transport stream have a header that other containers do not allow.
            self._filter = BitStreamFilterContext("aac_adtstoasc", stream)
        self._packets: Iterator[av.Packet[AudioStream]] = packets_of(source, stream)
        self._from_s = from_s
        self._waiting: av.Packet[AudioStream] | None = None
        self._segment = 0
        self._last_stamp_s: float | None = None
        self._last_s = from_s
        self._last_dts: int | None = None

    @classmethod
    def open(cls, path: Path, output: OutputContainer, from_s: float) -> "Sound | None":
        """Open the first sound track of a file, or return None if the output cannot hold one."""
        try:
            source = open_file(path)
        except EmolensError:
            return None
        streams = source.streams.audio
        # Decoders may have other names than their codec, e.g. mp3float for mp3.
        name = streams[0].codec_context.codec.canonical_name if streams else None
        if name not in output.supported_codecs:
            source.close()
            return None
        return cls(source, output, streams[0], from_s)

    def copy_until(self, until_s: float, offsets_s: Sequence[float]) -> None:
        """Copy the sound up to a time.

        Args:
            until_s: Time in seconds of the recording.
            offsets_s: Recording time minus time stamp, in seconds, for each segment of the file
                with frames so far.
        """
        while packet := self._waiting or self._next():
            self._waiting = packet
            if packet.pts is None or not packet.time_base:
                self._waiting = None
                continue
            self._follow(float(packet.pts * packet.time_base))
            if self._segment >= len(offsets_s):
                if until_s <= self._last_s + _MAX_APART_S:
                    return
                self._segment -= 1
            if not self._copied(packet, until_s, offsets_s[self._segment]):
                return
            self._waiting = None

    def close(self) -> None:
        """Close the file."""
        self._source.close()

    def _follow(self, stamp_s: float) -> None:
        """Count a new segment if a time stamp jumps."""
        ahead_s = 0.0 if self._last_stamp_s is None else stamp_s - self._last_stamp_s
        self._segment += not -_MAX_BACK_S <= ahead_s <= MAX_PAUSE_S
        self._last_stamp_s = stamp_s

    def _copied(self, packet: "av.Packet[AudioStream]", until_s: float, offset_s: float) -> bool:
        """Copy or skip a packet. Return False if its time is not reached yet."""
        if packet.pts is None or not packet.time_base:
            return True
        at_s = float(packet.pts * packet.time_base) + offset_s
        if at_s > until_s:
            return False
        self._last_s = max(self._last_s, at_s)
        shift = round(offset_s / float(packet.time_base))
        dts = None if packet.dts is None else packet.dts + shift
        # Containers do not allow decreasing times.
        is_later = self._last_dts is None or dts is None or dts > self._last_dts
        if at_s >= self._from_s and is_later:
            packet.pts, packet.dts = packet.pts + shift, dts
            self._last_dts = dts
            for filtered in self._filter.filter(packet) if self._filter else [packet]:
                filtered.stream = self._copy
                self._output.mux(filtered)
        return True

    def _next(self) -> "av.Packet[AudioStream] | None":
        try:
            return next(self._packets, None)
        except av.FFmpegError:
            return None  # the file is truncated, and so is its sound
