"""How long to wait after a failure."""

from __future__ import annotations

from datetime import timedelta

DOUBLINGS = 30  # more is longer than anybody waits, and fits into a timedelta


def backoff(
    failures: int, *, first: timedelta = timedelta(seconds=1), most: timedelta = timedelta(days=1)
) -> timedelta:
    """The wait after so many failures in a row (1 and up): `first`, doubled with each further one, `most` at most."""
    return min(first * (1 << min(failures - 1, DOUBLINGS)), most)
