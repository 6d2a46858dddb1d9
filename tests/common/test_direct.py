"""Rows read and written past what Django does anew for each request are the rows that Django reads and writes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from django.db import (
    DataError,
    IntegrityError,
    NotSupportedError,
    OperationalError,
    connection,
    connections,
    transaction,
)
from django.db.models import F, Model, QuerySet
from psycopg_pool import ConnectionPool

from accounts.models import AuditEvent
from buckets.models import Bucket
from common.db.direct import Asked, insert, kept, named, rows, save, several, statement, together, whole, with_commit
from common.db.postgres import base
from leads.models import Lead
from tests.leads.samples import make_leads
from tests.support import apart as beside


@pytest.fixture
def leads(db: None) -> list[Lead]:
    return make_leads(4)[1]


SHAPES = {
    "plain": lambda leads: leads,
    "in an order, a slice of them": lambda leads: leads.order_by("-owner_name", "pk")[1:3],
    "without those of a subquery": lambda leads: leads.exclude(bucket__in=Bucket.objects.filter(name="no")),
    "with a related row": lambda leads: leads.select_related("bucket"),
    "with what is asked beside": lambda leads: leads.prefetch_related("tags"),
    "with a value of a statement": lambda leads: leads.annotate(named=F("bucket__name")),
    "without some columns": lambda leads: leads.defer("data"),
    "with some columns": lambda leads: leads.only("status"),
    "each once": lambda leads: leads.distinct(),
}


def _told(row: Model) -> dict[str, Any]:
    return {name: value for name, value in vars(row).items() if not name.startswith("_")}


@pytest.mark.parametrize("shape", SHAPES)
def test_whole_rows_are_those_that_a_queryset_gives(leads: list[Lead], shape: str) -> None:
    Lead.objects.filter(pk=leads[0].pk).update(
        custom={"askingPrice": 12.5, "note": "é"},
        data={"Column": "x"},
        latitude="47.600001",
        last_sale_date="2001-02-03",
    )
    asked: QuerySet[Lead] = SHAPES[shape](Lead.objects.order_by("pk"))

    found, expected = whole(asked), list(asked)

    assert expected and [_told(one) for one in found] == [_told(one) for one in expected]
    assert {(one._state.db, one._state.adding) for one in found} == {("default", False)}
    assert [one.bucket for one in found] == [one.bucket for one in expected]


def test_a_querysets_statement_is_asked_for_other_values(leads: list[Lead]) -> None:
    bucket = leads[0].bucket
    asked = statement(Bucket.objects.filter(pk=named("bucket"), team_id=named("team")))

    assert rows(asked, {"bucket": bucket.pk, "team": bucket.team_id}, Bucket) == [(bucket,)]
    for other in ({"team": bucket.team_id, "bucket": uuid4()}, {"team": None, "bucket": bucket.pk}):
        assert rows(asked, other, Bucket) == []
    with pytest.raises(AssertionError, match="not `named`"):
        statement(Bucket.objects.filter(name="Many"))


@pytest.mark.django_db
def test_several_statements_are_one_message(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        assert several("SELECT %(a)s", "SELECT 2 WHERE false", "SELECT 3, 4", a="one") == [[("one",)], [], [(3, 4)]]


def _kept_plans(sql: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE statement = %s", [sql])
        (plans,) = cursor.fetchone()
    return int(plans)


@pytest.fixture
def words() -> Iterator[str]:
    """A table of ours, with a word in it."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE kept_words (word varchar(10)); INSERT INTO kept_words VALUES ('one')")
    yield "SELECT word FROM kept_words WHERE word = %(word)s"
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE kept_words")


def _widen_apart() -> None:
    def widen() -> None:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE kept_words ALTER word TYPE varchar(20)")

    beside(widen)


@pytest.mark.django_db(transaction=True)
def test_a_kept_statement_outlives_a_migration_that_changes_a_column(words: str) -> None:
    assert kept(words, {"word": "one"}) == [("one",)]
    _widen_apart()
    assert kept(words, {"word": "one"}) == [("one",)]


@pytest.mark.django_db(transaction=True)
def test_a_transaction_with_a_plan_older_than_a_migration_can_be_repeated(words: str) -> None:
    assert kept(words, {"word": "one"}) == [("one",)]
    _widen_apart()
    with pytest.raises(OperationalError, match="older than a migration"), transaction.atomic():
        kept(words, {"word": "one"})
    with transaction.atomic():
        assert kept(words, {"word": "one"}) == [("one",)]


