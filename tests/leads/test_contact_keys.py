"""Keys of owners, phones and e-mails: written with the lead's contacts, under a list of secrets, and by two at once."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.access import own_access
from enrichment.worker.lead_deletion import delete_lead
from leads import tasks
from leads.facts.incoming import Incoming, insert_leads
from leads.facts.restoring import restore_leads
from leads.facts.saving import APOLLO, CONTACT, PROPERTY, FactRow, save_facts
from leads.facts.updating import update_leads
from leads.keys import contact_keys, key_refresh, key_secrets
from leads.keys.key_secrets import WrongSecret
from leads.keys.owners import one_lead_per_owner, others_of
from leads.merging.services import merge_bucket, separate
from leads.merging.table import Merge
from leads.models import ContactKey, KeyRefresh, KeySecret, Lead, LeadKey
from leads.services import edit_lead
from tests.command_line import run as run_command
from tests.leads.samples import make_lead, make_leads, together
from tests.leads.test_merging import add, again, twice

pytestmark = pytest.mark.django_db(transaction=True)
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
LATER = NOON.replace(year=2126)
POST = {"mailing_address": "9 Elm St", "mailing_city": "Waco", "mailing_state": "TX", "mailing_zip": "76701"}
DETAIL = {"owner_name": "SMITH JOHN & MARY", **POST}
TRACE = {"phone": "+12065550143", "phone_type": "mobile", "email": "jo@example.com"}
OLD, NEW = "old-secret-" + 40 * "o", "new-secret-" + 40 * "n"


def keys(lead_id: UUID) -> list[tuple[int, str]]:
    rows = LeadKey.objects.filter(lead=lead_id).order_by("role", "position")
    return list(rows.values_list("role", "key__hint"))


def land(lead: Lead, source: Any, facts: dict[str, Any]) -> None:
    with transaction.atomic():
        save_facts(source, [FactRow(lead.pk, facts, NOON)])


def test_an_id_alone_costs_no_key() -> None:
    with CaptureQueriesContext(connection) as sent:
        make_leads(3)
    assert not any("contactkey" in one["sql"] for one in sent)
    assert ContactKey.objects.count() == 0


def test_what_is_bought_gives_a_lead_its_keys_and_what_is_bought_anew_others() -> None:
    lead = make_lead()
    land(lead, PROPERTY, DETAIL)
    assert keys(lead.pk) == [(4, "JOHN SMITH"), (4, "MARY SMITH")]
    land(lead, CONTACT, TRACE)
    assert keys(lead.pk) == [(1, "…0143"), (3, "j…@example.com"), (4, "JOHN SMITH"), (4, "MARY SMITH")]
    land(lead, PROPERTY, {"owner_name": "Ann Doe", **POST})
    assert keys(lead.pk)[2:] == [(4, "ANN DOE")]
    assert ContactKey.objects.filter(kind=3).count() == 3, "a key outlives its leads"


def test_a_traced_persons_own_address_is_no_mailing_address() -> None:
    lead = make_lead(owner_name="Ann Doe")
    land(lead, CONTACT, {**TRACE, **POST})
    assert keys(lead.pk) == [(1, "…0143"), (3, "j…@example.com")]


def test_apollos_contacts_are_keys_too() -> None:
    lead = make_lead()
    land(lead, APOLLO, {"phone": "+12065550144", "email": "x@example.org"})
    assert keys(lead.pk) == [(1, "…0144"), (3, "x…@example.org")]


def test_a_file_brings_keys_for_every_number_it_has() -> None:
    bucket, _ = make_leads(0)
    facts = {
        **DETAIL,
        "phone": "+12065550143",
        "more_phones": [{"value": "+12065550149", "type": "mobile"}],
        "email": "jo@example.com",
    }
    with transaction.atomic():
        (new,) = insert_leads(
            bucket_id=bucket.pk,
            owner_id=bucket.owner_id,
            team_id=bucket.team_id,
            source="import",
            leads=[Incoming("address:1", facts)],
        )
    assert keys(UUID(new)) == [
        (1, "…0143"), (2, "…0149"), (3, "j…@example.com"), (4, "JOHN SMITH"), (4, "MARY SMITH"),
    ]  # fmt: skip


def test_what_a_person_types_gives_keys_and_taking_it_back_takes_them() -> None:
    lead = make_lead()
    edit_lead(lead=lead, by=lead.owner, changes={"phone": "+12065550143", "owner_name": "Ann Doe", **POST})
    assert keys(lead.pk) == [(1, "…0143"), (4, "ANN DOE")]
    edit_lead(lead=lead, by=lead.owner, changes={"phone": None, "status": "contacted"})
    assert keys(lead.pk) == [(4, "ANN DOE")]


def test_two_leads_of_one_owner_share_a_key_and_a_deleted_lead_takes_only_its_own() -> None:
    _, (one, other) = make_leads(2)
    land(one, PROPERTY, DETAIL)
    land(other, PROPERTY, {**DETAIL, "owner_name": "John Smith", "mailing_address": "9 ELM STREET"})
    shared = LeadKey.objects.filter(lead=other).values("key")
    assert LeadKey.objects.filter(lead=one, key__in=shared).count() == 1
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM leads_lead WHERE id = %s", [one.pk])
    assert (LeadKey.objects.count(), ContactKey.objects.count()) == (1, 2)


def test_a_batch_costs_as_many_statements_as_one_lead() -> None:
    _, leads = make_leads(50)
    counts = []
    for part in (leads[:1], leads[1:15]):
        with CaptureQueriesContext(connection) as sent, transaction.atomic():
            save_facts(PROPERTY, [FactRow(lead.pk, DETAIL, NOON) for lead in part])
        counts.append(len(sent))
    assert counts[1] <= counts[0]


def test_twenty_one_names_on_a_number_make_it_crowded_and_one_owners_many_leads_do_not() -> None:
    _, leads = make_leads(43)
    names = [f"{a}{b} DOE" for a in ("AL", "BO", "CY", "DI", "ED", "FI", "GU") for b in ("NA", "RE", "TI")]
    rows = [FactRow(lead.pk, {"phone": "+12065550143"}, NOON) for lead in leads[:21]]
    for lead, name in zip(leads, names, strict=False):
        Lead.objects.filter(pk=lead.pk).update(owner_name=name)
    Lead.objects.filter(pk__in=[lead.pk for lead in leads[21:]]).update(owner_name="ANN DOE")
    with transaction.atomic():
        save_facts(CONTACT, [*rows, *(FactRow(x.pk, {"phone": "+12065550144"}, NOON) for x in leads[21:])])
    assert dict(ContactKey.objects.values_list("hint", "crowded")) == {"…0143": True, "…0144": False}


def test_a_number_that_one_owner_has_on_many_leads_turns_crowded_within_twenty_more_of_others() -> None:
    _, leads = make_leads(85)
    phone = {"phone": "+12065550143"}
    Lead.objects.filter(pk__in=[lead.pk for lead in leads]).update(owner_name="ANN DOE")
    with transaction.atomic():
        save_facts(CONTACT, [FactRow(lead.pk, phone, NOON) for lead in leads[:44]])
    looks, when = 0, None
    for number, lead in enumerate(leads[44:], 1):
        Lead.objects.filter(pk=lead.pk).update(owner_name=f"{chr(64 + number % 26)}{number} ROE")
        with CaptureQueriesContext(connection) as sent, transaction.atomic():
            save_facts(CONTACT, [FactRow(lead.pk, phone, NOON)])
        looks += any("SET crowded" in one["sql"] for one in sent)
        if ContactKey.objects.filter(kind=1, crowded=True).exists():
            when = number
            break
    assert (looks, when) == (2, 36)  # at 60 leads with 17 names, and at 80 with 37


# --- Secrets ----------------------------------------------------------------------------------------------------------


def test_the_digest_is_of_the_secret_kind_and_value(settings: Any) -> None:
    land(make_lead(), CONTACT, {"phone": "+12065550143"})
    (secret,) = settings.CONTACT_KEY_SECRETS
    assert bytes(ContactKey.objects.get().digest) == key_secrets.digest(secret, 1, "+12065550143")


def test_a_second_secret_added_and_then_moved_to_the_front_never_makes_a_second_row(settings: Any) -> None:
    _, (first, second, third) = make_leads(3)
    settings.CONTACT_KEY_SECRETS = [OLD]
    land(first, CONTACT, {"phone": "+12065550143"})
    settings.CONTACT_KEY_SECRETS = [OLD, NEW]
    land(second, CONTACT, {"phone": "+12065550143"})
    settings.CONTACT_KEY_SECRETS = [NEW, OLD]
    land(third, CONTACT, {"phone": "+12065550143", "email": "jo@example.com"})
    assert sorted(ContactKey.objects.values_list("hint", flat=True)) == ["j…@example.com", "…0143"]
    assert LeadKey.objects.filter(key__hint="…0143").count() == 3
    email = ContactKey.objects.get(kind=2)
    assert bytes(email.digest) == key_secrets.digest(NEW, 2, "jo@example.com")
    assert KeySecret.objects.count() == 2


def test_where_two_secrets_have_written_one_number_a_lead_has_both_keys(settings: Any) -> None:
    _, (first, second) = make_leads(2)
    settings.CONTACT_KEY_SECRETS = [OLD]
    land(first, CONTACT, {"phone": "+12065550143"})
    twin = ContactKey.objects.create(kind=1, digest=key_secrets.digest(NEW, 1, "+12065550143"), hint="…0143")
    settings.CONTACT_KEY_SECRETS = [NEW, OLD]
    land(second, CONTACT, {"phone": "+12065550143"})
    assert LeadKey.objects.filter(lead=second).count() == 2
    assert LeadKey.objects.filter(lead=second, key=twin).exists()


@pytest.mark.parametrize("secrets", [[NEW], []])
def test_without_the_secret_that_wrote_nothing_is_written_and_start_up_refuses(
    settings: Any, secrets: list[str]
) -> None:
    settings.CONTACT_KEY_SECRETS = [OLD]
    lead = make_lead()
    land(lead, CONTACT, {"phone": "+12065550143"})
    settings.CONTACT_KEY_SECRETS = secrets
    with pytest.raises(WrongSecret if secrets else ImproperlyConfigured, match="CONTACT_KEY_SECRETS"):
        land(lead, CONTACT, {"phone": "+12065550144"})
    lead.refresh_from_db()
    assert lead.phone == "+12065550143"
    with pytest.raises(SystemExit, match="CONTACT_KEY_SECRETS"):
        key_secrets.refuse_wrong()
    told = run_command("refresh_owner_keys")
    assert (told.status, told.out, len(told.err.splitlines())) == (1, "", 1)
    assert "CONTACT_KEY_SECRETS" in told.err
    assert [error.id for error in key_secrets.check_database(["default"])] == ["leads.E001"]
    settings.CONTACT_KEY_SECRETS = [OLD]
    key_secrets.refuse_wrong()
    assert key_secrets.check_database(["default"]) == []


# --- Two at once, and leads of before --------------------------------------------------------------------------------


def test_the_same_keys_in_another_order_at_once_are_one_row_each_and_nobody_waits_in_a_circle() -> None:
    _, leads = make_leads(8)
    numbers = [f"+1206555{n:04d}" for n in range(100, 120)]

    def both(lead: Lead, phones: list[str]) -> None:
        with transaction.atomic():
            more = {"phone": [{"value": number, "source": "file", "at": "2026-01-01"} for number in phones]}
            Lead.objects.filter(pk=lead.pk).update(other_facts=more)
        with transaction.atomic():
            found = contact_keys.prepare({lead.pk: {}})
            contact_keys.relink([lead.pk], found)

    works = [partial(both, lead, numbers if n % 2 else numbers[::-1]) for n, lead in enumerate(leads)]
    assert together(*works) == [None] * 8
    assert (ContactKey.objects.count(), LeadKey.objects.count()) == (20, 160)


def old_leads(count: int) -> list[Lead]:
    _, leads = make_leads(count)
    Lead.objects.filter(pk__in=[lead.pk for lead in leads[1:]]).update(**TRACE, **DETAIL)
    return leads


def test_leads_of_before_get_their_keys_a_piece_at_a_time_and_the_command_says_how_many(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(key_refresh, "PIECE", 2)
    leads = old_leads(6)
    key_refresh.start_refresh()
    assert key_refresh.refresh_piece() == 1
    assert LeadKey.objects.values("lead").distinct().count() == 1
    call_command("refresh_owner_keys")
    assert capsys.readouterr().out == "4 leads have their keys.\n"
    assert LeadKey.objects.count() == 5 * 4
    assert not KeyRefresh.objects.exists()
    assert keys(leads[3].pk) == [(1, "…0143"), (3, "j…@example.com"), (4, "JOHN SMITH"), (4, "MARY SMITH")]


def test_the_sweep_does_what_a_migration_left_and_then_nothing() -> None:
    old_leads(3)
    key_refresh.start_refresh()
    tasks.refresh_owner_keys()
    assert (LeadKey.objects.count(), KeyRefresh.objects.count()) == (8, 0)
    with CaptureQueriesContext(connection) as sent:
        tasks.refresh_owner_keys()
    assert len(sent) == 1


def test_two_sweeps_at_once_do_each_piece_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_refresh, "PIECE", 2)
    old_leads(9)
    key_refresh.start_refresh()
    assert together(*[tasks.refresh_owner_keys] * 2) == [None, None]
    call_command("refresh_owner_keys")
    assert LeadKey.objects.count() == 8 * 4


# --- Imports that update, and merging ---------------------------------------------------------------------------------


def test_a_file_that_updates_gives_a_lead_new_keys_and_undoing_it_gives_back_the_old() -> None:
    bucket, _ = make_leads(0)
    facts = {**DETAIL, "phone": "+12065550143"}
    with transaction.atomic():
        insert_leads(
            bucket_id=bucket.pk,
            owner_id=bucket.owner_id,
            team_id=bucket.team_id,
            source="import",
            leads=[Incoming("7", facts)],
        )
    lead = Lead.objects.get()
    before = keys(lead.pk)
    new = {"owner_name": "Ann Doe", "phone": "+12065550199", "more_emails": [{"value": "ann@example.com"}]}

    with transaction.atomic():
        rows = [(lead.pk, Incoming("7", new))]
        (change,) = update_leads(
            bucket_id=bucket.pk, owner_id=bucket.owner_id, team_id=bucket.team_id, leads=rows, at=LATER
        )

    assert keys(lead.pk) == [(1, "…0199"), (2, "…0143"), (3, "a…@example.com"), (4, "ANN DOE")]
    with transaction.atomic():
        restore_leads(bucket_id=bucket.pk, changes=[change])
    assert keys(lead.pk) == before == [(1, "…0143"), (4, "JOHN SMITH"), (4, "MARY SMITH")]


def test_a_lead_has_the_keys_of_those_merged_into_it_and_each_has_its_own_once_they_part() -> None:
    bucket, older, younger = twice(owner_name="Ann Doe", **POST, phone="+12065550143")
    contact_keys.write({younger.pk: {"phone": "+12065550143", "owner_name": "Ann Doe", **POST}})
    other = add(bucket, property_id="7", phone="+12065550143")
    contact_keys.write({other.pk: {"phone": "+12065550143"}})
    assert (keys(older.pk), keys(younger.pk)) == ([], [(1, "…0143"), (4, "ANN DOE")])

    assert merge_bucket(bucket.pk) == 1

    assert (keys(older.pk), keys(younger.pk)) == ([(1, "…0143"), (4, "ANN DOE")], [])
    assert set(others_of(other, Lead.objects.seen_by(own_access(bucket.owner)), contacts=True)) == {older}
    assert set(one_lead_per_owner(bucket.leads.all(), contacts=True)) == {older}
    separate(lead=again(older), by=bucket.owner)
    assert (keys(older.pk), keys(younger.pk)) == ([], [(1, "…0143"), (4, "ANN DOE")])
    assert set(others_of(other, Lead.objects.seen_by(own_access(bucket.owner)), contacts=True)) == {younger}

    assert merge_bucket(bucket.pk) == 0  # a person has kept them apart
    Merge.objects.all().delete()
    assert merge_bucket(bucket.pk) == 1
    delete_lead(lead=again(older))
    assert keys(younger.pk) == [(1, "…0143"), (4, "ANN DOE")]
