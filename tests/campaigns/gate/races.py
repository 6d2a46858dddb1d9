"""Two workers for one person at the same moment, on connections of their own: an opt-out against a text, two texts.

`make test` runs a few rounds (test_races.py), `make chaos ARGS="stop-races cap-races"` the 300 of issue 12.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

from django.db import connection, transaction

from buckets.services import recount
from campaigns.gate.contact import lock_and_decide
from campaigns.models import Delivery
from common.db.ids import uuid7
from leads.models import Consent, ContactKey, Lead, LeadKey, Scrub, Seller
from leads.permission.suppressing import suppress
from tests.campaigns.gate.samples import NOON, digest, due

APART = 0.003  # seconds at most between the two


@dataclass(slots=True)
class Tally:
    """What came of the rounds. late: texts whose commit began after the opt-out's had returned. over: rounds in which
    both texts left.
    """

    sent: int = 0
    refused: int = 0
    late: int = 0
    over: int = 0
    broken: list[str] = field(default_factory=list)


def stop_races(seller: Seller, leads: list[Lead], rounds: int) -> Tally:
    """An opt-out and a text to the same number, each round another one. leads: one a round, without keys."""
    numbers = [f"+1617557{number:04d}" for number in range(rounds)]
    mobiles(seller, dict(zip(numbers, leads, strict=True)))
    messages = [due(seller, number, lead).pk for number, lead in zip(numbers, leads, strict=True)]
    stopped, left = [0.0] * rounds, [0.0] * rounds
    tally = Tally()

    def stop(at: int) -> None:
        with transaction.atomic():
            suppress([(1, numbers[at])], reason="stop", source=f"inbound:{messages[at].hex}", spread=True, at=NOON)
        stopped[at] = time.monotonic()

    def send(at: int) -> None:
        with transaction.atomic():
            if _leaves(messages[at]):
                left[at] = time.monotonic()

    _race(rounds, stop, send, tally)
    tally.sent = sum(1 for moment in left if moment)
    tally.refused = rounds - tally.sent
    tally.late = sum(1 for stop_at, sent_at in zip(stopped, left, strict=True) if sent_at and sent_at > stop_at)
    return tally


def cap_races(seller: Seller, leads: list[Lead], rounds: int) -> Tally:
    """Two texts to two numbers of one owner, whose cap is one text a day. leads: two a round, without keys."""
    pairs = [(f"+1617555{number:04d}", f"+1617556{number:04d}") for number in range(rounds)]
    of_lead = {number: leads[2 * n + place] for n, pair in enumerate(pairs) for place, number in enumerate(pair)}
    mobiles(seller, of_lead)
    owners = ContactKey.objects.bulk_create(
        [ContactKey(kind=3, digest=n.to_bytes(32, "big"), hint="OWNER") for n in range(1, rounds + 1)]
    )
    LeadKey.objects.bulk_create(
        LeadKey(lead=of_lead[one], key_id=owners[number].pk, role=4, position=0)
        for number, pair in enumerate(pairs)
        for one in pair
    )
    messages = [[due(seller, one, of_lead[one]).pk for one in pair] for pair in pairs]
    sent = [[False, False] for _ in pairs]
    tally = Tally()

    def sender(place: int) -> Callable[[int], None]:
        def send(at: int) -> None:
            with transaction.atomic():
                sent[at][place] = _leaves(messages[at][place])

        return send

    _race(rounds, sender(0), sender(1), tally)
    tally.sent = sum(map(sum, sent))
    tally.refused = 2 * rounds - tally.sent
    tally.over = sum(1 for both in sent if all(both))
    return tally


def _leaves(message: UUID) -> bool:
    """As the sending does: the gate inside the transaction that commits that it leaves."""
    asked = lock_and_decide([message], at=NOON)[message]
    is_yes = asked.decision.verdict == "yes"
    if is_yes:
        Delivery.objects.filter(pk=message).update(state="intended", intended_at=NOON)
    return is_yes


def _race(rounds: int, one: Callable[[int], None], other: Callable[[int], None], tally: Tally) -> None:
    """Both of each round at once, up to `APART` apart."""
    together = threading.Barrier(2)

    def work(act: Callable[[int], None], dice: random.Random) -> None:
        try:
            for at in range(rounds):
                together.wait(60)
                time.sleep(dice.random() * APART)
                act(at)
        except Exception as error:  # told by the tally: a thread's own error reaches nobody
            tally.broken.append(repr(error))
            together.abort()
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(act, random.Random(seed))) for seed, act in enumerate((one, other))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def mobiles(seller: Seller, leads: dict[str, Lead]) -> None:
    """Leads at home in Boston, by number: mobiles that were checked and have agreed to texts."""
    keys = ContactKey.objects.bulk_create(ContactKey(kind=1, digest=digest(number), hint="…") for number in leads)
    for key, (number, lead) in zip(keys, leads.items(), strict=True):
        lead.phone, lead.phone_type, lead.property_state, lead.property_zip = number, "mobile", "MA", "02108"
        LeadKey.objects.create(lead=lead, key=key, role=1, position=0)
    Lead.objects.bulk_update(leads.values(), ["phone", "phone_type", "property_state", "property_zip"])
    recount(bucket_ids=sorted({lead.bucket_id for lead in leads.values()}))
    Scrub.objects.bulk_create(
        Scrub(seller=seller, digest=digest(one), list="federal", listed=False, checked_at=NOON, source="connector")
        for one in leads
    )
    Consent.objects.bulk_create(
        Consent(id=uuid7(), key_kind=1, digest=digest(one), hint="…", channel="sms", kind="written", seller=seller,
                text_hash="x", given_at=NOON, how="form", created_at=NOON)
        for one in leads
    )  # fmt: skip
