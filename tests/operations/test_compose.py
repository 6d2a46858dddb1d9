"""What docker-compose.yml promises about who reaches whom, and how much each may take."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
TLS: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.tls.yml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]


def test_only_the_proxy_is_published_and_on_this_machine_alone_unless_it_ends_tls() -> None:
    assert {name for name, service in SERVICES.items() if "ports" in service} == {"proxy"}
    assert all(port.startswith("127.0.0.1:") for port in SERVICES["proxy"]["ports"])
    assert TLS["services"]["proxy"]["ports"] == ["80:8080", "443:8443"]


def test_the_proxy_reaches_the_web_server_and_no_data() -> None:
    networks = {name: set(service["networks"]) for name, service in SERVICES.items()}
    assert {name for name, nets in networks.items() if nets & networks["proxy"]} == {"proxy", "web"}
    assert networks["postgres"] == networks["redis"] == networks["migrate"] == networks["beat"] == {"data"}
    internal = {name for name, network in COMPOSE["networks"].items() if network and network.get("internal")}
    assert internal == {"front", "data"}
    assert SERVICES["web"]["environment"]["BEHIND_PROXY"] == "1"


def test_every_service_has_its_share_of_memory_and_processes_and_no_more() -> None:
    for name, service in SERVICES.items():
        assert service["mem_limit"] and service["pids_limit"], name
        assert all(":size=" in place for place in service.get("tmpfs", [])), name


def test_uploads_on_their_way_are_on_a_volume() -> None:
    web = SERVICES["web"]
    assert f"uploads:{web['environment']['TMPDIR']}" in web["volumes"]
    assert f"--mode=0700 {web['environment']['TMPDIR']}" in (ROOT / "Dockerfile").read_text()
    assert "proxied:/var/cache/nginx" in SERVICES["proxy"]["volumes"]


def test_what_the_proxy_mounts_is_there() -> None:
    for volume in [*SERVICES["proxy"]["volumes"], *TLS["services"]["proxy"]["volumes"]]:
        source = volume.split(":")[0]
        assert source in {"proxied", "./certificates"} or (ROOT / source).exists(), volume
