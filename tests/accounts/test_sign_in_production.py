"""A web process as `docker-compose.yml` sets it up: HTTPS=1, BEHIND_PROXY=1, no DEBUG."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
import requests
from django.db import connection

from accounts.models import User
from devtools.valkey import free_port
from tests.operations.attacks import until

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
PASSWORD = "correct horse battery"
PROJECT = Path(__file__).resolve().parents[2]
PLACE = {
    "DEBUG": "0",
    "HTTPS": "1",
    "BEHIND_PROXY": "1",
    "ALLOWED_HOSTS": "127.0.0.1",
    "CSRF_TRUSTED_ORIGINS": "https://127.0.0.1",
    "OIDC_URL": "https://login.example.com/tenant/",
    "OIDC_CLIENT_ID": "bucket-system",
    "OIDC_CLIENT_SECRET": "x",
}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[str]:
    database = urlunsplit(urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}"))
    url = f"http://127.0.0.1:{free_port()}"
    command = [sys.executable, "-m", "gunicorn", "--config", "python:config.gunicorn"]
    command += ["--bind", url.removeprefix("http://"), "tests.accounts.production_site"]
    environment = {**os.environ, **PLACE, "DATABASE_URL": database, "FORGOTTEN_FILE": str(tmp_path / "forgotten")}
    with (tmp_path / "web.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=PROJECT, env=environment, stdout=log, stderr=subprocess.STDOUT)
    try:
        assert until(lambda: _answers(url), 120), (tmp_path / "web.log").read_text()
        yield url
    finally:
        process.terminate()
        process.wait(30)


def _answers(url: str) -> bool:
    try:
        return requests.get(f"{url}/healthz", timeout=60).status_code == 200
    except requests.RequestException:
        return False


def as_client(address: str) -> dict[str, str]:
    return {"X-Forwarded-For": address, "X-Forwarded-Proto": "https", "Referer": "https://127.0.0.1/"}


@pytest.mark.long
def test_behind_the_proxy_clients_are_told_apart_and_cookies_are_this_hosts_alone(site: str) -> None:
    User.objects.create_user("ann", password=PASSWORD, is_staff=True)

    def token(name: str, address: str, password: str = PASSWORD) -> int:
        given = {"username": name, "password": password}
        return requests.post(f"{site}/api/auth/token", json=given, headers=as_client(address), timeout=30).status_code

    stranger = [token(f"invented-{number}", "203.0.113.9", "a guess") for number in range(31)]
    assert stranger == [401] * 30 + [429]
    assert token("ann", "203.0.113.9") == 429
    assert token("ann", "203.0.113.9, 198.51.100.7") == 200  # the proxy appends: what stands before is invented

    browser = requests.Session()
    page = browser.get(f"{site}/admin/login/", headers=as_client("198.51.100.7"), timeout=30)
    secret = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)[0]
    made = [page.headers["Set-Cookie"].split("=")[0]]
    answer = requests.post(
        f"{site}/admin/login/",
        {"username": "ann", "password": PASSWORD, "csrfmiddlewaretoken": secret},
        headers={**as_client("198.51.100.7"), "Cookie": page.headers["Set-Cookie"].split(";")[0]},
        allow_redirects=False,
        timeout=30,
    )

    cookies = answer.raw.headers.getlist("Set-Cookie")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/")
    assert made == ["__Host-csrftoken"]
    assert sorted(cookie.split("=")[0] for cookie in cookies) == [
        "__Host-csrftoken", "__Host-device", "__Host-sessionid",
    ]  # fmt: skip
    for cookie in cookies:  # what browsers ask of the prefix
        parts = [part.strip().lower() for part in cookie.split(";")]
        assert ("secure" in parts, "path=/" in parts, "domain" in cookie.lower()) == (True, True, False)
        assert ("samesite=lax" in parts, "httponly" in parts) == (True, "csrftoken" not in parts[0])
    assert page.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"
    assert (
        "'unsafe-eval'"
        in requests.get(f"{site}/join/", headers=as_client("198.51.100.7"), timeout=30).headers[
            "Content-Security-Policy"
        ]
    )  # the theme's Alpine is on this page, too
    policy = page.headers["Content-Security-Policy"]
    assert "form-action 'self' https://login.example.com;" in f"{policy};"
    assert '<form action="/admin/login/oidc/oidc/login/?next=' in page.text
