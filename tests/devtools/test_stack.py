"""The whole stack of real processes: it comes up, says when a part dies, and leaves nothing behind."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path

import pytest
import requests

from devtools.process import LocalError
from devtools.stack import Options, Stack
from tests.databases import another
from tests.devtools.lent import Lent
from tests.operations.attacks import HALF_A_BODY, HALF_A_HEAD, Site, held


def sessions() -> set[int]:
    """Sessions of processes, by their leaders' ids; zombies do not count."""
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[0] != "Z":
            found.add(int(fields[3]))
    return found


def gone(leaders: set[int]) -> bool:
    """Whether these sessions end: a killed child is on the kernel's list for a moment longer than its parent."""
    deadline = time.monotonic() + 5
    while leaders & sessions() and time.monotonic() < deadline:
        time.sleep(0.05)
    return not leaders & sessions()


@pytest.mark.long
@pytest.mark.slow
def test_a_stack_comes_up_is_watched_and_goes_without_a_trace(tmp_path: Path, transactional_db: None) -> None:
    with another("stack") as addresses:
        servers = Lent(tmp_path, addresses)
        clock = {"CAMPAIGN_CLOCK": "2026-09-15T15:00Z/20"}  # taken: every vendor of messages is on this machine
        options = Options(
            home=tmp_path, port=0, servers=servers, sandbox=("--generate=1000",), environment=clock, concurrency=1
        )
        with Stack(options) as stack:
            assert requests.get(f"{stack.web_url}/readyz", timeout=60).json()["status"] == "ready"
            for begin in (HALF_A_HEAD, HALF_A_BODY):
                with held(Site(stack.web_url), 40, begin):
                    assert Site(stack.web_url).ask("/healthz") == Site(stack.web_url).ask("/admin/login/") == 200
            assert requests.get(f"{stack.sandbox_url}/sandbox/ledger", timeout=60).json()["billed"] == "0"
            told = requests.get(f"{stack.sandbox_url}/sandbox/clock", timeout=60).json()
            assert (told["now"][:11], told["speed"]) == ("2026-09-15T", 20)
            stack.check()
            leaders = {process.pid for process in stack.processes.values()}
            assert leaders <= sessions()

            worker = stack.processes["worker"]
            stack.kill("worker")
            assert gone({worker.pid}), "its children must be gone too"
            with pytest.raises(LocalError, match=r"^the worker ended with status -9\. Its log .*worker\.log ends: "):
                stack.check()
            stack.begin("worker")
            stack.restart("web")
            stack.check()
            leaders |= {process.pid for process in stack.processes.values()}
        assert gone(leaders)
        assert stack.processes == {}


def test_a_port_in_use_is_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(LocalError, match=f"^port {port} is taken"):
            Stack(Options(home=tmp_path, port=port)).start()
    assert not (tmp_path / "log").exists() and os.environ["DATABASE_URL"]
