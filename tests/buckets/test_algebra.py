import threading
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, transaction

from buckets.deleting.services import delete_bucket
from buckets.filling import fills
from buckets.filling.algebra import SetError, Sets
from buckets.filling.fills import combine, continue_fill, duplicate, open_fills, retry_fill
from buckets.models import Bucket, Fill
from buckets.services import add_ids, create_bucket, recount
from leads.facts.incoming import Incoming, insert_leads
from leads.locks import hold_bucket
from leads.models import Lead
from tests.leads.samples import together
from tests.support import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann() -> Any:
    return make_user("ann")


def bucket_of(by: Any, name: str, *ids: object) -> Bucket:
    bucket, _ = create_bucket(by=by, name=name, property_ids=[str(one) for one in ids])
    return bucket


def ids_of(bucket: Bucket) -> list[str]:
    return list(bucket.leads.order_by("pk").values_list("property_id", flat=True))


@pytest.fixture
def abc(ann: Any) -> tuple[Bucket, Bucket, Bucket]:
    return bucket_of(ann, "A", 5, 4, 3, 2, 1), bucket_of(ann, "B", 2, 3, 4, 6), bucket_of(ann, "C", 3, 7)


@pytest.mark.parametrize(
    ("all_of", "any_of", "none_of", "expected"),
    [
        ("A", "", "", ["5", "4", "3", "2", "1"]),
        ("AB", "", "", ["4", "3", "2"]),
        ("AB", "", "C", ["4", "2"]),
        ("A", "", "BC", ["5", "1"]),
        ("", "AB", "", ["5", "4", "3", "2", "1", "6"]),
        ("", "B", "", ["2", "3", "4", "6"]),
        ("", "ABC", "A", ["6", "7"]),
        ("A", "BC", "", ["4", "3", "2"]),
        ("AB", "C", "", ["3"]),
        ("ABC", "", "", ["3"]),
        ("AA", "", "", ["5", "4", "3", "2", "1"]),
    ],
)
def test_a_set_holds_what_its_words_say_in_the_order_it_was_saved(ann, abc, all_of, any_of, none_of, expected):
    by_name = {bucket.name: bucket.pk for bucket in abc}
    sets = Sets(*(tuple(by_name[name] for name in part) for part in (all_of, any_of, none_of)))

    made = combine(by=ann, name="New", sets=sets).bucket

    assert ids_of(made) == expected
    assert (made.owner, made.total_leads, made.enriched_leads, recount(bucket_ids=[made.pk])) == (
        ann,
        len(expected),
        0,
        {},
    )
    assert set(made.leads.values_list("owner", "enrichment_status", "status")) == {(ann.pk, "pending", "new")}
    assert sorted(Bucket.objects.exclude(pk=made.pk).values_list("name", "total_leads")) == [
        ("A", 5),
        ("B", 4),
        ("C", 2),
    ]


def test_the_new_bucket_says_what_it_was_made_of(ann, abc):
    a, b, c = (bucket.pk for bucket in abc)

    made = combine(by=ann, name="  New ", sets=Sets(all_of=(a, b), none_of=(c,))).bucket

    assert (made.name, made.description) == ("New", "On all of “A”, “B”; not on “C”.")


def test_ids_of_new_leads_come_after_all_that_were_there(ann, abc):
    made = combine(by=ann, name="New", sets=Sets(any_of=tuple(bucket.pk for bucket in abc))).bucket

    before = Lead.objects.exclude(bucket=made).order_by("-pk").values_list("pk", flat=True)[0]
    assert made.leads.filter(pk__gt=before).count() == made.total_leads == 7


def test_an_empty_combination_is_refused_and_makes_nothing(ann, abc):
    a, b, _ = (bucket.pk for bucket in abc)

    with pytest.raises(SetError, match="No property is in this combination") as refusal:
        combine(by=ann, name="New", sets=Sets(all_of=(a,), none_of=(a, b)))

    assert refusal.value.code == "EMPTY"
    assert (Bucket.objects.count(), Lead.objects.count()) == (3, 11)


@pytest.mark.parametrize("part", ["all_of", "any_of", "none_of"])
def test_somebody_elses_bucket_and_none_at_all_are_the_same_refusal(ann, abc, part):
    theirs = bucket_of(make_user("bob"), "Theirs", 1)
    for other in (theirs.pk, uuid4()):
        sets = {"all_of": (abc[0].pk,), part: (other,)}
        with pytest.raises(SetError, match="There is no such bucket") as refusal:
            combine(by=ann, name="New", sets=Sets(**sets))
        field = {"all_of": "allOf", "any_of": "anyOf", "none_of": "noneOf"}[part]
        assert (refusal.value.code, refusal.value.field) == ("NOT_FOUND", field)
    assert Bucket.objects.count() == 4


