"""Sound files that are made here: silence of so many seconds."""

from __future__ import annotations

import io
import wave


def wav(seconds: float = 2.0, rate: int = 8000) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(1)
        sound.setframerate(rate)
        sound.writeframes(b"\x80" * int(seconds * rate))
    return out.getvalue()


def mp3(seconds: float = 2.0) -> bytes:
    """MPEG 1 layer III, 128 kbit/s, 44.1 kHz: frames of 417 bytes."""
    frame = bytes([0xFF, 0xFB, 0x90, 0x00]) + b"\x00" * 413
    return frame * round(seconds * 44_100 / 1152)


def tagged(content: bytes, size: int = 300) -> bytes:
    """With an ID3 tag before it."""
    return b"ID3\x03\x00\x00" + bytes([0, 0, size >> 7, size & 0x7F]) + b"\x00" * size + content
