"""A forgotten person in calendars: as a guest she goes whole, of what others wrote her numbers and e-mails go."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.utils import timezone

from leads.calendar.table import Event
from leads.keys.owner_keys import EMAIL, PHONE
from leads.privacy.places import PIECE, Her, Piece, first_changed

TEXTS = ("title", "note", "place")
GUEST = ("guest_name", "guest_email", "guest_phone")


def in_events(after: str, her: Her) -> Piece:
    """Titles, notes and places as texts; a guest of hers loses name and addresses, and the link that was mailed."""

    def change(pk: UUID, *values: Any) -> int:
        old = dict(zip((*TEXTS, *GUEST), values, strict=True))
        changes: dict[str, Any] = {name: her.text(old[name]) for name in TEXTS if old[name]}
        known = {(EMAIL, old["guest_email"] or ""), (PHONE, old["guest_phone"] or "")}
        if her.among({(int(kind), value.casefold()) for kind, value in known if value}):
            changes |= dict.fromkeys(GUEST) | {"confirm_digest": None, "mail": "", "note": ""}
        elif old["guest_name"]:
            changes["guest_name"] = her.text(old["guest_name"])
        changes = {name: value for name, value in changes.items() if name not in old or value != old[name]}
        if not changes:
            return 0
        changes = {name: value[:2000] if name == "note" else value for name, value in changes.items()}
        changes |= {name: changes[name][:200] for name in ("title", "place") if name in changes}
        return Event.objects.filter(pk=pk).update(**changes, changed_at=timezone.now())

    rows = Event.objects.order_by("pk").values_list("pk", *TEXTS, *GUEST)
    return first_changed((rows.filter(pk__gt=UUID(after)) if after else rows)[:PIECE], change)
