"""A client generated from the description does the main job: what is described is what is there, for its types too."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from accounts.services import create_api_token
from tests.support import billed, make_user, until_told, worker_of

BIN = Path(sys.executable).parent


@pytest.fixture
def client_package(live_server, tmp_path, monkeypatch) -> Iterator[str]:
    """The name of a package that was generated from what the live server says of itself."""
    make_user("ann", monthly_budget=50)
    token = create_api_token(username="ann")[1]
    import httpx  # comes with the generator: what it generates asks with it

    described = httpx.get(  # the schema is made anew: longer than httpx's 5 s where other tests share the cores
        f"{live_server.url}/api/schema?format=json", headers={"Authorization": f"Token {token}"}, timeout=60.0
    )
    (tmp_path / "schema.json").write_bytes(described.content)
    # the generator knows no sound by name: bytes to it
    sounds = "audio/mpeg: application/octet-stream, audio/wav: application/octet-stream"
    (tmp_path / "config.yml").write_text(f"content_type_overrides: {{{sounds}}}")
    made = subprocess.run(
        [
            sys.executable,
            "-m",
            "openapi_python_client",
            "generate",
            "--path",
            "schema.json",
            "--config",
            "config.yml",
            "--meta",
            "none",
            "--output-path",
            "bucket_client",
            "--fail-on-warning",
        ],
        cwd=tmp_path,
        env={**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=480,  # a minute and a half on two cores of its own
        check=False,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    monkeypatch.syspath_prepend(tmp_path)
    yield "bucket_client"
    for name in [name for name in sys.modules if name.partition(".")[0] == "bucket_client"]:
        del sys.modules[name]


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_generated_client_does_the_main_job(live_server, sandbox, client_package):
    def module(name: str) -> ModuleType:
        return importlib.import_module(f"{client_package}.{name}")

    models, folder = module("models"), Path(str(module("api").__file__)).parent
    token = create_api_token(username="ann")[1]
    client = module("client").AuthenticatedClient(
        base_url=live_server.url, token=token, prefix="Token", timeout=120.0, raise_on_unexpected_status=True
    )

    def asked(operation: str) -> ModuleType:
        (group,) = [found.parent.name for found in folder.glob(f"*/{operation}.py")]
        return module(f"api.{group}.{operation}")

    def call(operation: str, *args: Any, **given: Any) -> Any:
        answer = asked(operation).sync_detailed(*args, client=client, **given)
        assert answer.status_code < 400, (operation, answer.content)
        return answer.parsed

    def search(mode: str, **filters: Any) -> Any:
        return call("search_properties", body=models.SearchInputRequest.from_dict({"mode": mode, **filters}))

    counted = search("count", search={"state": "WA"})
    ids = search("ids", state="WA").ids[:4]
    assert counted.count > 4
    assert len(ids) == 4

    wish = models.BucketInputRequest.from_dict({"name": "Made by a client", "propertyIds": ids})
    made, again = (call("create_bucket", body=wish, idempotency_key="once") for _ in range(2))
    bucket_id = made.bucket.id
    assert (made.stats.inserted, again.bucket.id) == (4, bucket_id)

    quote = call("quote", bucket_id).quote
    assert (quote.leads, quote.to_buy) == (4, 4)
    wish = models.ProcessInputRequest.from_dict({"bucketId": str(bucket_id), "maxCost": "5.00"})
    with worker_of():
        done = call("process_bucket", body=wish, prefer="wait=30")
    assert (done.run.status.value, done.stats.processed) == ("completed", 4)
    assert float(done.run.spent) == float(billed(sandbox)) > 0
    assert call("get_run", done.run.id).run.counts.done == 4

    page = call("list_leads", bucket_id=bucket_id, limit=3)
    assert (page.count, page.total_matching) == (3, 4)
    assert {lead.property_state for lead in page.leads} == {"WA"}
    note = models.ActivityInputRequest.from_dict({"kind": "call", "text": "Left a message"})
    assert call("add_activity", page.leads[0].id, body=note).activity.text == "Left a message"
    assert call("get_usage").usage.leads_today == 4
    syncs(call, page.leads, models.PatchedLeadEditRequest.from_dict)
    exported = asked("export_leads").sync_detailed(bucket_id, client=client)
    assert exported.content.decode().count("\n") == 5
    call("delete_bucket", bucket_id)
    refused = asked("get_bucket").sync_detailed(bucket_id, client=client)
    assert (refused.status_code, refused.parsed.error.code) == (404, "NOT_FOUND")


def syncs(call: Any, leads: list[Any], edit: Any) -> None:
    """A copy is kept: what is asked for of each lead and no more, then what has changed."""
    cut = call("list_my_leads", fields="id,status,ownerKey", include="bucket,activities", total=True, limit=2)
    assert (cut.total, cut.total_is_exact, len(cut.leads)) == (4, True, 2)
    assert set(cut.leads[0].to_dict()) == {"id", "status", "ownerKey", "bucket", "activities"}
    assert cut.leads[0].bucket.name == "Made by a client"
    until_told()
    begun = call("list_lead_changes")
    assert (begun.leads, begun.gone, begun.has_more) == ([], [], False)
    call("edit_lead", leads[1].id, body=edit({"status": "lost"}))
    until_told()
    changed = call("list_lead_changes", cursor=begun.next_cursor, fields="id,status")
    assert [(lead.id, lead.status.value) for lead in changed.leads] == [(leads[1].id, "lost")]
    assert call("list_lead_changes", cursor=changed.next_cursor).leads == []
    key = next(lead.owner_key for lead in call("list_my_leads", limit=4).leads if lead.owner_key)
    assert call("get_owner", key).owner.owner_key == key
