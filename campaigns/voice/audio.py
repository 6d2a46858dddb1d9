"""What a sound file is, and how long it lasts, by its own headers: MP3 (MPEG audio, layer III) and WAV. Pure.

Nothing is decoded. Whatever follows the sound in the file is not looked at, but the sound must be all there.
"""

from __future__ import annotations

import io
import wave
from dataclasses import dataclass

SECONDS_MOST = 60  # a voicemail longer than that nobody hears out
BYTES_MOST = 5 * 1024 * 1024
MP3, WAV = "audio/mpeg", "audio/wav"
_SYNC_WITHIN = 65_536  # bytes between a tag and the first frame
_FRAMES_LEAST = 10
# kbit/s of layer III by index: MPEG 1; MPEG 2 and 2.5
_RATES_1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_RATES_2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_HERTZ = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}  # by version


class BadAudio(Exception):
    """It cannot be used as a recording; the words say why."""


@dataclass(frozen=True, slots=True)
class Audio:
    """kind: its media type. seconds: whole, rounded up, at least 1."""

    kind: str
    seconds: int


@dataclass(frozen=True, slots=True)
class _Frame:
    size: int
    seconds: float


def inspect(content: bytes) -> Audio:
    """Raises BadAudio: too large, neither MP3 nor WAV, broken, too long."""
    if len(content) > BYTES_MOST:
        raise BadAudio(f"A recording has at most {BYTES_MOST // 1024 // 1024} MB.")
    if content[:4] == b"RIFF" and content[8:12] == b"WAVE":
        kind, seconds = WAV, _wav(content)
    else:
        kind, seconds = MP3, _mp3(content)
    if seconds > SECONDS_MOST:
        raise BadAudio(f"It lasts {round(seconds)} seconds; at most {SECONDS_MOST} are heard out.")
    return Audio(kind, max(1, -int(-seconds // 1)))


def _wav(content: bytes) -> float:
    try:
        with wave.open(io.BytesIO(content)) as sound:
            frames, rate = sound.getnframes(), sound.getframerate()
            size = sound.getnchannels() * sound.getsampwidth()
    except (wave.Error, EOFError, ValueError) as error:
        raise BadAudio("This WAV file cannot be read: save it as PCM, 8 or 16 bits.") from error
    if not rate or not frames or frames * size > len(content):
        raise BadAudio("This WAV file is cut off or empty.")
    return float(frames / rate)


def _mp3(content: bytes) -> float:
    """The sum of its frames: right with any bit rate, fixed or not."""
    at, seconds, frames = _first_frame(content), 0.0, 0
    while (frame := _frame(content, at)) is not None:
        if at + frame.size > len(content) + 1:  # the last may lack its padding
            break
        at, seconds, frames = at + frame.size, seconds + frame.seconds, frames + 1
    if frames < _FRAMES_LEAST:
        raise BadAudio("This is neither an MP3 nor a WAV file.")
    return seconds


def _first_frame(content: bytes) -> int:
    """Behind an ID3 tag; the first place from which two frames follow one another."""
    begin = 0
    if content[:3] == b"ID3" and len(content) > 10:
        begin = 10 + sum((byte & 0x7F) << shift for byte, shift in zip(content[6:10], (21, 14, 7, 0), strict=True))
    for at in range(begin, min(begin + _SYNC_WITHIN, len(content) - 4)):
        frame = _frame(content, at)
        if frame is not None and _frame(content, at + frame.size) is not None:
            return at
    raise BadAudio("This is neither an MP3 nor a WAV file.")


def _frame(content: bytes, at: int) -> _Frame | None:
    """The frame of layer III that begins there; None: none does."""
    head = content[at : at + 4]
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    rate, hertz, padding = head[2] >> 4, head[2] >> 2 & 3, head[2] >> 1 & 1
    if version == 1 or layer != 1 or rate in (0, 15) or hertz == 3:
        return None
    samples = 1152 if version == 3 else 576
    bits = (_RATES_1 if version == 3 else _RATES_2)[rate] * 1000
    per_second = _HERTZ[version][hertz]
    return _Frame(size=samples // 8 * bits // per_second + padding, seconds=samples / per_second)
