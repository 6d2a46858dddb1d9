"""What people type into names, tags, notes and searches: who sees no contacts reads no phone and no e-mail there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any
from urllib.parse import quote_plus

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import NoReverseMatch, URLResolver, get_resolver, reverse

from accounts.models import Membership, User
from buckets.admin.import_forms import SAME
from buckets.models import Bucket, Fill, Import
from common.contact_access import masked_answer
from enrichment.models import Run, Schedule
from leads.facts.sources import FILE
from leads.models import Activity, Lead, SavedView, Tag
from tests.admin_site import member, sees_contacts, superuser
from tests.api.client import Api, body_of
from tests.api.test_tenancy import SAMPLES, World, ask
from tests.support import mostly_long

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_badge")]
PHONE, MAIL = "415-555-2671", "zoe@typed.example"
SHOWN = re.compile(rb"555[-. +]?2671|555%20?2671|zoe@typed|zoe%40typed|zoe-?typed")
MASKED = {  # who sees no contacts: role, and whether they are hidden from her
    "reader": ("reader", False),
    "masked manager": ("manager", True),
}


@pytest.fixture(scope="module")
def standing(standing: World) -> World:
    """Ann's, with a phone or an e-mail in every text that people type."""
    made, ann = standing, standing.ann
    said = f"Ask {PHONE}"
    Bucket.objects.update(name=said, description=f"or {MAIL}", filters={"address": PHONE, "city": [MAIL]})
    Fill.objects.update(criteria={"address": PHONE}, error=f"{MAIL} is refused")
    Import.objects.update(file_name=f"{PHONE}.csv", columns=["Address", PHONE], constants={"city": MAIL}, error=PHONE)
    Run.objects.update(bucket_name=said, status="paused", paused_by="person", reason=f"wait for {MAIL}")
    Schedule.objects.update(bucket_name=said, last_result=f"{MAIL} failed", failures=1, last_at=made.run.created_at)
    Tag.objects.update(name=PHONE)
    Activity.objects.update(text=f"{PHONE}, {MAIL}")
    Lead.objects.update(data={"Cell": PHONE}, owner_name=f"Jo {PHONE}", second_owner_name=MAIL, contact_name=PHONE)
    Lead.objects.update(other_facts={
        "owner_name": [{"value": f"Al {PHONE}", "source": FILE}], "mailing_address": [{"value": PHONE, "source": FILE}],
    })  # fmt: skip
    Lead.objects.update(mailing_address=f"c/o {PHONE}", mailing_city=MAIL, traced_address=PHONE, traced_city=MAIL)
    Lead.objects.update(property_address=f"1 Elm St {PHONE}", property_city=MAIL, property_county=PHONE)
    Lead.objects.update(property_type=PHONE, apollo_company=PHONE)
    team = made.bucket.team_id
    SavedView.objects.create(owner=ann, team_id=team, name=said, query="status=new")
    SavedView.objects.create(owner=ann, team_id=team, name="Tagged", query=f"tag={quote_plus(PHONE)}")
    SavedView.objects.create(owner=ann, team_id=team, name="Sought", query=f"q={quote_plus(MAIL)}")
    return made


def pages() -> Iterator[str]:
    """The names of the pages under /admin/ that can be looked at."""
    (desk,) = (p for p in get_resolver().url_patterns if isinstance(p, URLResolver) and p.namespace == "admin")
    yield from (f"admin:{name}" for name in desk.reverse_dict if isinstance(name, str))
    yield from ("profile", "account_invitations")


def addresses_of(world: World) -> Iterator[str]:
    """Each page, of Ann's rows where it is of one."""
    rows: dict[str, Any] = {}
    for model in admin.site._registry:
        if (row := model._default_manager.order_by("-pk").first()) is not None:
            rows[f"admin:{model._meta.app_label}_{model._meta.model_name}"] = row.pk
    for name in pages():
        if name.endswith(("logout", "jsi18n")):
            continue
        candidates: list[dict[str, Any]] = [{}, *({one: pk} for one, pk in world.ids.items())]
        candidates += [{"bucket_id": world.bucket.pk, "run_id": world.run.pk}]
        for ids in candidates:
            try:
                yield reverse(name, kwargs=ids)
            except NoReverseMatch:
                continue
            break
        else:
            of = name.rpartition("_")[0]
            if of in rows:
                try:
                    yield reverse(name, args=[rows[of]])
                except NoReverseMatch:
                    continue


