"""Who must not be contacted: written once and for good, for every lead of the installation, and read as one rule."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.access import team_of
from accounts.models import User, WebhookEndpoint
from enrichment.worker.lead_deletion import delete_lead
from leads import registries
from leads.keys import contact_keys
from leads.merging.services import merge_bucket
from leads.models import ContactKey, EvidenceText, Lead, LeadKey, Suppression
from leads.permission.consenting import give
from leads.permission.suppressing import Source, in_force, suppress, suppress_keys, suppress_wrong_number
from leads.services import edit_lead
from tests.leads.permission.samples import PHONE, contact, digest, seller
from tests.leads.privacy.samples import forget
from tests.leads.samples import make_leads, together
from tests.support import told

pytestmark = pytest.mark.django_db(transaction=True)
OTHER, THIRD = "+16175550113", "+16175550114"
POST = {"mailing_address": "9 Elm St", "mailing_city": "Waco", "mailing_state": "TX", "mailing_zip": "76701"}


def stop(value: str = PHONE, **how: Any) -> Any:
    with transaction.atomic():
        return suppress([(1, value)], **{"reason": "stop", "source": "inbound:" + 32 * "a", **how})


def reasons(value: str = PHONE, channel: str = "sms", kind: int = 1, **how: Any) -> list[str]:
    key = digest(value, kind)
    return [one.reason for one in in_force([key], channel, **how).get(key, [])]


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[tuple[set[int], str]]:
    """What campaigns would hear, in the transaction."""
    calls: list[tuple[set[int], str]] = []

    def hear(key_ids: Any, reason: str) -> None:
        assert connection.in_atomic_block
        calls.append((set(key_ids), reason))

    monkeypatch.setattr(registries, "_on_suppressed", [hear])
    return calls


def test_a_stop_reaches_the_persons_other_numbers_and_emails_one_hop_far(heard: list[Any]) -> None:
    ann = User.objects.create_user("ann")
    _, (first, second, stranger) = make_leads(3, by=ann)
    contact(first, secondary_phone=OTHER, email="Pat@example.com", owner={"owner_name": "PAT DOE", **POST})
    contact(second, phone=OTHER, secondary_phone=THIRD)  # shares her second number alone
    contact(stranger, phone="+16175550199")
    WebhookEndpoint.objects.create(team_id=team_of(ann), url="https://hooks.example.com", events=["contact.opted_out"],
                                   secret="x")  # fmt: skip

    done = stop(spread=True, words="STOP, call 617-555-0112 no more")

    assert {(row.kind, row.reason) for row in done.added} == {(1, "stop"), (2, "stop")} and len(done.added) == 3
    assert reasons() == reasons(OTHER) == reasons("pat@example.com", "email", 2) == ["stop"]
    assert reasons(THIRD) == reasons("+16175550199") == []
    assert heard == [(done.key_ids, "stop")]
    assert done.key_ids == set(
        ContactKey.objects.filter(leads__lead=first, kind__in=(1, 2)).values_list("pk", flat=True)
    )
    named = Suppression.objects.get(digest=digest(PHONE)[1])
    assert [(row.parent, row.text) for row in EvidenceText.objects.all()] == [
        (named.pk, "STOP, call 617-555-0112 no more")
    ]
    assert told("contact.suppressed") == [
        ("", "contact.suppressed", {"reason": "stop", "scope": "any", "keys": 3, "source": "inbound"})
    ]
    with connection.cursor() as cursor:
        cursor.execute("SELECT data FROM accounts_webhookdelivery WHERE event = 'contact.opted_out'")
        ((data,),) = cursor.fetchall()
    assert PHONE not in str(data) and str(first.pk) in str(data)

    again = stop(spread=True)
    assert again.added == [] and again.key_ids == done.key_ids
    assert Suppression.objects.count() == 3


def test_a_crowded_key_joins_nobody_and_is_itself_suppressed() -> None:
    _, (one, two) = make_leads(2)
    contact(one, secondary_phone=OTHER)
    contact(two, phone=OTHER, secondary_phone=THIRD)
    ContactKey.objects.filter(digest=digest(OTHER)[1]).update(crowded=True)

    stop(OTHER, spread=True)
    assert (reasons(OTHER), reasons(PHONE), reasons(THIRD)) == (["stop"], [], [])
    stop(spread=True)
    assert (reasons(PHONE), len(reasons(OTHER))) == (["stop"], 1)  # a title company's line is not hers


def test_no_way_brings_a_suppressed_number_back() -> None:
    """T7: imported again, merged, traced again, typed on a new lead, deleted and imported, and forgotten."""
    ann = User.objects.create_user("ann", is_superuser=True)
    bucket, (lead, other) = make_leads(2, by=ann)
    contact(lead)
    (first,) = stop().added

    def still() -> None:
        (row,) = in_force([digest(PHONE)], "sms")[digest(PHONE)][:1]
        assert (row.id, row.reason) == (first.pk, "stop")

    with transaction.atomic():
        keys = contact_keys.prepare({lead.pk: {"phone": PHONE}})
        contact_keys.relink([lead.pk], keys)
    still()
    merge_bucket(bucket.pk)
    still()
    contact(lead)
    still()
    edit_lead(lead=other, by=ann, changes={"phone": PHONE})
    assert LeadKey.objects.filter(lead=other, key__digest=digest(PHONE)[1]).exists()
    still()
    delete_lead(lead=other, by=ann)
    still()
    forget(phone=PHONE)
    assert reasons() == ["stop", "erased"]


def test_only_her_own_later_act_lifts_and_only_what_it_is_about() -> None:
    ann = User.objects.create_user("ann")
    ours, theirs = seller(ann), seller(User.objects.create_user("bob"))
    start = timezone.now() - timedelta(days=2)
    stop(at=start)
    given: dict[str, Any] = {"channel": "sms", "seller": ours, "given_at": start + timedelta(days=1), "text": "I agree"}
    for how in ("paper", "import"):
        give((1, PHONE), kind="written", how=how, **given)
    give((1, PHONE), kind="express", how="spoken", **given)
    give((1, PHONE), kind="start", how="inbound", **{**given, "given_at": start - timedelta(hours=1)})
    assert reasons(seller_id=ours.pk) == ["stop"]

    give((1, PHONE), kind="start", how="inbound", reference="inbound:1", **{**given, "text": "START"})
    assert reasons(seller_id=ours.pk) == []
    assert reasons(seller_id=theirs.pk) == reasons() == ["stop"]
    assert reasons(channel="call", seller_id=ours.pk) == reasons(channel="email", seller_id=ours.pk) == ["stop"]
    give((1, PHONE), kind="written", how="form", **{**given, "channel": "call"})
    assert reasons(channel="call", seller_id=ours.pk) == []
    assert reasons(channel="prerecorded", seller_id=ours.pk) == ["stop"]

    for reason in ("complaint", "litigator", "operator", "hard_bounce"):
        stop(reason=reason, source="user:1", at=start)
    assert reasons(seller_id=ours.pk) == ["complaint", "litigator", "operator", "hard_bounce"]
    stop(at=start + timedelta(days=1, hours=1), source="inbound:" + 32 * "b")
    assert reasons(seller_id=ours.pk)[-1] == "stop"


def test_what_has_ended_and_another_channel_do_not_count_in_one_query() -> None:
    now = timezone.now()
    stop(reason="soft_bounces", source="delivery:1", expires_at=now + timedelta(days=90))
    stop(OTHER, reason="operator", source="user:1", scope="call")
    keys = [digest(PHONE), digest(OTHER), digest(THIRD)]
    with CaptureQueriesContext(connection) as sent:
        found = in_force(keys, "call")
    assert len(sent) == 1
    assert {key: [one.reason for one in rows] for key, rows in found.items()} == {
        digest(PHONE): ["soft_bounces"], digest(OTHER): ["operator"]
    }  # fmt: skip
    assert reasons(at=now + timedelta(days=91)) == []
    assert (reasons(OTHER), reasons(OTHER, "prerecorded")) == ([], ["operator"])


def test_a_wrong_number_is_its_owners_alone_until_a_second_owner_says_so() -> None:
    _, (one, two) = make_leads(2)
    contact(one, owner={"owner_name": "PAT DOE", **POST})
    contact(two, owner={"owner_name": "SAM ROE", **POST, "mailing_address": "10 Oak St"})
    number = ContactKey.objects.get(digest=digest(PHONE)[1])
    owner = LeadKey.objects.get(lead=one, key__kind=3).key_id
    for source in ("user:1", "user:2"):  # twice of the same owner
        with transaction.atomic():
            suppress_wrong_number(number.pk, [one.pk], source=source)
    found = in_force([digest(PHONE)], "call")[digest(PHONE)]
    assert {(row.scope, row.owner_key_id) for row in found} == {("call", owner)} and len(found) == 2
    assert reasons(channel="email") == []

    with transaction.atomic():
        suppress_wrong_number(number.pk, [two.pk], source=Source.user(3))
    assert {row.owner_key_id for row in in_force([digest(PHONE)], "sms")[digest(PHONE)]} == {None}


def test_two_stops_of_one_person_by_two_of_her_numbers_at_once_wait_for_each_other() -> None:
    _, leads = make_leads(6)
    for n, lead in enumerate(leads):  # a ring: each shares a number with the next
        contact(lead, f"+1617555{100 + n:04}", secondary_phone=f"+1617555{100 + (n + 1) % 6:04}")

    def one(n: int) -> Any:
        return lambda: stop(f"+1617555{100 + n:04}", spread=True, source=f"user:{n}")

    done = together(*[one(n) for n in range(6)])
    assert [len(result.added) for result in done] == [3] * 6


def test_a_number_that_a_lead_gets_meanwhile_is_suppressed_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """The key is locked before its neighbours are read for good: what a trace has just added is not missed."""
    from leads.permission import suppressing

    _, (lead,) = make_leads(1)
    contact(lead)
    asked: list[int] = []
    beside = suppressing._beside

    def late(key_ids: set[int]) -> set[int]:
        found = beside(key_ids)
        asked.append(1)
        if len(asked) == 1:
            together(lambda: contact(Lead.objects.get(pk=lead.pk), secondary_phone=OTHER))
        return found

    monkeypatch.setattr(suppressing, "_beside", late)
    stop(spread=True)
    assert reasons(OTHER) == ["stop"]


def test_keys_by_id_are_the_same_and_nothing_asked_is_nothing_done(heard: list[Any]) -> None:
    _, (lead,) = make_leads(1)
    contact(lead)
    key = ContactKey.objects.get(digest=digest(PHONE)[1])
    with transaction.atomic():
        assert len(suppress_keys([key.pk], reason="dnc_request", source="user:1").added) == 1
        assert suppress_keys([], reason="stop", source="user:1").added == []
        assert suppress([], reason="stop", source="user:1").added == []
    assert heard == [({key.pk}, "dnc_request")]
