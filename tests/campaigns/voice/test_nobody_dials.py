"""With no agent asking, nothing is dialed, ever (T16): no task, timer or command leads to what places a call."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

from campaigns.dialing import modes

ROOT = Path(__file__).resolve().parents[3]
PLACING, PRESS = "campaigns.voice.placing", "campaigns.dialing.calling"
ROOMS = ("accounts", "buckets", "campaigns", "common", "config", "enrichment", "integrations", "leads", "operations")


@cache
def imports() -> dict[str, set[str]]:
    """By module of the product: the modules that it names, wherever it does."""
    files = [path for room in ROOMS for path in (ROOT / room).rglob("*.py")]
    names = {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in files}
    found: dict[str, set[str]] = {}
    for name, path in names.items():
        told: set[str] = set()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                told |= {one.name for one in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                told |= {node.module, *(f"{node.module}.{one.name}" for one in node.names)}
        found[name] = {one for one in told if one in names}
    return found


def test_only_the_registry_knows_what_places_a_call_and_only_pages_and_the_api_press() -> None:
    known = imports()
    assert {name for name, told in known.items() if PLACING in told} == {"campaigns.voice.registering"}
    pressing = {name for name, told in known.items() if PRESS in told and name != "campaigns.dialing.disposing"}
    for name in pressing:
        assert name.startswith(("campaigns.api.", "campaigns.admin.", "campaigns.dialing.")), name


def test_no_task_timer_or_command_leads_to_it() -> None:
    known = imports()
    begins = {name for name in known if name.endswith(".tasks") or ".management.commands." in name}
    assert "campaigns.tasks" in begins and len(begins) > 30
    seen, left = set(begins), list(begins)
    while left:
        for one in known[left.pop()] - seen:
            seen.add(one)
            left.append(one)
    assert "campaigns.voice.reconciling" in seen, "calls are asked about"
    assert PLACING not in seen, "and none is placed"


def test_every_mode_by_a_vendor_is_registered_with_its_refusal_and_its_end() -> None:
    assert {*modes.placed_with()} >= {"twilio", "signalhouse"}
