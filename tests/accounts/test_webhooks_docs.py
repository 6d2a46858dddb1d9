"""What docs/webhooks.md says a receiver can do, done; and the events it lists are those there are."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from accounts.models import WebhookDelivery, WebhookEndpoint
from accounts.webhooks import delivering
from accounts.webhooks.registries import TEST, events
from accounts.webhooks.secrets import encrypted, new_secret
from common.db.clock import database_now
from common.db.ids import uuid7

PAGE = (Path(__file__).parents[2] / "docs/webhooks.md").read_text()


def block(language: str) -> str:
    found = re.search(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


@pytest.fixture
def sent(db: None) -> tuple[list[str], dict[str, str], str]:
    """Two secrets that sign, the headers and the body."""
    secrets, now = [new_secret(), new_secret()], database_now()
    endpoint = WebhookEndpoint(
        secret=encrypted(secrets[0]), old_secret=encrypted(secrets[1]), old_secret_until=now.replace(year=2999)
    )
    delivery = WebhookDelivery(
        id=uuid7(), event="run.completed", object_id="1", sequence=1, data={"runId": "ü"}, created_at=now
    )
    body = delivering.body_of(delivery)
    return secrets, delivering.signed(endpoint, delivery, body, now), body


def test_the_python_snippet_verifies(sent):
    secrets, headers, body = sent
    names: dict[str, Any] = {}
    exec(block("python"), names)
    is_ours = names["is_ours"]
    assert [is_ours(secret, headers, body.encode()) for secret in (*secrets, new_secret())] == [True, True, False]
    assert not is_ours(secrets[0], headers, body.encode() + b" ")
    assert not is_ours(secrets[0], headers | {"webhook-timestamp": "1"}, body.encode())


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_the_shell_snippet_gives_the_signature(sent, tmp_path):
    secrets, headers, body = sent
    (tmp_path / "body.json").write_text(body)
    values = {"SECRET": secrets[0], "ID": headers["webhook-id"], "TIMESTAMP": headers["webhook-timestamp"]}
    ran = subprocess.run(
        ["sh", "-c", block("sh")],
        env={"PATH": "/usr/bin:/bin", **values},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.strip() == headers["webhook-signature"].split(" ")[0]


def test_the_page_lists_the_events_there_are():
    assert set(re.findall(r"^\| `([\w.]+)` \|", PAGE, re.MULTILINE)) == {*events(), TEST}
