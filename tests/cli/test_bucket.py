"""The main job from a shell: searched, saved, priced, bought within a limit, exported; what is refused, in words."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess
import threading
import time
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.core.cache import cache
from django.db import connections
from django.utils import timezone

from accounts.access import Scope, access_of
from accounts.api.permissions import scope_needed
from accounts.services import create_api_token
from buckets.models import Bucket, Fill
from buckets.services import create_bucket
from cli.buckets import may_cost
from cli.client import PAGE
from common.api.throttles import UserThrottle
from enrichment.models import Run
from leads.fields.definitions import make_field
from leads.keys.opaque import owner_keys_of
from leads.models import ContactKey, Lead, LeadKey
from leads.services import edit_lead
from tests.api.test_tenancy import ADDRESSES, methods
from tests.cli.conftest import Shell
from tests.leads.samples import make_leads
from tests.support import billed, pump_until_still, until_told


def work() -> None:
    """A worker, from the moment that there is a run."""
    while not Run.objects.exists():
        time.sleep(0.2)
    pump_until_still()
    connections.close_all()


@pytest.mark.slow
def test_the_main_job_by_pipes(shell: Shell, sandbox: Any, tmp_path: Path) -> None:
    counted = shell("bucket search state=WA --count")
    found = shell("bucket search state=WA")
    ids = found.out.split()[:4]
    saved = shell('bucket save "From a shell"', stdin="\n".join(ids))
    made = json.loads(saved.out)

    assert (counted.status, found.status, saved.status) == (0, 0, 0)
    assert int(counted.out) > 4
    zips = shell("bucket search state=WA zip=98101 zip=98103 beds_min=2 --count")  # texts, and a number
    assert (zips.status, zips.err) == (0, "")
    assert made["inserted"] == 4
    assert json.loads(shell('bucket quote "From a shell"').out)["toBuy"] == 4
    unasked = shell('bucket enrich "From a shell"')
    assert (unasked.status, Run.objects.count()) == (4, 0)
    assert re.search(r"To buy: 4 of 4 leads, for \$\d\.\d\d at most\. Nothing was bought", unasked.err)

    worker = threading.Thread(target=work, daemon=True)
    worker.start()
    bought = shell('bucket enrich "From a shell" --max-cost 5 --wait --key once')
    worker.join()
    again = shell('bucket enrich "From a shell" --max-cost 5 --wait --key once')

    assert (bought.status, json.loads(bought.out)["status"]) == (0, "completed")
    assert json.loads(again.out)["id"] == json.loads(bought.out)["id"]
    assert Decimal(str(json.loads(bought.out)["spent"])) == billed(sandbox) > 0
    told = shell('bucket -o ids leads --bucket "From a shell" --all').out
    assert told.split() == [str(pk) for pk in Lead.objects.order_by("pk").values_list("pk", flat=True)]
    assert json.loads(shell("bucket tag hot", stdin=told).out) == {"changed": 4}
    assert json.loads(shell("bucket tag hot", stdin=told).out) == {"changed": 0}
    assert json.loads(shell(f"bucket status contacted {told.split()[0]}").out) == {"changed": 1}
    assert shell("bucket leads --filter tag=hot --total").out == "4\n"
    table = shell('bucket -o table leads --bucket "From a shell" --fields id,status --limit 2')
    assert (table.out.split()[:2], table.err) == (["Id", "Status"], "2 shown\n")
    assert shell('bucket export "From a shell" --to all.csv').status == 0
    assert len(list(csv.reader(io.StringIO((tmp_path / "all.csv").read_text())))) == 5
    until_told()
    first = shell("bucket changes --state place --fields id")
    assert (first.status, first.out) == (0, "")  # from now on
    shell(f"bucket status lost {told.split()[1]}")
    until_told()
    assert json.loads(shell("bucket changes --state place --fields id").out) == {"lead": {"id": told.split()[1]}}
    assert shell("bucket runs").out.count("\n") == 1


@pytest.mark.long
def test_what_is_refused_is_said_in_the_apis_words_with_a_status_of_its_own(
    shell: Shell, ann: Any, tmp_path: Path
) -> None:
    (tmp_path / "picture").write_bytes(b"\xff\xfe")
    for line, status, words in (
        ("bucket leads --filter hasPhone=perhaps", 1, "hasPhone:"),
        ("bucket leads --fields nonsense", 1, "fields: There is no 'nonsense' here."),
        ("bucket quote Nowhere", 1, "No bucket is called 'Nowhere': give its id."),
        ("bucket lead 0190f2c8-1d2e-7a3b-9c4d-5e6f70819203", 1, "There is no such lead."),
        ("bucket leads --filter hasPhone", 2, "'hasPhone': name=value is needed."),
        ("bucket leads --limit none", 2, "'none' is not a valid integer"),
        ("bucket leads --filter q=Lopez --all", 2, "--filter q: this is no filter. Give it as -q."),
        ("bucket leads --bucket Mine --filter bucketId=1", 2, "Give it as --bucket."),
        ("bucket export Mine --filter columns=id", 2, "Give it as --columns."),
        ("bucket -o ids leads --fields ownerName", 2, "name id in --fields"),
        ("bucket changes --state picture", 2, "this file keeps no place"),
        ("bucket campaign launch 0190f2c8-1d2e-7a3b-9c4d-5e6f70819203", 4, "say --yes"),
        ("bucket api POST /api/property/bucket/process --data {}", 4, "This may cost money"),
        ("bucket api POST /api/tags --data {", 2, "--data is not JSON"),
    ):
        ran = shell(line)
        assert (ran.status, ran.out) == (status, ""), (line, ran)
        assert words in ran.err, (line, ran.err)
    for stdin in ("{bad", '{"x": 1}', "[1]\ud83d".encode("utf-8", "surrogatepass").decode("latin-1"), "no id"):
        assert shell("bucket tag hot", stdin=stdin).status in (1, 2), stdin
    for path in ("@buckets.example/x", ".buckets.example/x", "api/usage"):  # the token would leave to another host
        ran = shell(f"bucket api GET {path}")
        assert (ran.status, "a path such as /api/usage is needed" in ran.err) == (2, True), ran
    for line in ("bucket lead ../usage", "bucket owner 'a b'", "bucket owner ü", "bucket leads --sort nothing"):
        ran = shell(line)
        assert (ran.status, ran.err.startswith("bucket: ")) == (1, True), (line, ran)
    for name in ("http://[::1", "http://127.0.0.1:99999", "http://a@127.0.0.1", "http://127.0.0.1/a b"):
        assert shell("bucket leads", BUCKET_URL=name).status == 2, name
    assert shell("bucket changes --state nowhere/x").status == 2
    create_bucket(by=ann, name="Mine", property_ids=["1"])
    assert shell("bucket export Mine --filter nonsense=1 --to some.csv").status == 1
    assert list(tmp_path.glob("some.csv*")) == []
    away = shell("bucket leads", BUCKET_URL="http://127.0.0.1:9")
    assert (away.status, "cannot be reached" in away.err) == (3, True)
    assert shell("bucket leads", BUCKET_TOKEN="").status == 2
    clear = shell("bucket leads", BUCKET_URL="http://buckets.example")
    assert (clear.status, "does not leave this machine in clear" in clear.err) == (2, True)
    wrong = shell("bucket leads", BUCKET_TOKEN="0" * 64)
    assert (wrong.status, "This token is wrong" in wrong.err) == (1, True)


@pytest.mark.long
def test_every_command_has_an_example_and_shells_complete(shell: Shell) -> None:
    from cli.main import SHELLS, bucket

    commands = {f"bucket {name}": one for name, one in bucket.commands.items()}
    for group in ("campaign", "report"):
        inner: Any = commands.pop(f"bucket {group}")
        commands |= {f"bucket {group} {name}": one for name, one in inner.commands.items()}
    for name, command in commands.items():
        assert f"{name} " in (command.help or "") or f"| {name}" in (command.help or ""), name
    for kind in SHELLS:
        said = shell(f"bucket completion {kind}").out
        assert "_BUCKET_COMPLETE" in said
        if shutil.which(kind):
            assert subprocess.run([kind, "-n"], input=said, text=True, check=False).returncode == 0, kind
        if kind == "zsh":
            assert "autoload -Uz compinit" in said
    offered = shell("bucket", _BUCKET_COMPLETE="bash_complete", COMP_WORDS="bucket cam", COMP_CWORD="1")
    assert offered.out.strip() == "plain,campaign"


@pytest.mark.parametrize(
    ("path", "body", "costs"),
    [
        ("/api/property/bucket/process", {}, True),
        ("/api/property/search", {"mode": "full"}, True),
        ("/api/property/search", {"mode": "ids"}, False),
        ("/api/campaigns/1/launch", {}, True),
        ("/api/runs/1/resume?x=1", {}, True),
        ("/api/apollo/enrich", {}, True),
        ("/api/conversations/1/messages", {"text": "x"}, True),
        ("/api/calls", {}, True),
        ("/api/property/bucket/proces%73", {}, True),
        ("/api/property/bucket/1/import/2/start", None, False),
        ("/api/tags", {"name": "hot"}, False),
    ],
)
def test_what_may_cost_money_is_known_by_its_address(path: str, body: Any, costs: bool) -> None:
    assert may_cost("POST", path, body) is costs


def test_every_address_that_needs_the_scope_to_buy_may_cost_money() -> None:
    asks = {
        (re.sub(r"<\w+:\w+>", "x", path), method)
        for path, view in ADDRESSES.values()
        for method in methods(view)
        if path.startswith("/api/") and scope_needed(view.view_class, method) == Scope.BUY
    }
    free = {path for path, method in asks if not may_cost(method, path, {}) and method != "DELETE"}

    assert len(asks) > 8
    assert free == {"/api/runs/x/cancel", "/api/runs/x/pause", "/api/leads/bulk/x/quote"}


@pytest.mark.long
def test_a_closed_pipe_is_no_failure_in_any_form(shell: Shell, ann: Any) -> None:
    create_bucket(by=ann, name="Many", property_ids=[str(number) for number in range(1, 3_001)])
    until_told()
    for line in (
        "leads --all --fields id",
        "-o table leads --limit 3000",
        "-o json leads --limit 3000",
        "export Many",
        f"changes --since {timezone.now() - timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}",
    ):
        ran = shell(f"bucket {line}", head=1)
        assert (ran.status, ran.err, ran.out.count("\n")) == (0, "", 1), (line, ran)


@pytest.mark.long
def test_too_many_requests_are_asked_again_when_the_api_says_so(
    shell: Shell, ann: Any, live_server: Any, monkeypatch: Any
) -> None:
    seconds = 8  # the program asks twice within them, on a slow machine too
    cache.clear()
    monkeypatch.setattr(UserThrottle, "parse_rate", lambda *_: (1, seconds))
    create_bucket(by=ann, name="Mine", property_ids=["1"])
    allowed: list[bool] = []
    allow = UserThrottle.allow_request

    def counted(throttle: Any, request: Any, view: Any) -> bool:
        allowed.append(allow(throttle, request, view))
        return allowed[-1]

    monkeypatch.setattr(UserThrottle, "allow_request", counted)
    ran = shell("bucket leads --bucket Mine --fields propertyId")
    assert (ran.status, json.loads(ran.out)) == (0, {"propertyId": "1"}), ran
    assert allowed.count(False) >= 1

    token = create_api_token(username="ann")[1]
    said = [
        httpx.get(f"{live_server.url}/api/tags", headers={"Authorization": f"Token {token}"}, timeout=60)
        for _ in range(2)
    ]
    limited = said[-1]
    assert (limited.status_code, limited.json()["error"]["code"]) == (429, "TOO_MANY_REQUESTS")
    assert 1 <= int(limited.headers["Retry-After"]) <= seconds
    assert limited.headers["RateLimit-Remaining"] == "0"
    time.sleep(int(limited.headers["Retry-After"]))
    again = httpx.get(f"{live_server.url}/api/tags", headers={"Authorization": f"Token {token}"}, timeout=60)
    assert again.status_code == 200


@pytest.mark.long
def test_a_search_that_cannot_be_is_no_bucket(shell: Shell, sandbox: Any) -> None:
    for said in ("nonsense=1", "beds_min=some", "state=ZZZ"):
        ran = shell(f"bucket save Mine --search state=WA --search {said}")
        assert (ran.status, ran.out) == (1, ""), ran
    assert not Bucket.objects.exists()


@pytest.mark.long
def test_a_search_is_saved_to_its_end_or_told_to_have_failed(shell: Shell, sandbox: Any) -> None:
    def fill(status: str) -> None:
        while not Fill.objects.filter(status="queued").exists():
            time.sleep(0.1)
        error = "" if status == "completed" else "No"
        Fill.objects.filter(status="queued").update(status=status, fetched=7, saved=7, error=error)
        connections.close_all()

    for status, name in (("completed", "A"), ("failed", "B")):
        worker = threading.Thread(target=fill, args=[status], daemon=True)
        worker.start()
        ran = shell(f"bucket save {name} --search state=WA")
        worker.join()
        if status == "completed":
            assert (ran.status, json.loads(ran.out)["inserted"]) == (0, 7), ran
        else:
            assert (ran.status, ran.err) == (1, "bucket: The search has saved 7 ids, then: No\n")
    assert json.loads(shell("bucket save C --search state=WA --no-wait").out)["inserted"] == 0


@pytest.mark.long
def test_an_owner_is_told_with_every_lead_and_ids_go_on_to_the_next_command(shell: Shell, ann: Any) -> None:
    _, leads = make_leads(PAGE + 1, by=ann)
    said = {"owner_name": "Jo Quill", "mailing_address": "1 Elm St", "mailing_zip": "98101"}
    edit_lead(lead=leads[0], by=ann, changes=said)
    own = LeadKey.objects.get(lead=leads[0], key__kind=ContactKey.Kind.OWNER)
    LeadKey.objects.bulk_create(LeadKey(lead=lead, key_id=own.key_id, role=own.role, position=0) for lead in leads[1:])
    key = owner_keys_of([(leads[0].pk, leads[0].team_id)])[leads[0].pk]

    told = json.loads(shell(f"bucket owner {key}").out)
    ids = shell(f"bucket -o ids owner {key}").out

    assert (told["owner"]["counts"]["leads"], told["count"], told["nextCursor"]) == (PAGE + 1, PAGE + 1, None)
    assert {row["id"] for row in told["leads"]} == set(ids.split()) == {str(lead.pk) for lead in leads}
    assert json.loads(shell("bucket tag portfolio", stdin=ids).out) == {"changed": PAGE + 1}


@pytest.mark.long
def test_a_custom_field_is_set_to_a_negative_number_too_and_emptied(shell: Shell, ann: Any) -> None:
    make_field(access_of(ann), {"name": "Cash flow", "kind": "number"})
    lead = make_leads(1, by=ann)[1][0]
    for value, kept in (("-250", {"cashFlow": -250}), ("''", None)):
        assert json.loads(shell(f"bucket field cashFlow {value} {lead.pk}").out) == {"changed": 1}
        assert Lead.objects.get().custom == kept
    assert shell(f"bucket field cashFlow --off {lead.pk}").status == 1
