"""The local servers: theirs is the data after a crash, and nothing is left when whoever wanted them is gone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from devtools.process import LocalError, Lock
from devtools.servers import PROJECT, Servers, Share, remove_abandoned

SMALL = {"fsync": "off", "shared_buffers": "16MB", "max_connections": "20"}
CHILD = """
import sys, time
from pathlib import Path
from devtools.servers import Servers
with Servers(Path(sys.argv[1]), postgres_settings={"fsync": "off", "shared_buffers": "16MB"}) as servers:
    print(servers.database_url, flush=True)
    time.sleep(60)
"""


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    with Servers(tmp_path_factory.mktemp("servers"), postgres_settings=SMALL) as running:
        yield running


def rows(url: str) -> int:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (n int)")
        row = connection.execute("SELECT count(*) FROM kept").fetchone()
        connection.execute("INSERT INTO kept VALUES (1)")
        return int(row[0]) if row else 0


def until(true: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def refuses(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return True
    return False


def answers(url: str) -> bool:
    try:
        with redis.Redis.from_url(url) as client:
            return bool(client.ping())
    except redis.ConnectionError:
        return False


@pytest.mark.long
def test_committed_rows_outlive_a_stop_a_crash_and_a_kill_at_the_same_address(servers: Servers) -> None:
    url = servers.database_url
    assert rows(url) == 0
    servers.postgres.restart()
    assert rows(servers.database_url) == 1
    servers.postgres.restart(immediate=True)
    assert rows(servers.database_url) == 2
    servers.postgres.kill()
    assert refuses(url)
    servers.postgres.start()
    assert (servers.database_url, rows(url)) == (url, 3)


def test_valkey_forgets_and_keeps_its_address(servers: Servers) -> None:
    url = servers.redis_url
    with redis.Redis.from_url(url) as client:
        client.set("a", 1)
        servers.valkey.restart()
        assert (servers.redis_url, client.get("a")) == (url, None)
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}


def test_valkey_wants_its_password(servers: Servers) -> None:
    address = servers.redis_url.split("@")[1]
    with redis.Redis.from_url(f"redis://{address}") as client, pytest.raises(redis.AuthenticationError):
        client.ping()


def test_postgres_listens_on_no_port_and_its_socket_is_its_owners(servers: Servers) -> None:
    with psycopg.connect(servers.database_url) as connection:
        row = connection.execute(
            "SELECT current_setting('listen_addresses'), current_setting('unix_socket_directories')"
        ).fetchone()
    assert row is not None and row[0] == ""
    assert Path(row[1]).stat().st_mode & 0o077 == 0


def test_a_home_in_use_is_refused(servers: Servers) -> None:
    with pytest.raises(LocalError, match="belong to another process"):
        Servers(servers.home).start()


def test_a_pid_file_left_by_a_kill_is_no_obstacle_even_if_the_id_is_somebody_elses_now(servers: Servers) -> None:
    servers.postgres.stop()
    pid_file = servers.postgres.data / "postmaster.pid"
    pid_file.write_text(f"{os.getpid()}\n{servers.postgres.data}\n")
    servers.postgres.start()
    assert not refuses(servers.database_url)


def test_a_database_that_cannot_start_says_why(servers: Servers, tmp_path: Path) -> None:
    broken = Servers(tmp_path, postgres_settings={**SMALL, "shared_buffers": "none"})
    with pytest.raises(LocalError, match=r"PostgreSQL ended with status 1.*shared_buffers"):
        broken.start()
    assert broken.valkey.process is None


@pytest.mark.long
def test_servers_end_with_a_process_that_was_killed_and_can_be_started_again(tmp_path: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, tmp_path / "home"], cwd=PROJECT, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    url = child.stdout.readline().strip()
    assert rows(url) == 0
    remove_abandoned(tmp_path, "*")
    assert not refuses(url), "a home in use must not be removed"
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    until(lambda: refuses(url))
    with Servers(tmp_path / "home", postgres_settings=SMALL) as servers:
        assert rows(servers.database_url) == 1
    remove_abandoned(tmp_path, "*")
    assert list(tmp_path.iterdir()) == []


def test_the_last_user_of_a_shared_server_stops_it(tmp_path: Path) -> None:
    first, second = Share(tmp_path, "valkey"), Share(tmp_path, "valkey")
    first.begin()
    second.begin()
    url = first.url()
    assert second.url() == url and answers(url)
    first.end()
    assert answers(url)
    second.end()
    assert not answers(url) and Lock(tmp_path / "keeper.lock").take(wait=False)


def test_a_shared_server_whose_keeper_was_killed_is_started_anew(tmp_path: Path) -> None:
    share, later = Share(tmp_path, "valkey"), Share(tmp_path, "valkey")
    share.begin()
    url = share.url()
    os.kill(int((tmp_path / "keeper.pid").read_text()), signal.SIGKILL)
    until(lambda: not answers(url))
    later.begin()
    assert answers(later.url())
    share.end()
    later.end()
    assert Lock(tmp_path / "keeper.lock").take(wait=False)


@pytest.mark.long
def test_a_shared_server_ends_when_its_only_user_is_killed(tmp_path: Path) -> None:
    program = "import sys, time; from pathlib import Path; from devtools.servers import Share\n"
    program += (
        "share = Share(Path(sys.argv[1]), 'valkey'); share.begin(); print(share.url(), flush=True); time.sleep(60)"
    )
    user = subprocess.Popen([sys.executable, "-c", program, tmp_path], cwd=PROJECT, stdout=subprocess.PIPE, text=True)
    assert user.stdout is not None
    url = user.stdout.readline().strip()
    assert answers(url)
    user.kill()
    user.wait()
    user.stdout.close()
    until(lambda: not answers(url))
    until(lambda: Lock(tmp_path / "keeper.lock").take(wait=False))
