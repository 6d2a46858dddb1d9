"""All leads of a bucket as CSV.

Measured: from the request to the last byte of `GET /api/property/bucket/{id}/export` over loopback, read and thrown
away. The baseline is psycopg's COPY … TO STDOUT of the same columns of the same rows in the same order, without what
makes cells harmless to spreadsheets and times readable; the second reference is COPY of the product's own statement.
"""

from __future__ import annotations

from typing import Any

from benchmarks.harness import Contestant, Report, by_rate, race
from benchmarks.place import Place

COPY = "raw COPY TO STDOUT"


def measure(place: Place, *, rounds: int) -> Report:
    from django.db.models import F

    from leads.models import Lead
    from leads.selection.export_columns import COLUMNS, NAMES, columns_of

    database, client = place.connect(), place.client()
    leads = Lead.objects.filter(bucket=place.bucket).order_by("pk")
    names = [_column(column.value) for column in COLUMNS]
    plain = _literal(leads.values_list(*(F(name) for name in names)))
    harmless = _literal(leads.values_list(*(column.cell for column in columns_of(leads, NAMES))))

    def copied(statement: str) -> int:
        rows = 0
        with database.cursor() as cursor, cursor.copy(f"COPY ({statement}) TO STDOUT WITH (FORMAT csv)") as out:
            for piece in out:
                rows += bytes(piece).count(b"\n")
        return rows

    def exported(_: None) -> int:
        lines, _size = client.stream(f"/api/property/bucket/{place.bucket.pk}/export")
        return lines - 1  # the header

    contestants = [
        Contestant(COPY, lambda _: copied(plain)),
        Contestant("COPY of the product's statement", lambda _: copied(harmless)),
        Contestant("GET …/export", exported),
    ]
    results = by_rate(race(contestants, rounds=rounds, rows=place.leads), rows=place.leads, baseline=COPY)
    database.close()
    return {
        "benchmark": "export",
        "what": f"{place.leads:,} leads, {len(COLUMNS)} columns, a third of them bought",
        "baseline": COPY,
        "results": results,
    }


def _column(expression: Any) -> str:
    """The lead's column that a cell is made of."""
    from django.db.models import Case

    if isinstance(expression, Case):  # where another column's value is from
        return "fact_sources"
    while not hasattr(expression, "name"):
        (expression, *_) = expression.get_source_expressions()
    return str(expression.name)


def _literal(query: Any) -> str:
    """The statement with its values in it: COPY takes no parameters."""
    from django.db import connection

    sql, params = query.query.sql_with_params()
    with connection.cursor() as cursor:
        return str(cursor.mogrify(sql, params))
