"""The locks of this room: docs/locks.md has the order. Each must be inside a transaction, which holds it to its end."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet

from common.db.direct import Asked, columns, kept, made, rows, together, with_commit
from integrations.models import Budget, NameRefresh, Operation, PhoneReveal, Vendor, VendorCall

# At the end of a query over `integrations_propertyname k` inside a statement that then changes these names.
NAMES_IN_ORDER = "ORDER BY k.name FOR NO KEY UPDATE OF k"

_WITH_VENDOR = (
    f"{columns(Operation, 'o')}, {columns(Vendor, 'v')}"
    " FROM integrations_operation o JOIN integrations_vendor v ON v.name = o.vendor_id"
)
_BUDGET = columns(Budget, "b")
FREE_IN_FLIGHT = 2  # free questions of one person
PAUSE = 0.05  # seconds between two looks


@contextmanager
def hold_free_call(user_id: int, *, patience: float) -> Iterator[bool]:
    """One of a person's places for a free question; False: all are taken, also after that many seconds.

    A lock of the connection, not of a transaction, outside the order: it is taken with no other lock held, and
    PostgreSQL frees it when the process dies.
    """
    names = [f"free call {user_id} {place}" for place in range(FREE_IN_FLIGHT)]
    deadline = time.monotonic() + patience
    while (held := next((name for name in names if _ask("pg_try_advisory_lock", name)), None)) is None:
        if time.monotonic() > deadline:
            break
        time.sleep(PAUSE)
    try:
        yield held is not None
    finally:
        if held and connection.connection is not None and not connection.needs_rollback:
            _ask("pg_advisory_unlock", held)


def _ask(function: str, name: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(hashtextextended(%s, 0))", [name])  # ours alone
        return bool(cursor.fetchone()[0])


def try_place(vendor_name: str, free: int) -> bool:
    """One of so many free places in flight at a vendor, until the transaction's end; False: others have them all.
    Outside the order, because it waits for none: whoever has no place would choose its inputs in vain.
    """
    found = kept(
        """
        SELECT place FROM generate_series(1, %(free)s) AS place
         WHERE pg_try_advisory_xact_lock(hashtextextended('in flight ' || %(vendor)s || ' ' || place, 0)) LIMIT 1
        """,
        {"vendor": vendor_name, "free": free},
    )
    return bool(found)


def lock_operation(operation_id: int) -> Operation:
    """The operation's row, which is its limiter.

    "No key": a look-up that a settlement adds refers to the operation, and that transaction holds a run already.
    """
    return Operation.objects.select_for_update(no_key=True).get(pk=operation_id)


def lock_operation_and_vendor(operation_id: int, *then: Asked) -> tuple[Operation, list[list[tuple[Any, ...]]]]:
    """The operation's row, then its vendor's; and what each of `then` finds with these locked."""
    lock = f"SELECT {_WITH_VENDOR} WHERE o.id = %(id)s FOR NO KEY UPDATE"
    found, *more = together((lock, {"id": operation_id}), *then)
    for operation, vendor in made(found, Operation, Vendor):
        operation.vendor = vendor
        return operation, more
    raise Operation.DoesNotExist


def with_vendor(rest: str, **params: object) -> Operation | None:
    """The operation that `rest` of a statement finds, with its vendor. Each request asks for it several times."""
    found: Operation | None = None
    for found, vendor in rows(f"SELECT {_WITH_VENDOR} {rest}", params, Operation, Vendor, keeps_plan=True):
        found.vendor = vendor
    return found


def lock_operations_of(vendor_name: str) -> list[Operation]:
    """All operations of a vendor, in the order of their ids."""
    return list(Operation.objects.select_for_update(no_key=True).filter(vendor=vendor_name).order_by("pk"))


def lock_vendor(vendor_name: str) -> Vendor:
    """The vendor's row: switch, pause."""
    return Vendor.objects.select_for_update(no_key=True).get(pk=vendor_name)


def lock_call(calls: QuerySet[VendorCall]) -> VendorCall | None:
    """The one call of this queryset; None: it is no longer in the state that was asked for."""
    return calls.select_for_update(of=("self",)).first()


