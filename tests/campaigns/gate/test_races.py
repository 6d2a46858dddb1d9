"""Who locks the keys first wins: no text commits after a committed opt-out, no cap is passed."""

from __future__ import annotations

import pytest

from campaigns.models import Receipt
from leads.models import Lead
from tests.campaigns.gate.races import cap_races, stop_races
from tests.campaigns.gate.samples import bucket_of, company
from tests.support import make_user

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = 40  # 300 in `make chaos`


def test_no_text_leaves_after_a_committed_stop() -> None:
    ann = make_user("ann")
    bucket_of(ann, ROUNDS)

    tally = stop_races(company(ann), list(Lead.objects.order_by("pk")), ROUNDS)

    assert (tally.broken, tally.late) == ([], 0)
    assert tally.sent and tally.refused, "both came first at times"
    assert tally.sent + tally.refused == Receipt.objects.count() == ROUNDS


def test_two_senders_never_pass_one_owners_cap() -> None:
    ann = make_user("ann")
    bucket_of(ann, 2 * ROUNDS)

    tally = cap_races(company(ann), list(Lead.objects.order_by("pk")), ROUNDS)

    assert (tally.broken, tally.over, tally.sent, tally.refused) == ([], 0, ROUNDS, ROUNDS)
