"""`manage.py up` where a vendor's key is set: that vendor is asked, DATABASE_URL is used, and nobody is made up."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from devtools.servers import make_database
from devtools.valkey import free_port
from sandbox.server import Sandbox, SandboxConfig
from tests.devtools.copies import bare, copy_of_the_tree, manage, up
from tests.support import PRICES, requests_of

NO_APOLLO = "Apollo is not available: no key (APOLLO_API_KEY is not set)"


@pytest.fixture
def vendor() -> Iterator[Sandbox]:
    """Somebody else's RealEstateAPI: it is not this stack's sandbox."""
    with Sandbox(SandboxConfig(generate=2000, prices=PRICES)) as server:
        yield server


@pytest.fixture
def database() -> Iterator[str]:
    """An empty database that DATABASE_URL names."""
    name = f"real_{os.getpid()}"
    make_database(os.environ["DATABASE_URL"], name)
    yield urlunsplit(urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}"))
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def users(database: str) -> list[str]:
    with psycopg.connect(database) as connection:
        return [row[0] for row in connection.execute("SELECT username FROM accounts_user ORDER BY 1").fetchall()]


@pytest.mark.long
@pytest.mark.slow
def test_a_stack_with_a_key_asks_that_vendor_and_commands_follow_it(
    tmp_path: Path, vendor: Sandbox, database: str
) -> None:
    tree = copy_of_the_tree(tmp_path / "tree")
    base, port = f"{vendor.base_url}/realestateapi", free_port()
    lines = (
        f"REALESTATEAPI_BASE_URL={base}",
        "REALESTATEAPI_KEY=sandbox-realestateapi-key",
        f"DATABASE_URL={database}",
    )
    (tree / ".env").write_text("\n".join(lines) + "\n")
    environment = bare(PORT=str(port))
    with up(tree, environment) as said:
        assert said[0] == (
            f"Real vendors: RealEstateAPI at {base}. What is bought costs money. Not available: "
            "SignalHouse (no key: SIGNALHOUSE_API_KEY), Apollo (no key: APOLLO_API_KEY), "
            "Twilio (no key: TWILIO_AUTH_TOKEN), SignalHouse messaging (no key: SIGNALHOUSE_MESSAGING_KEY)."
        )
        told = json.loads((tree / ".local" / "stack.json").read_text())
        which = f"process {told['pid']}, http://127.0.0.1:{port}, real vendors"

        for command in (("up",), ("up", "--sandbox"), ("demo", "--exit")):
            second = manage(tree, *command, environment=bare(PORT=str(free_port())))
            assert (second.returncode, second.stdout) == (1, "")
            assert second.stderr == (
                f"{command[0]}: a stack of this checkout is running already ({which}): "
                "stop it first, with Ctrl-C where it runs\n"
            )

        made = manage(tree, "create_api_token", "ann", environment=environment)
        assert made.stderr.splitlines()[0] == f"Real data, of the stack that is running ({which})."
        assert users(database) == ["ann"]
        found = manage(
            tree, "create_bucket", "Mine", "--user", "ann", "--where", "state=WA", "--wait", "--json",
            environment=environment,
        )  # fmt: skip
        bucket = json.loads(found.stdout)["bucket"]
        assert bucket["totalLeads"] > 0
        assert set(requests_of(vendor)) == {"property_search"}

        priced = manage(tree, "enrich_apollo", bucket["id"], "--quote-only", "--json", environment=environment)
        assert json.loads(priced.stdout)["quote"]["limits"] == [NO_APOLLO]
        listed = json.loads(manage(tree, "vendors", "--json", environment=environment).stdout)["vendors"]
        assert {row["name"]: row["trouble"] for row in listed} == {
            "apollo": f"{NO_APOLLO}.",
            "mail": "",  # they lie in files
            "realestateapi": "",
            "signalhouse": "SignalHouse is not available: no key (SIGNALHOUSE_API_KEY is not set).",
            "signalhouse_messaging": (
                "SignalHouse messaging is not available: no key (SIGNALHOUSE_MESSAGING_KEY is not set)."
            ),
            "twilio": "Twilio is not available: no key (TWILIO_AUTH_TOKEN is not set).",
        }
    assert not (tree / ".local" / "stack.json").exists()
    assert not (tree / ".local" / "postgres").exists(), "DATABASE_URL is used: no server of the checkout is started"
    assert not (tree / ".local" / "log" / "sandbox.log").exists()