def content(answer: Any) -> bytes:
    return b"".join(islice(answer, 2)) if answer.streaming else answer.content


def shows(answer: Any) -> bool:
    return bool(SHOWN.search(content(answer)) or SHOWN.search(str(answer.headers).encode()))


def leaks(world: World, user: User, client: Client) -> set[str]:
    """The addresses that show her one. What she may not open shows nothing."""
    api = Api(user)
    answers = {address: client.get(address) for address in addresses_of(world)}
    read = [name for name, method in SAMPLES if method == "GET" and name not in ("schema", "docs")]
    answers |= {name: ask(api, world, name, "GET") for name in read}
    assert sum(answer.status_code == 200 for answer in answers.values()) > 50
    return {address for address, answer in answers.items() if shows(answer)}


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=() if kind == "reader" else pytest.mark.long) for kind in MASKED]
)
def test_who_sees_no_contacts_reads_none_that_somebody_typed(world: World, kind: str) -> None:
    role, is_masked = MASKED[kind]
    user, client = member(world.bucket.team, role, "cleo", is_operator=kind == "reader")
    user.memberships.update(is_masked=is_masked)

    assert leaks(world, user, client) == set()


@pytest.mark.long
def test_a_superuser_reads_none_that_another_team_typed_and_all_that_her_own_did(world: World) -> None:
    boss, client = superuser()
    sees_contacts(boss)
    lists = [reverse(f"admin:{m._meta.app_label}_{m._meta.model_name}_changelist") for m in admin.site._registry]
    asked = [f"{place}?team={team}" for place in lists for team in (world.bucket.team_id, "all")]
    answers = {place: client.get(place) for place in (*addresses_of(world), *asked)}

    assert sum(answer.status_code == 200 for answer in answers.values()) > 80
    assert {place for place, answer in answers.items() if shows(answer)} == set()

    own = Bucket.objects.create(owner=boss, name=f"Ask {PHONE}", description=f"or {MAIL}")
    assert shows(client.get(reverse("admin:buckets_bucket_changelist")))
    assert shows(client.get(reverse("admin:buckets_bucket_change", args=[own.pk])))


def test_who_sees_contacts_reads_them_as_they_were_typed(world: World) -> None:
    user, client = member(world.bucket.team, "manager", "cleo")
    lists = ("buckets_bucket", "buckets_fill", "buckets_import", "enrichment_run", "enrichment_schedule", "leads_tag")
    places = [reverse(f"admin:{name}_changelist") for name in lists]
    places += [reverse("admin:index"), reverse("admin:buckets_bucket_change", args=[world.bucket.pk])]
    api = Api(user)

    assert [place for place in places if not shows(client.get(place))] == []
    told = ("buckets", "bucket", "runs", "run", "run-events", "schedules", "tags", "lead-tags", "bucket-export")
    assert [name for name in told if not shows(ask(api, world, name, "GET"))] == []


def test_what_is_hidden_from_her_is_no_field_that_she_could_save_with_its_dots(world: World) -> None:
    user, client = member(world.bucket.team, "manager", "cleo")
    user.memberships.update(is_masked=True)
    place = reverse("admin:buckets_bucket_change", args=[world.bucket.pk])

    client.post(place, {"name": "Ask •••• 2671", "description": "x"})
    client.post(reverse("admin:leads_tag_change", args=[world.tag.pk]), {"name": "•••• 2671", "color": "#00ff00"})

    world.bucket.refresh_from_db()
    world.tag.refresh_from_db()
    assert (world.bucket.name, world.bucket.description) == (f"Ask {PHONE}", f"or {MAIL}")
    assert (world.tag.name, world.tag.color) == (PHONE, "#00ff00")
    Bucket.objects.update(description="")
    client.post(place, {"description": "North of the river"})
    world.bucket.refresh_from_db()
    assert (world.bucket.name, world.bucket.description) == (f"Ask {PHONE}", "North of the river")
    changed = body_of(Api(user).patch(f"/api/property/bucket/{world.bucket.pk}", {"description": "South"}))["bucket"]
    assert (changed["name"], changed["description"]) == ("Ask •••• 2671", "South")


