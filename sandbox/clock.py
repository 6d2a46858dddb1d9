"""What time it is for messages: the real time, or one that was set and runs faster, so that hours pass in minutes."""

import time
from datetime import UTC, datetime, timedelta
from threading import Lock

SPEED_MOST = 20


class Clock:
    """Thread-safe. `words`: a moment with its zone and a speed, as 2026-09-15T15:00Z/20; "": the real time."""

    def __init__(self, words: str = "") -> None:
        """Raises ValueError."""
        self._lock = Lock()
        shown, speed = parse(words) if words else (datetime.now(UTC), 1)
        self._began, self._shown, self.speed = time.monotonic(), shown, speed

    def now(self) -> datetime:
        """The moment, UTC."""
        with self._lock:
            return self._shown + timedelta(seconds=(time.monotonic() - self._began) * self.speed)

    def set(self, words: str) -> None:
        """From now on it is this moment, at this speed. Raises ValueError."""
        shown, speed = parse(words)
        with self._lock:
            self._began, self._shown, self.speed = time.monotonic(), shown, speed

    def real(self, seconds: float) -> float:
        """How long these seconds of this clock really take."""
        return seconds / self.speed


def parse(words: str) -> tuple[datetime, int]:
    """Moment and speed. Raises ValueError."""
    start, _, speed = words.partition("/")
    moment = datetime.fromisoformat(start.replace("Z", "+00:00"))
    if moment.tzinfo is None or not 1 <= int(speed or "1") <= SPEED_MOST:
        raise ValueError("a moment with its zone and a speed from 1 to 20")
    return moment.astimezone(UTC), int(speed or "1")
