"""Debian's nginx with the configuration that docker-compose.yml mounts, on ports of its own."""

from __future__ import annotations

import datetime
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from devtools.valkey import free_port
from tests.operations.attacks import Site, until

SHIPPED = Path(__file__).resolve().parents[2] / "deploy" / "nginx"
NGINX = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin")
MIME = Path("/etc/nginx/mime.types")


def nginx() -> str:
    if NGINX is None or not MIME.exists():
        pytest.skip("the proxy: nginx is not installed (apt-get install nginx)")
    return NGINX


def configuration(home: Path, *, listen: str, web: str, port: int, tls_port: int) -> Path:
    """The files as they are shipped, but for addresses and folders, which are this place's."""
    home.mkdir(parents=True, exist_ok=True)
    (home / "cache").mkdir()
    (home / "listen").mkdir()
    (home / "mime.types").write_text(MIME.read_text())
    here = {
        "web:8000": web,
        "/tmp/": f"{home}/",
        "/var/cache/nginx": f"{home}/cache",
        "/etc/nginx/certificates": str(home),
        "/dev/stdout": f"{home}/access.log",
        "127.0.0.1:8081": f"127.0.0.1:{free_port()}",
        "listen 8080": f"listen 127.0.0.1:{port}",
        "listen 8443": f"listen 127.0.0.1:{tls_port}",
        "client_header_timeout 10s": "client_header_timeout 1s",
        "client_body_timeout 20s": "client_body_timeout 1s",
        "send_timeout 30s": "send_timeout 1s",
    }
    for file in [SHIPPED / "nginx.conf", SHIPPED / "site.conf", *(SHIPPED / listen).glob("*.conf")]:
        text = re.sub("|".join(map(re.escape, here)), lambda found: here[found[0]], file.read_text())
        folder = home / "listen" if file.parent.name == listen else home
        (folder / file.name).write_text(text)
    return home / "nginx.conf"


def check(file: Path) -> str:
    """What `nginx -t` says; it fails where the configuration is wrong."""
    done = subprocess.run([nginx(), "-t", "-c", str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stderr


def certificate(home: Path) -> None:
    """A key and a certificate that it signs itself, where TLS_CERTIFICATES' would lie."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1))
    (home / "fullchain.pem").write_bytes(made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (home / "privkey.pem").write_bytes(private)


@contextmanager
def running(file: Path, port: int) -> Iterator[Site]:
    process = subprocess.Popen([nginx(), "-c", str(file), "-g", "daemon off;"])
    site = Site(f"http://127.0.0.1:{port}", file.parent)
    try:
        assert until(lambda: site.ask("/") != 0, 10)
        yield site
    finally:
        process.terminate()
        process.wait(60)