def lock_own_call(call_id: UUID, state: VendorCall.State) -> VendorCall | None:
    """The call of the worker that carries it out, with its operation and vendor; None: it is not in this state."""
    found = rows(
        f"""
        SELECT {columns(VendorCall, "integrations_vendorcall")}, {_WITH_VENDOR}
          JOIN integrations_vendorcall ON operation_id = o.id
         WHERE integrations_vendorcall.id = %(id)s AND state = %(state)s FOR UPDATE OF integrations_vendorcall
        """,
        {"id": call_id, "state": state},
        VendorCall,
        Operation,
        Vendor,
        keeps_plan=True,
    )
    call: VendorCall | None = None
    for call, operation, vendor in found:
        call.operation, operation.vendor = operation, vendor
    return call


def lock_calls(calls: QuerySet[VendorCall]) -> list[VendorCall]:
    """These calls, in the order of their ids; those no longer in the state that was asked for are left out."""
    return list(calls.order_by("pk").select_for_update(of=("self",)))


def lock_call_of_push(call_id: UUID) -> bool:
    """The call that a push is about, against its settlement. False: there is none."""
    return VendorCall.objects.select_for_update(no_key=True).only("pk").filter(pk=call_id).first() is not None


def lock_reveal(call_id: UUID, **still: object) -> PhoneReveal | None:
    """The phones that are to come for a call, which is locked already."""
    return PhoneReveal.objects.select_for_update().filter(pk=call_id, **still).first()


def lock_budgets(scopes: Iterable[str]) -> None:
    """Budgets, in the order of their scopes; those there are not yet are not made."""
    kept(*locking_budgets(scopes))


def locking_budgets(scopes: Iterable[str]) -> Asked:
    """The statement of `lock_budgets`, for a message with more in it. `budgets_of` reads what it finds."""
    sql = f"SELECT {_BUDGET} FROM integrations_budget b WHERE scope = ANY(%(scopes)s) ORDER BY scope FOR UPDATE"  # noqa: S608
    return sql, {"scopes": list(scopes)}


def budgets_of(found: Sequence[tuple[Any, ...]]) -> dict[str, Budget]:
    """By scope."""
    return {row.scope: row for (row,) in made(found, Budget)}


def change_free_budgets(changes: Sequence[tuple[str, Decimal, Decimal]]) -> None:
    """Adds what is reserved and spent to those of these budgets that no other transaction has locked, and leaves a
    BudgetChange for the others, with the commit. Outside the order, because it waits for none.
    """
    scopes, reserved, spent = map(list, zip(*changes, strict=True))
    asked = """
        WITH c AS (
                 SELECT * FROM unnest(%(scopes)s::text[], %(reserved)s::numeric[], %(spent)s::numeric[])
                     AS c(scope, reserved, spent)),
             free AS (
                 SELECT scope FROM integrations_budget WHERE scope = ANY(%(scopes)s) FOR UPDATE SKIP LOCKED),
             changed AS (
                 UPDATE integrations_budget b SET reserved = b.reserved + c.reserved, spent = b.spent + c.spent
                   FROM c JOIN free USING (scope) WHERE b.scope = c.scope)
        INSERT INTO integrations_budgetchange (scope, reserved, spent)
        SELECT scope, reserved, spent FROM c WHERE scope NOT IN (SELECT scope FROM free) RETURNING 1
        """
    with_commit((asked, {"scopes": scopes, "reserved": reserved, "spent": spent}))


def lock_free_lookups(operation_id: int, keys: Iterable[str]) -> set[str]:
    """Locks those of these look-ups that no other transaction has; returns the keys of the others. Outside the order,
    because it waits for none: two settlements that would each own the other's answer too would wait in a circle.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH free AS (SELECT key FROM integrations_lookup WHERE operation_id = %(operation)s AND key = ANY(%(keys)s)
                             FOR UPDATE SKIP LOCKED)
            SELECT key FROM integrations_lookup
             WHERE operation_id = %(operation)s AND key = ANY(%(keys)s) AND key NOT IN (SELECT key FROM free)
            """,
            {"operation": operation_id, "keys": list(keys)},
        )
        return {key for (key,) in cursor.fetchall()}


def lock_name_refresh(of: str) -> NameRefresh:
    """How far these names have been made anew: one batch at a time, whoever makes it."""
    NameRefresh.objects.bulk_create([NameRefresh(of=of)], ignore_conflicts=True)
    return NameRefresh.objects.select_for_update().get(pk=of)
