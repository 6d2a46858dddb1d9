"""How many leads wait for a request's billing check. The rooms above know their leads and register who counts them."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

_counters: list[Callable[[UUID], int]] = []


def count_with(counter: Callable[[UUID], int]) -> None:
    """Registers a function that counts the leads waiting for a call, once: from `AppConfig.ready`."""
    if counter not in _counters:
        _counters.append(counter)


def leads_waiting_for(call_id: UUID) -> int:
    """Leads, of whichever run, that go on once this request is decided."""
    return sum(counter(call_id) for counter in _counters)
