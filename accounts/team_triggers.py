"""What gives a row its team where the statement that inserts it names none: code of before teams, while they arrive."""

from __future__ import annotations

import pgtrigger

_UNNAMED = pgtrigger.Q(new__team__isnull=True)


def _filled_by(query: str) -> pgtrigger.Trigger:
    return pgtrigger.Trigger(
        name="team",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        condition=_UNNAMED,
        func=pgtrigger.Func(f"NEW.team_id := ({query}); RETURN NEW;"),  # type: ignore[no-untyped-call]
    )


def team_of_bucket() -> pgtrigger.Trigger:
    """The team of the row's bucket, whose table the model's own key names: this room knows of none above it."""
    return _filled_by("SELECT b.team_id FROM {fields.bucket.related_model._meta.db_table} b WHERE b.id = NEW.bucket_id")


def team_of_owner() -> pgtrigger.Trigger:
    """The own team of the row's owner, else the first she joined."""
    return _filled_by(
        "SELECT m.team_id FROM accounts_membership m WHERE m.user_id = NEW.owner_id "
        "ORDER BY m.is_own DESC, m.id LIMIT 1"
    )