@pytest.mark.django_db(transaction=True)
def test_the_first_of_statements_together_waits_for_the_last_to_be_put_together() -> None:
    def slowly(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        time.sleep(1 if "AS last" in sql else 0)
        return execute(sql, params, many, context)

    with transaction.atomic(), connection.execute_wrapper(slowly):
        kept("SELECT 1", {})
        first, last = together(("SELECT clock_timestamp()", {}), ("SELECT clock_timestamp() AS last", {}))
    assert last[0][0] - first[0][0] < timedelta(seconds=1)


@pytest.mark.django_db(transaction=True)
def test_statements_together_with_a_plan_older_than_a_migration_can_be_repeated(words: str) -> None:
    both: list[Asked] = [("SELECT 1", {}), (words, {"word": "one"})]
    assert together(*both) == [[(1,)], [("one",)]]
    _widen_apart()
    with pytest.raises(OperationalError, match="older than a migration"), transaction.atomic():
        together(*both)
    with transaction.atomic():
        assert together(*both) == [[(1,)], [("one",)]]


@pytest.mark.django_db(transaction=True)
def test_what_postgresql_lacks_is_no_migration(words: str) -> None:
    lacking = "SELECT word FROM kept_words WHERE word = %(word)s GROUP BY word FOR UPDATE"
    with pytest.raises(NotSupportedError):
        kept(lacking, {"word": "one"})
    with pytest.raises(NotSupportedError):
        together(("SELECT 1", {}), (lacking, {"word": "one"}))


@pytest.mark.django_db(transaction=True)
def test_statements_together_see_what_those_before_did_and_are_lost_together(words: str) -> None:
    add = "INSERT INTO kept_words VALUES (%(word)s) RETURNING word"
    assert together((add, {"word": "two"}), (words, {"word": "two"})) == [[("two",)], [("two",)]]

    with pytest.raises(DataError), transaction.atomic():
        together((add, {"word": "three"}), ("SELECT 1 / %(by)s", {"by": 0}), (add, {"word": "four"}))

    assert [kept(words, {"word": word}) for word in ("two", "three", "four")] == [[("two",)], [], []]


@pytest.mark.django_db
def test_a_kept_statement_is_planned_once_and_outlives_a_transaction_that_failed(
    django_assert_num_queries: Any,
) -> None:
    for value in ("one", "two"):
        with django_assert_num_queries(1) as asked:
            assert kept("SELECT upper(%(text)s), 1 -- kept", {"text": value}) == [(value.upper(), 1)]
        assert f"upper('{value}')" in asked.captured_queries[0]["sql"]
    assert _kept_plans("SELECT upper($1), 1 -- kept") == 1

    with pytest.raises(DataError), transaction.atomic():
        kept("SELECT 1 / %(by)s", {"by": 0})

    assert kept("SELECT upper(%(text)s), 1 -- kept", {"text": "three"}) == [("THREE", 1)]


@pytest.mark.django_db
def test_a_queryset_is_not_planned_for_all_values() -> None:
    """Leads of a bucket by index or by the whole table: which is right depends on the bucket."""
    asked = Lead.objects.filter(bucket=uuid4()).order_by("pk")

    assert whole(asked) == []
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%leads_lead\"%'")
        assert cursor.fetchone() == (0,)


@pytest.mark.django_db
def test_an_inserted_row_is_as_saved() -> None:
    event = AuditEvent(
        at=datetime(2026, 12, 1, tzinfo=UTC), action="run.started", address="203.0.113.7", after={"n": 1}
    )

    insert(event)

    assert _told(AuditEvent.objects.get(pk=event.pk)) == _told(event)
    assert (event._state.db, event._state.adding) == ("default", False)


