"""What a sound file is, by its headers alone."""

from __future__ import annotations

import pytest

from campaigns.voice.audio import BYTES_MOST, BadAudio, inspect
from tests.campaigns.voice.sounds import mp3, tagged, wav


@pytest.mark.parametrize(
    ("content", "kind", "seconds"),
    [
        (wav(2.0), "audio/wav", 2),
        (wav(0.4), "audio/wav", 1),
        (wav(59.9), "audio/wav", 60),
        (mp3(2.0), "audio/mpeg", 3),  # 77 frames last 2.01 s
        (tagged(mp3(9.99)), "audio/mpeg", 10),
        (mp3(5.0) + b"TAG" + b"\x00" * 125, "audio/mpeg", 5),
    ],
)
def test_mp3_and_wav_are_known_and_how_long_they_last(content: bytes, kind: str, seconds: int) -> None:
    audio = inspect(content)
    assert (audio.kind, audio.seconds) == (kind, seconds)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "neither an MP3 nor a WAV"),
        (b"\xff" * 5000, "neither an MP3 nor a WAV"),
        (b"%PDF-1.7" + b"x" * 4000, "neither an MP3 nor a WAV"),
        (mp3(0.1), "neither an MP3 nor a WAV"),
        (b"RIFF\x00\x00\x00\x00WAVE", "cannot be read"),
        (wav(3.0)[:8000], "cut off or empty"),
        (wav(0.0), "cut off or empty"),
        (wav(61.5), "at most 60"),
        (mp3(75.0), "at most 60"),
        (b"ID3\x03\x00\x00\x7f\x7f\x7f\x7f" + mp3(2.0), "neither an MP3 nor a WAV"),
        (b"x" * (BYTES_MOST + 1), "at most 5 MB"),
    ],
)
def test_what_is_no_sound_or_too_long_is_refused_in_words(content: bytes, words: str) -> None:
    with pytest.raises(BadAudio, match=words):
        inspect(content)
