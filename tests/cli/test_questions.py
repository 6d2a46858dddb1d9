"""docs/questions.md: each question is answered by the API and by `bucket` as it stands there, and both say the same."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from enrichment.models import Run
from leads.admin.filters import FILTERS
from leads.keys.opaque import owner_keys_of
from leads.models import Lead
from leads.selection.presets import PRESETS
from leads.services import add_activity, edit_lead
from tests.api.client import Api, body_of
from tests.cli.conftest import Shell
from tests.support import make_bucket, start, until_told

DOCUMENT = Path(__file__).parents[2] / "docs" / "questions.md"
ASKED = re.compile(r"## (\d+)\. .+?```http\nGET (.+?)\n```\n```sh\n(.+?)\n```", re.DOTALL)


@pytest.fixture
def world(ann: Any, sandbox: Any) -> dict[str, Any]:
    """Two buckets with two properties in common, an owner with two, a callback, a job that stands still."""
    first = make_bucket(sandbox, ann, 6, name="Absentees")
    make_bucket(sandbox, ann, 4, start=4, name="Tired")
    rows = list(Lead.objects.filter(bucket=first).order_by("pk"))
    for number, lead in enumerate(rows[:4]):
        owned = {"owner_name": "Jo Quill", "mailing_address": "1 Elm St", "mailing_zip": "98101"} if number < 2 else {}
        edit_lead(lead=lead, by=ann, changes={"phone": f"+1206555010{number}", "phone_type": "mobile"} | owned)
        Lead.objects.filter(pk=lead.pk).update(
            absentee_owner=number != 3, equity_percent=40 + 10 * number, estimated_equity=100_000 * (number + 1),
            estimated_value=300_000, phone_do_not_call=False,
        )  # fmt: skip
    add_activity(lead=rows[1], by=ann, kind="callback", due_at=timezone.now() + timedelta(days=1))
    Run.objects.filter(pk=start(first, limit=1).pk).update(
        status="paused", paused_by="cap", reason="its spending limit is reached"
    )
    monday = (datetime.now(UTC) - timedelta(days=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
    owner = owner_keys_of([(rows[0].pk, rows[0].team_id)])[rows[0].pk]
    return {"bucket": str(first.pk), "owner": owner, "monday": monday, "leads": [str(lead.pk) for lead in rows]}


def test_the_document_names_filters_and_views_as_the_list_of_leads_does() -> None:
    lines = "\n".join(re.findall(r"^\*Page\*: (.+)$", DOCUMENT.read_text(), re.MULTILINE))
    filters, views = re.findall(r"\*([^*]+)\*: ", lines), re.findall(r"view \*([^*]+)\*", lines)
    assert (len(filters), {*filters} - {one.title for one in FILTERS}) == (9, set())
    assert (len(views), {*views} - {one.words for one in PRESETS.values()}) == (2, set())


@pytest.mark.long
@pytest.mark.slow
def test_ten_questions_are_answered_alike_by_the_api_and_from_a_shell(
    shell: Shell, ann: Any, world: dict[str, Any]
) -> None:
    api, leads = Api(ann), world["leads"]
    until_told()
    told: dict[int, Any] = {}
    said: dict[int, Any] = {}
    for number, address, line in ASKED.findall(DOCUMENT.read_text()):
        named = {name: world[name] for name in ("bucket", "owner", "monday")}
        told[int(number)] = body_of(api.get(address.format(**named)))
        ran = shell(line.format(**named))
        assert (ran.status, ran.err) == (0, ""), (number, ran)
        said[int(number)] = ran.out
    assert sorted(told) == list(range(1, 11))

    def rows(number: int) -> list[Any]:
        return [json.loads(text) for text in said[number].splitlines()]

    assert rows(1) == told[1]["leads"]
    assert [row["id"] for row in told[1]["leads"]] == [leads[2], leads[1]]  # 60 %, 50 %; the third owner lives there
    assert [row["lead"] for row in rows(2)] == told[2]["leads"]
    assert {row["id"] for row in told[2]["leads"]} == {str(pk) for pk in Lead.objects.values_list("pk", flat=True)}
    assert rows(3) == told[3]["lists"]
    assert {row["name"]: row["reachableOwners"] for row in told[3]["lists"]} == {
        "Absentees": 4 - 1
    }  # nothing was spent on Tired, and it has no phone
    assert rows(4) == told[4]["leads"]
    assert sorted(row["bucket"]["name"] for row in told[4]["leads"]) == ["Absentees"] * 2 + ["Tired"] * 2
    (owner,) = rows(5)
    assert owner["owner"] == told[5]["owner"]
    assert {row["id"] for row in told[5]["leads"]} == set(leads[:2])
    assert rows(6)[0]["callbacks"] == told[6]["callbacks"]
    assert [row["leadId"] for row in told[6]["callbacks"]] == [leads[1]]
    assert said[7].split()[0] == str(told[7]["total"])
    assert rows(8) == told[8]["leads"]
    assert {row["id"] for row in told[8]["leads"]} == {leads[0], leads[2], leads[3]}
    assert rows(9)[0]["usage"] == told[9]["usage"]
    assert [row["id"] for row in rows(10)] == [row["id"] for row in told[10]["runs"]]
    assert [(row["bucketName"], row["pausedBy"], row["reason"]) for row in told[10]["runs"]] == [
        ("Absentees", "cap", "its spending limit is reached")
    ]
    assert "its spending limit is reached" in shell("bucket -o table runs --status paused").out
