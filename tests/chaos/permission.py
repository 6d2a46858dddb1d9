"""An opt-out against a text, and two texts against a cap, at the same moment: on the stack's own PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence

from leads.models import Lead, Seller
from tests.campaigns.gate import races
from tests.campaigns.gate.samples import bucket_of, company
from tests.chaos.messages import alone
from tests.chaos.place import Broken, Place

ROUNDS, QUICK = 300, 60  # of issue 12


def stop_races(place: Place) -> Sequence[str]:
    """No text commits after an opt-out that is committed."""
    rounds = QUICK if place.quick else ROUNDS
    with alone(place):
        seller, leads = _setting(place, rounds)
        tally = races.stop_races(seller, leads, rounds)
    if tally.broken or tally.late or not tally.sent or not tally.refused:
        raise Broken(f"stop-races: {tally}")
    return [f"{rounds} rounds: {tally.sent} texts before the opt-out, {tally.refused} refused, 0 after it"]


def cap_races(place: Place) -> Sequence[str]:
    """Two senders for one owner: one text."""
    rounds = QUICK if place.quick else ROUNDS
    with alone(place):
        seller, leads = _setting(place, 2 * rounds)
        tally = races.cap_races(seller, leads, rounds)
    if tally.broken or tally.over or tally.sent != rounds:
        raise Broken(f"cap-races: {tally}")
    return [f"{rounds} rounds: {tally.sent} texts, 0 over the cap"]


def _setting(place: Place, count: int) -> tuple[Seller, list[Lead]]:
    """A company that is set up, and leads without contacts."""
    user = place.person().user
    return company(user), list(bucket_of(user, count, name="Races").leads.order_by("pk"))
