"""Saving property ids: in order, once each, counted, all or nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from uuid import UUID

import pytest
from django.db import DataError, IntegrityError, transaction

from accounts.models import User
from buckets.models import Bucket
from common.db.ids import uuid7, uuid7s
from leads.models import Lead
from leads.services import insert_ids
from tests.leads.samples import counters

pytestmark = pytest.mark.django_db

ODD_IDS = [
    "\\N",
    "\\.",
    "a\tb",
    "a\nb",
    "a\\b",
    "a\rb",
    '"quoted"',
    "it's",
    "Ünïcødé-東京",
    "🏠",
    "e\u0301",
    "é",
    " ",
    "null",
    "0",
]


@pytest.fixture
def bucket() -> Bucket:
    return Bucket.objects.create(owner=User.objects.create_user("ann"), name="King County")


def insert(bucket: Bucket, ids: list[str], source: str = "real-estate") -> int:
    with transaction.atomic():
        return insert_ids(
            bucket_id=bucket.pk, owner_id=bucket.owner_id, team_id=bucket.team_id, property_ids=ids, source=source
        )


def saved(bucket: Bucket) -> list[str]:
    return list(Lead.objects.filter(bucket=bucket).order_by("pk").values_list("property_id", flat=True))


def test_the_order_given_is_the_order_of_the_leads(bucket: Bucket) -> None:
    ids = [str(n * 7919 % 5003) for n in range(5003)]
    assert insert(bucket, ids) == 5003
    assert saved(bucket) == ids
    assert insert(bucket, ["later", "last"]) == 2
    assert saved(bucket) == [*ids, "later", "last"]


def test_a_new_lead_is_an_id_and_nothing_else(bucket: Bucket) -> None:
    insert(bucket, ["42"], source="mixed")
    row = Lead.objects.values().get(bucket=bucket)
    known = {name: value for name, value in row.items() if value is not None}
    assert known.pop("created_at") == known.pop("updated_at")
    assert UUID(str(known.pop("id"))).version == 7
    assert known == {
        "bucket_id": bucket.pk,
        "owner_id": bucket.owner_id,
        "team_id": bucket.team_id,
        "source": "mixed",
        "status": "new",
        "property_id": "42",
        "enrichment_status": "pending",
        "activity_count": 0,
    }


def test_an_id_given_twice_is_saved_once_in_its_first_place(bucket: Bucket) -> None:
    assert insert(bucket, ["3", "1", "3", "2", "1", "3"]) == 3
    assert saved(bucket) == ["3", "1", "2"]
    assert counters(bucket) == (3, 0, 0, 0)


def test_the_same_ids_again_are_free_and_change_nothing(bucket: Bucket) -> None:
    insert(bucket, ["1", "2", "3"])
    before = list(Lead.objects.order_by("pk").values())
    assert insert(bucket, ["3", "2", "1"]) == 0
    assert list(Lead.objects.order_by("pk").values()) == before
    assert insert(bucket, ["2", "4"]) == 1
    assert counters(bucket) == (4, 0, 0, 0)


def test_the_same_id_in_another_bucket_is_another_lead(bucket: Bucket) -> None:
    other = Bucket.objects.create(owner=bucket.owner, name="Other")
    insert(bucket, ["1"])
    assert insert(other, ["1"]) == 1
    assert counters(other) == (1, 0, 0, 0)


def test_odd_ids_are_kept_to_the_letter(bucket: Bucket) -> None:
    ids = [*ODD_IDS, "x" * 64]
    assert insert(bucket, ids) == len(ids)
    assert saved(bucket) == ids


def test_no_ids_are_no_leads(bucket: Bucket) -> None:
    assert insert(bucket, []) == 0
    assert counters(bucket) == (0, 0, 0, 0)


def test_two_calls_in_one_transaction_do_not_disturb_each_other(bucket: Bucket) -> None:
    with transaction.atomic():
        assert insert(bucket, ["1", "2"]) == 2
        assert insert(bucket, ["2", "3"]) == 1
    assert saved(bucket) == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("bad", "error"), [("x" * 65, DataError), ("", IntegrityError), ("a\0b", Exception), ("\ud800", Exception)]
)
def test_one_bad_id_leaves_nothing_of_its_request(bucket: Bucket, bad: str, error: type[Exception]) -> None:
    insert(bucket, ["0"])
    with pytest.raises(error):
        insert(bucket, ["1", bad, "2"])
    assert saved(bucket) == ["0"]
    assert counters(bucket) == (1, 0, 0, 0)


def test_ids_that_stop_coming_halfway_leave_nothing(bucket: Bucket) -> None:
    def ids() -> Iterator[str]:
        yield from map(str, range(1000))
        raise ConnectionError("the vendor hung up")

    with pytest.raises(ConnectionError), transaction.atomic():
        insert_ids(
            bucket_id=bucket.pk,
            owner_id=bucket.owner_id,
            team_id=bucket.team_id,
            property_ids=ids(),
            source="real-estate",
        )
    assert saved(bucket) == []
    assert counters(bucket) == (0, 0, 0, 0)
    assert insert(bucket, ["1"]) == 1


@pytest.mark.long
def test_ids_are_made_in_order_and_never_ahead_of_the_clock() -> None:
    """Or what another process inserts after 100,000 ids would sort before them, and a resumed run would miss it."""
    ids = [uuid7() for _ in range(100_000)]
    assert ids == sorted(ids)
    assert len(set(ids)) == 100_000
    assert {(made.version, made.variant) for made in ids} == {(7, "specified in RFC 4122")}
    assert ids[-1].int >> 80 <= time.time_ns() // 1_000_000


def test_many_ids_at_once_lie_between_those_before_and_after() -> None:
    before = uuid7()
    many = [UUID(text) for text in uuid7s(10_000)]
    after = uuid7()
    assert [before, *many, after] == sorted({before, *many, after})
    assert {(made.version, made.variant) for made in many} == {(7, "specified in RFC 4122")}
    assert uuid7s(0) == []
