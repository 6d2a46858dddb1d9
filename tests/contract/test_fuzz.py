"""The whole API, held to its own description by requests made up from it: `schemathesis`, over a socket."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from accounts.services import create_api_token
from common.api.throttles import UserThrottle
from tests.api.test_tenancy import World
from tests.support import finish, make_bucket, make_user, start

ROOT = Path(__file__).parents[2]
# Of each operation. After work on serializers or parsing: FUZZ_EXAMPLES=100 make test ARGS=tests/contract/test_fuzz.py
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES") or 5)
# One worker: with two, ast.parse of Python 3.11 may fail in a thread ("recursion depth mismatch").
CHECKS = [
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance",
    "response_schema_conformance", "unsupported_method", "allow_header_conformance",
]  # fmt: skip
# signing out ends the token that all requests come with, and a stream of events holds its answer for a minute
LEFT_OUT = ["signIn", "signOut", "revokeAllTokens", "watchRun"]


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_no_made_up_request_is_a_fault_of_ours_and_every_answer_is_as_described(
    live_server, sandbox, monkeypatch, tmp_path
):
    monkeypatch.setattr(UserThrottle, "allow_request", lambda *_: True)
    ann = make_user("ann", monthly_budget=50)
    bucket = make_bucket(sandbox, ann, 4)
    finish(start(bucket))
    world = World(ann)
    world.ids |= {"bucket_id": bucket.pk, "lead_id": bucket.leads.order_by("pk")[0].pk}
    ids = {name: str(value) for name, value in world.ids.items()}
    token = create_api_token(username="ann")[1]

    schema = tmp_path / "schema.json"  # schemathesis itself would wait ten seconds for it, a busy machine takes more
    answer = Client().get("/api/schema?format=json", headers={"Authorization": f"Token {token}"})
    assert answer.status_code == 200
    schema.write_bytes(answer.content)

    command = [
        sys.executable, "-m", "schemathesis.cli", "run", str(schema), "--url", live_server.url,
        "--header", f"Authorization: Token {token}", "--checks", ",".join(CHECKS), "--phases", "fuzzing",
        "--max-examples", str(EXAMPLES), "--workers", "1", "--no-shrink", "--generation-deterministic",
        "--suppress-health-check", "all", "--continue-on-failure",
        "--request-timeout", "30", "--warnings", "off", "--no-color",
    ]  # fmt: skip
    for name in LEFT_OUT:
        command += ["--exclude-operation-id", name]
    told = run(command, ids, tmp_path, seconds=120 + 60 * EXAMPLES)

    assert told.returncode == 0, told.stdout[-20_000:] + told.stderr[-2000:]


def run(command: list[str], ids: dict[str, str], place: Path, *, seconds: int) -> Any:
    """It is taken for stuck after so many seconds."""
    environment = {**os.environ, "SCHEMATHESIS_HOOKS": "tests.contract.hooks", "FUZZ_IDS": json.dumps(ids)}
    environment["PYTHONPATH"] = str(ROOT)
    return subprocess.run(
        command, env=environment, cwd=place, capture_output=True, text=True, timeout=seconds, check=False
    )
