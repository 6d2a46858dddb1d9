"""Locks are taken by named functions, in one order, which docs/locks.md tells as it is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from buckets.locks import lock_bucket
from common.db.locks import ORDER, UNDER
from enrichment.locks import lock_run, lock_runs
from enrichment.models import Run
from enrichment.options import RunOptions
from enrichment.services import cancel_run, enrich_leads, resume_run
from enrichment.worker.lead_deletion import delete_lead
from leads.locks import hold_bucket, lock_leads
from leads.services import change_status
from tests.leads.samples import make_leads
from tests.lock_record import ADVISORY, LOCKS, Record, locks_of
from tests.support import finish, make_bucket, make_user, start

ROOT = Path(__file__).resolve().parent.parent
ROOMS = (
    "accounts",
    "buckets",
    "campaigns",
    "common",
    "config",
    "devtools",
    "enrichment",
    "integrations",
    "leads",
    "operations",
)
LOCKING = re.compile(
    r"select_for_update|\bFOR (?:NO KEY UPDATE|UPDATE|KEY SHARE|SHARE)\b|pg_(?:try_)?advisory|LOCK TABLE"
)
# What locks outside `locks.py`, and why.
CLAIMS = {"enrichment/worker/queue.py": "`claim` takes the next items of a locked run, SKIP LOCKED: it never waits"}
committed = pytest.mark.django_db(transaction=True)


def locking_lines() -> list[str]:
    files = [file for room in ROOMS for file in sorted((ROOT / room).rglob("*.py"))]
    lines = [
        f"{file.relative_to(ROOT)}:{number}"
        for file in files
        if file.name not in ("locks.py", "user_triggers.py")  # the second: what a trigger does before it inserts a name
        and "migrations" not in file.parts
        for number, line in enumerate(file.read_text().splitlines(), start=1)
        if LOCKING.search(line)
    ]
    return [line for line in lines if line.split(":")[0] not in CLAIMS]


def test_rows_are_locked_by_the_functions_of_locks_py_alone() -> None:
    assert locking_lines() == []
    for file in CLAIMS:
        lines = [line for line in (ROOT / file).read_text().splitlines() if LOCKING.search(line)]
        assert [("SKIP LOCKED" in line) for line in lines] == [True]


def test_the_page_lists_the_locks_in_their_order() -> None:
    page = (ROOT / "docs/locks.md").read_text()
    assert tuple(re.findall(r"^\d+\. \*\*(.+?)\*\*", page, re.MULTILINE)) == ORDER
    assert dict(re.findall(r"^- \*\*(.+?)\*\*, under its (\w+)", page, re.MULTILINE)) == UNDER
    assert {*LOCKS.values(), *ADVISORY.values(), "kept buckets"} == {*ORDER, *UNDER}
    for name in set(re.findall(r"`(\w+)\(\)`", page)):
        assert any(
            f"def {name}(" in (ROOT / room / "locks.py").read_text()
            for room in ("accounts", "buckets", "campaigns", "enrichment", "integrations", "leads", "operations")
        ), name


@pytest.mark.parametrize(
    ("sql", "params", "found"),
    [
        ("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", ["x"], [("bucket hold", "x", True)]),
        ("SELECT pg_advisory_xact_lock(hashtextextended(%s, 1))", ["x"], [("campaign hold", "x", True)]),
        ("SELECT pg_advisory_xact_lock(hashtextextended(%s, 3))", ["x"], [("host", "x", True)]),
        ("SELECT pg_advisory_xact_lock_shared(hashtextextended(%(run)s::text, 5))", {"run": "x"}, [("run", "x", True)]),
        ('SELECT 1 FROM "enrichment_run" WHERE 1=1 LIMIT 1 FOR NO KEY UPDATE', (), [("run row", "", True)]),
        ('SELECT 1 FROM "enrichment_run" r JOIN "enrichment_runitem" i FOR UPDATE OF "enrichment_run"', (),
         [("run row", "", True)]),
        ('SELECT 1 FROM "integrations_operation" INNER JOIN "integrations_vendor" ON 1=1 FOR NO KEY UPDATE', (),
         [("operation", "", True), ("vendor", "", True)]),
        ("SELECT id FROM enrichment_runitem LIMIT 1 FOR UPDATE SKIP LOCKED", (), [("items", "", False)]),
        ("SELECT id FROM buckets_bucket ORDER BY id FOR KEY SHARE", (), [("kept buckets", "", True)]),
        ("WITH held AS (SELECT l.id FROM leads_lead l ORDER BY l.id FOR NO KEY UPDATE OF l) UPDATE leads_lead l SET x",
         (), [("leads", "", True), ("leads", "", True)]),
        ("INSERT INTO integrations_lookup AS l (k) SELECT 1 ON CONFLICT (k) DO UPDATE SET state = 'x'", (),
         [("look-ups", "", True)]),
        ('INSERT INTO "leads_lead" (id) VALUES (1)', (), []),
        ('DELETE FROM "leads_lead" WHERE 1=1', (), [("leads", "", True)]),
        ('SELECT "leads_lead"."id" FROM "leads_lead"', (), []),
    ],
)  # fmt: skip
def test_the_record_reads_what_a_statement_locks(sql: str, params: Any, found: list[Any]) -> None:
    assert list(locks_of(sql, params)) == found


@committed
def test_a_purchase_takes_its_locks_in_order(sandbox: Any, lock_record: Record) -> None:
    run = start(make_bucket(sandbox, make_user(), 3))
    del lock_record.taken[:]
    finish(run)
    claim = ["run", "items", "look-ups", "operation", "vendor", "budgets"]
    settle = ["run", "call", "look-ups"]
    assert claim in [taken[: len(claim)] for taken in lock_record.taken]
    settlements = [taken for taken in lock_record.taken if taken[: len(settle)] == settle]
    assert len(settlements) == 2
    for taken in settlements:  # what all workers of a run, a user and a vendor want comes last
        assert taken[-3:] == ["run row", "bucket", "budgets"]


@committed
def test_what_people_do_to_runs_leads_and_buckets_takes_locks_in_order(lock_record: Record) -> None:
    bucket, leads = make_leads(3)
    other, _ = make_leads(2, by=bucket.owner, first=50, name="Other")
    both = [leads[0].pk, other.leads.earliest("pk").pk]
    enrich_leads(by=bucket.owner, options=RunOptions(lead_ids=both))
    starting = next(taken for taken in reversed(lock_record.taken) if taken.count("bucket hold") == 2)
    assert starting == ["bucket hold", "bucket hold", "run", "run row", "bucket"]

    del lock_record.taken[:]
    run = start(bucket)
    Run.objects.filter(pk=run.pk).update(status="paused", paused_by="vendor")
    run.refresh_from_db()
    boss = make_user("boss", is_superuser=True)
    resume_run(run=run, by=boss)
    change_status(lead=leads[1], by=boss, status="contacted")
    delete_lead(lead=leads[2])
    cancel_run(run=run)
    assert ["run", "run row", "operation", "vendor"] in [taken[:4] for taken in lock_record.taken]
    assert ["leads", "bucket"] in lock_record.taken
    assert ["bucket hold", "run", "run row", "leads", "items", "bucket"] in lock_record.taken


@committed
def test_going_back_in_the_order_is_found(lock_record: Record) -> None:
    bucket, (lead, _) = make_leads(2)
    run = start(bucket)
    with transaction.atomic():
        lock_bucket(bucket.pk)
        list(lock_leads([lead.pk]))
    with transaction.atomic():
        lock_run(run.pk)
        hold_bucket(bucket.pk)
    with transaction.atomic():
        list(lock_leads([lead.pk]))
        run.items.update(attempts=1)
    with transaction.atomic():
        list(lock_runs(Run.objects.filter(items__lead=lead)))
        list(lock_leads([lead.pk]))
        run.items.update(attempts=1)
        lock_bucket(bucket.pk)
    assert [words.split(":")[0] for words in lock_record.wrong] == [
        "leads after bucket",
        "bucket hold after run",
        "items without its run, after leads",
    ]
    lock_record.wrong.clear()