@pytest.mark.parametrize(
    ("name", "sets", "words", "field"),
    [
        ("", Sets(all_of=(uuid4(),)), "1 to 200 characters", "name"),
        ("x" * 201, Sets(all_of=(uuid4(),)), "1 to 200 characters", "name"),
        ("New", Sets(), "which buckets to take from", "allOf"),
        ("New", Sets(none_of=(uuid4(),)), "which buckets to take from", "allOf"),
        ("New", Sets(any_of=tuple(uuid4() for _ in range(21))), "At most 20 buckets", "allOf"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(ann, name, sets, words, field):
    with pytest.raises(SetError, match=words) as refusal:
        combine(by=ann, name=name, sets=sets)

    assert refusal.value.field == field
    assert not Bucket.objects.exists()


def test_a_duplicate_has_the_same_ids_and_notes_and_nothing_that_people_did(ann, abc):
    a = abc[0]
    Bucket.objects.filter(pk=a.pk).update(description="d", filters={"state": "WA"}, signals={"taxLien": 2})
    lead = a.leads.order_by("pk")[0]
    Lead.objects.filter(pk=lead.pk).update(
        status="contacted", phone="+12065550100", enrichment_status="completed", skip_traced_at="2026-01-01T00:00Z"
    )
    a.refresh_from_db()

    copy = duplicate(bucket=a).bucket

    assert (copy.name, copy.description, copy.filters, copy.signals, copy.owner, copy.total_leads) == (
        "Copy of A",
        "d",
        {"state": "WA"},
        {"taxLien": 2},
        ann,
        5,
    )
    assert ids_of(copy) == ids_of(a)
    assert set(copy.leads.values_list("enrichment_status", "status", "phone")) == {("pending", "new", None)}
    assert recount(bucket_ids=[copy.pk]) == {}


def test_an_empty_bucket_has_an_empty_duplicate(ann):
    assert duplicate(bucket=bucket_of(ann, "Nothing")).bucket.total_leads == 0


def test_what_a_persons_own_file_said_comes_along_and_what_was_bought_does_not(ann):
    a = bucket_of(ann, "A", 1)
    facts = {"property_address": "1 Main St", "property_state": "WA", "property_zip": "98101", "phone": "+12065550100"}
    with transaction.atomic():
        insert_leads(
            bucket_id=a.pk,
            owner_id=ann.pk,
            team_id=a.team_id,
            source="import",
            leads=[Incoming("address:1 MAIN ST|98101", facts)],
        )
    Lead.objects.filter(property_id="1").update(property_address="2 Elm St", enriched_at="2026-01-01T00:00Z")

    copy = duplicate(bucket=a, name="B").bucket

    found = copy.leads.order_by("pk").values_list("property_id", "source", "property_address", "property_zip", "phone")
    assert list(found) == [
        ("1", "real-estate", None, None, None),
        ("address:1 MAIN ST|98101", "import", "1 Main St", "98101", "+12065550100"),
    ]


def test_a_file_that_says_whose_the_contacts_are_and_who_sold_them_says_so_in_a_duplicate(ann):
    a = bucket_of(ann, "A")
    sold = {"source": "trace", "at": "2026-03-01T00:00:00+00:00", "person": "Jo Roe"}
    facts = {"phone": "+12065550100", "contact_name": "Jo Roe", "contact_is_other": True, "bought": {"phone": sold}}
    with transaction.atomic():
        insert_leads(bucket_id=a.pk, owner_id=ann.pk, team_id=a.team_id, source="import", leads=[Incoming("7", facts)])

    lead = duplicate(bucket=a, name="B").bucket.leads.get()

    assert (lead.phone, lead.contact_is_other, lead.fact_sources) == ("+12065550100", True, {"phone": sold})


def test_a_bucket_that_is_gone_has_no_duplicate(ann, abc):
    delete_bucket(bucket=abc[0])

    with pytest.raises(SetError, match="There is no such bucket"):
        duplicate(bucket=abc[0])


@pytest.mark.django_db(transaction=True)
def test_a_bucket_deleted_meanwhile_is_whole_or_gone_never_half(ann, abc):
    """A − C while C is being deleted: the deletion waits for us, or we find that C is gone."""
    a, _, c = abc
    outcome: list[str] = []

    def subtract() -> None:
        try:
            outcome.append(str(ids_of(combine(by=ann, name="New", sets=Sets(all_of=(a.pk,), none_of=(c.pk,))).bucket)))
        except SetError as refusal:
            outcome.append(refusal.code)
        finally:
            connection.close()

    thread = threading.Thread(target=subtract)
    with transaction.atomic():
        hold_bucket(c.pk)  # here the deletion's two transactions are one, which begins with the first of its locks
        delete_bucket(bucket=c)
        thread.start()
        thread.join(0.5)  # it waits for the row that this transaction has deleted
        assert outcome == []
    thread.join(60)

    assert outcome == ["NOT_FOUND"]
    assert sorted(Bucket.objects.values_list("name", flat=True)) == ["A", "B"]


# --- In pieces --------------------------------------------------------------------------------------------------------


@pytest.fixture
def two_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fills, "AT_ONCE", 2)


@pytest.mark.usefixtures("two_at_once")
@pytest.mark.parametrize(
    ("all_of", "any_of", "none_of", "first", "expected"),
    [
        ("A", "", "", ["5", "4"], ["5", "4", "3", "2", "1"]),
        ("AB", "", "C", ["4", "2"], ["4", "2"]),
        ("", "ABC", "", ["5", "4"], ["5", "4", "3", "2", "1", "6", "7"]),
        ("", "ABC", "A", ["6", "7"], ["6", "7"]),
    ],
)
def test_what_is_large_is_copied_by_a_worker_piece_by_piece(ann, abc, all_of, any_of, none_of, first, expected):
    by_name = {bucket.name: bucket.pk for bucket in abc}
    sets = Sets(*(tuple(by_name[name] for name in part) for part in (all_of, any_of, none_of)))

    fill = combine(by=ann, name="New", sets=sets)

    assert (ids_of(fill.bucket), fill.bucket.total_leads, fill.fetched) == (first, len(first), len(first))
    while continue_fill(fill.pk):
        pass
    fill.refresh_from_db()
    assert ids_of(fill.bucket) == expected
    assert (fill.status, fill.found, fill.fetched, fill.saved, fill.lease_until) == (
        "completed",
        *[len(expected)] * 3,
        None,
    )
    assert (recount(mend=False), open_fills()) == ({}, [])


@pytest.mark.usefixtures("two_at_once")
def test_what_was_put_into_the_copy_meanwhile_is_there_once(ann, abc):
    fill = duplicate(bucket=abc[0])
    assert open_fills() == [fill.pk]
    add_ids(bucket=fill.bucket, property_ids=["1"])

    while continue_fill(fill.pk):
        pass

    fill.refresh_from_db()
    assert sorted(ids_of(fill.bucket)) == ["1", "2", "3", "4", "5"]
    assert (fill.fetched, fill.saved, recount(bucket_ids=[fill.bucket_id], mend=False)) == (5, 4, {})


@pytest.mark.usefixtures("two_at_once")
def test_where_a_bucket_is_deleted_on_the_way_the_copy_stops_and_says_so(ann, abc):
    """Without C, the rest of A − C would hold what C kept out."""
    a, _, c = abc
    fill = combine(by=ann, name="New", sets=Sets(all_of=(a.pk,), none_of=(c.pk,)))
    delete_bucket(bucket=c)

    for _ in range(2):
        assert continue_fill(fill.pk) is False
        fill.refresh_from_db()
        assert (fill.status, fill.error) == (
            "failed",
            "A bucket of the combination was deleted meanwhile; combine anew.",
        )
        assert ids_of(fill.bucket) == ["5", "4"]
        retry_fill(fill=fill)


def test_one_press_makes_one_bucket_and_another_press_another(ann, abc):
    press, sets = uuid4(), Sets(all_of=(abc[0].pk,))

    made = {combine(by=ann, name="New", sets=sets, press=press).bucket_id for _ in range(3)}
    copies = {duplicate(bucket=abc[0], press=press).bucket_id for _ in range(3)}

    assert (len(made), len(copies), made & copies) == (1, 1, set())
    assert combine(by=ann, name="Other", sets=sets, press=press).bucket_id not in made
    assert combine(by=ann, name="New", sets=sets, press=uuid4()).bucket_id not in made
    assert combine(by=ann, name="New", sets=sets).bucket_id != combine(by=ann, name="New", sets=sets).bucket_id


@pytest.mark.django_db(transaction=True)
def test_one_press_that_comes_four_times_at_once_makes_one_bucket(ann, abc):
    press = uuid4()

    made = together(*[lambda: duplicate(bucket=abc[0], press=press).bucket_id] * 4)

    assert len(set(made)) == 1
    assert (Bucket.objects.count(), Fill.objects.count(), recount(mend=False)) == (4, 1, {})