def test_a_value_of_every_row_that_is_hidden_from_her_stays_where_she_leaves_it(world: World) -> None:
    user, client = member(world.bucket.team, "manager", "cleo")
    user.memberships.update(is_masked=True)
    place = reverse("admin:buckets_import_preview", args=[world.ids["import_id"]])
    chosen = {"column_address": "0", "column_zip": "1", "column_city": SAME}

    client.post(place, {**chosen, "same_city": ""})
    assert Import.objects.get().constants == {"city": MAIL}

    client.post(place, {**chosen, "same_city": "Waco"})
    assert Import.objects.get().constants == {"city": "Waco"}


def test_ids_and_numbers_of_an_answer_stay() -> None:
    said = {
        "id": "4155552671", "propertyId": "4155552671", "apn": "415-555-2671", "total": 4155552671,
        "name": PHONE, "filters": {"ids": ["4155552671"], "city": [PHONE], "beds": 3}, "tags": ["hot", MAIL],
        "rows": [{"text": PHONE, "leadId": "4155552671"}],
    }  # fmt: skip
    assert masked_answer(said) == {
        **said, "name": "•••• 2671", "filters": {"ids": ["4155552671"], "city": ["•••• 2671"], "beds": 3},
        "tags": ["hot", "z••••@typed.example"], "rows": [{"text": "•••• 2671", "leadId": "4155552671"}],
    }  # fmt: skip


LISTS = {  # where a name is looked for, with what is shown of it and what is not
    "bucket names": "/admin/buckets/bucket/?q={}",
    "tags": "/admin/leads/tag/?q={}",
    "imports' files": "/admin/buckets/import/?q={}",
    "leads' owners": "/admin/leads/lead/?q={}",
    "owners by the API": "/api/leads?q={}",
    "owners of a bucket": "/api/property/bucket/leads?bucketId={bucket}&q={}",
    "tag by the API": "/api/leads?tag={}",
    "all of the tags": "/api/leads?tagAll={}",
    "bucket by the API": "/api/property/bucket?name={}",
}
WHOLE = ("tag by the API", "all of the tags", "bucket by the API")


def rows_found(user: User, client: Client, world: World, of: str, term: str) -> int:
    url = LISTS[of].format(quote_plus(term), bucket=world.bucket.pk)
    if url.startswith("/admin/"):
        return len(client.get(url).context["cl"].result_list)
    (rows,) = (rows for rows in body_of(Api(user).get(url)).values() if isinstance(rows, list))
    return len(rows)


@pytest.mark.parametrize("who", mostly_long(MASKED))
def test_a_hidden_phone_is_not_found_digit_by_digit(world: World, who: str) -> None:
    role, is_masked = MASKED[who]
    cleo, dora = member(world.bucket.team, role, "cleo"), member(world.bucket.team, "manager", "dora")
    Membership.objects.filter(user=cleo[0]).update(is_masked=is_masked)
    Bucket.objects.filter(pk=world.bucket.pk).update(name=f"Ask {PHONE}")
    Tag.objects.filter(pk=world.tag.pk).update(name=PHONE)
    Lead.objects.filter(pk=world.lead.pk).update(
        property_address="415 Main St", property_zip="85004", apn="26-71", owner_name=f"Reid {PHONE}",
        second_owner_name=None, other_facts=None, property_city=None, property_county=None, mailing_address=None,
        mailing_city=None,
    )  # fmt: skip
    world.lead.tags.set([world.tag])
    for of in LISTS:
        hidden = {"bucket by the API": f"Ask {PHONE}"}.get(of, PHONE) if of in WHOLE else "415-555"
        assert rows_found(*dora, world, of, hidden) > 0, of
        assert rows_found(*cleo, world, of, hidden) == 0, of
    for of in ("leads' owners", "owners by the API"):  # nor an e-mail, letter by letter
        assert rows_found(*dora, world, of, "zoe") > 0, of
        assert rows_found(*cleo, world, of, "zoe") == 0, of
    for of in ("bucket names", "tags", "imports' files"):  # what is shown of it is found
        assert rows_found(*cleo, world, of, "2671") > 0, of
    for term in ("415 Main", "85004", "26-71", "2671 reid"):  # and so is what is behind no dots
        assert rows_found(*cleo, world, "leads' owners", term) == 1, term