@pytest.mark.django_db
def test_a_row_is_saved_whole_or_by_some_fields(leads: list[Lead]) -> None:
    lead = Lead.objects.get(pk=leads[0].pk)
    lead.owner_name, lead.property_city = "Ann Vargas", "Fresno"

    save(lead, "owner_name")
    found = Lead.objects.get(pk=lead.pk)
    assert (found.owner_name, found.property_city) == ("Ann Vargas", leads[0].property_city)

    save(lead)
    assert _told(Lead.objects.get(pk=lead.pk)) == _told(lead)
    assert Lead.objects.filter(property_city="Fresno").count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    "text",
    ["2026-12-01 14:30:05.25+00", "2026-12-01 14:30:05+00", "0001-01-01 00:00:00+00", "9999-12-31 23:59:59.999999+00"],
)
def test_a_moment_is_read_in_utc(text: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::timestamptz", [text])
        (read,) = cursor.fetchone()
    assert (read, read.tzinfo) == (datetime.fromisoformat(text), UTC)


@pytest.mark.django_db
@pytest.mark.parametrize("text", ["infinity", "0044-03-15 12:00:00 BC"])
def test_a_moment_beyond_the_calendar_is_refused(text: str) -> None:
    with connection.cursor() as cursor, pytest.raises(Exception, match="timestamp"):
        cursor.execute("SELECT %s::timestamptz", [text])
        cursor.fetchone()


@pytest.fixture
def apart(db: None, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A connection of its own with the pool that production has, in which no other test has left any."""
    fresh: Any = connections.create_connection("default")
    monkeypatch.setattr(type(fresh), "_connection_pools", {})
    fresh.pool.open(wait=True, timeout=10)  # with its one connection: who asks before that has it make another
    yield fresh
    fresh.close()
    fresh.close_pool()


def _pid(fresh: Any) -> int:
    with fresh.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        pid: int = cursor.fetchone()[0]
    fresh.close()  # as a request does at its end
    return pid


def test_a_connection_that_answered_lately_is_not_asked_again(apart: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    monkeypatch.setattr(ConnectionPool, "check_connection", staticmethod(asked.append))

    assert _pid(apart) == _pid(apart) == _pid(apart)
    assert len(asked) <= 1

    monkeypatch.setattr(base, "ANSWERED_LATELY", 0.0)
    before = len(asked)
    _pid(apart)
    assert len(asked) == before + 1


def test_a_connection_that_postgresql_ended_a_moment_ago_is_replaced(apart: Any) -> None:
    ended = _pid(apart)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [ended])

    assert _pid(apart) != ended


def _saying(word: str) -> Asked:
    return "INSERT INTO kept_words VALUES (%(word)s) RETURNING word", {"word": word}


def _said() -> list[str]:
    return [word for (word,) in kept("SELECT word FROM kept_words ORDER BY word", {})]


@pytest.mark.django_db(transaction=True)
def test_what_goes_with_the_commit_holds_nothing_before_and_is_one_message_with_it(
    words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[Any] = []
    change: Asked = ("UPDATE kept_words SET word = word || '!' RETURNING word", {})

    def others(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        """Between the change and COMMIT others are not kept waiting."""
        found = execute(sql, params, many, context)
        if sql == change[0]:
            assert beside(lambda: kept("UPDATE kept_words SET word = 'other' RETURNING word", {})) == [("other",)]
        return found

    with connection.execute_wrapper(others), transaction.atomic():
        kept("SELECT 1", {})
        with_commit(change, _saying("two"), hear=heard.append)
        with_commit(_saying("three"))
        assert (heard, beside(_said)) == ([], ["one"])
        monkeypatch.delattr(psycopg.Connection, "commit")  # which would be a message of its own
    monkeypatch.undo()
    assert heard == [[[("other!",)], [("two",)]]]
    assert beside(_said) == ["other!", "three", "two"]


@pytest.mark.django_db(transaction=True)
def test_what_goes_with_the_commit_is_found_by_whatever_is_asked_next(words: str) -> None:
    ways: list[Callable[[], object]] = [
        _said,
        lambda: together((words, {"word": "two"})),
        lambda: list(AuditEvent.objects.all().iterator()),
        transaction.savepoint,
    ]
    for ask in ways:
        heard: list[Any] = []
        with transaction.atomic():
            with_commit(_saying("two"), hear=heard.append)
            ask()
            assert heard == [[[("two",)]]]
            assert kept(words, {"word": "two"}) == [("two",)]
            transaction.set_rollback(True)
    with_commit(_saying("now"))  # outside a transaction
    assert _said() == ["now", "one"]


@pytest.mark.django_db(transaction=True)
def test_a_transaction_whose_last_statement_fails_keeps_nothing_and_runs_nothing_after_it(words: str) -> None:
    after: list[str] = []
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE kept_words ADD UNIQUE (word)")
    with pytest.raises(IntegrityError), transaction.atomic():
        kept(*_saying("two"))
        transaction.on_commit(lambda: after.append("ran"))
        with_commit(_saying("three"), _saying("one"), hear=lambda _: after.append("heard"))
    assert (_said(), after) == (["one"], [])
    with transaction.atomic():
        with_commit(_saying("two"))
    assert _said() == ["one", "two"]


@pytest.mark.django_db(transaction=True)
def test_what_a_constraint_refuses_at_the_commit_is_refused(words: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE kept_words ADD UNIQUE (word) DEFERRABLE INITIALLY DEFERRED")
    with pytest.raises(IntegrityError), transaction.atomic():
        with_commit(_saying("two"), _saying("one"))
    assert _said() == ["one"]


@pytest.mark.django_db(transaction=True)
def test_what_goes_with_the_commit_goes_with_what_is_rolled_back(words: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE kept_words ADD UNIQUE (word)")
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        with_commit(_saying("lost"))
        raise ZeroDivisionError
    with transaction.atomic():
        with_commit(_saying("before"))
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            with_commit(_saying("one"))  # would fail
            raise ZeroDivisionError
        with_commit(_saying("last"))
    with transaction.atomic():
        with_commit(_saying("of a connection that is closed"))
        connection.close()
    assert _said() == ["before", "last", "one"]


@pytest.mark.django_db(transaction=True)
def test_a_commit_with_a_plan_older_than_a_migration_can_be_repeated(words: str) -> None:
    def commit() -> None:
        with transaction.atomic():
            kept("SELECT 1", {})
            with_commit((words, {"word": "one"}), hear=lambda found: heard.append(found[0]))

    heard: list[Any] = []
    commit()
    _widen_apart()
    with pytest.raises(OperationalError, match="older than a migration"):
        commit()
    commit()
    assert heard == [[("one",)], [("one",)]]
