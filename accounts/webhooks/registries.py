"""Which events there are: each room registers its own in its `apps.ready()`."""

from __future__ import annotations

TEST = "webhook.test"  # sent by a button, to whoever has a webhook
_EVENTS: dict[str, str] = {}


def register_event(name: str, sentence: str) -> None:
    """Registers an event that webhooks may ask for. name: noun.verb. sentence: when it is sent, and for what."""
    _EVENTS[name] = sentence


def events() -> dict[str, str]:
    """Every event by name, with its sentence."""
    return dict(sorted(_EVENTS.items()))
