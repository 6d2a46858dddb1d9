"""Sets this Python's wall clock apart by CLOCK_SHIFT seconds, before anything else is imported: PYTHONPATH finds it."""

from __future__ import annotations

import datetime
import os
import time
from typing import Any

SHIFT = float(os.environ.get("CLOCK_SHIFT", "0"))
_time, _datetime = time.time, datetime.datetime


class _AnyDatetime(type):
    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, _datetime)


class Shifted(datetime.datetime, metaclass=_AnyDatetime):
    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> Any:
        return _datetime.now(tz) + datetime.timedelta(seconds=SHIFT)

    @classmethod
    def utcnow(cls) -> Any:
        return cls.now(datetime.UTC).replace(tzinfo=None)


if SHIFT:
    time.time = lambda: _time() + SHIFT
    datetime.datetime = Shifted  # type: ignore[misc]
