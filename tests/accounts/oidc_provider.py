"""An OpenID Connect provider on the loopback: discovery, keys, authorize, token and user info, as the standard says.

`person` is who signs in there next. It checks what a real one checks: client, secret, address, PKCE, codes once.
"""

from __future__ import annotations

import base64
import hashlib
import http.server
import json
import secrets
import threading
import time
from contextlib import suppress
from typing import Any, Self
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

CLIENT, SECRET = "bucket-system", "what the provider gave"
CALLBACK = "http://testserver/admin/login/oidc/oidc/login/callback/"


class Provider:
    """issuer: what its tokens say, which a dishonest one may choose. id_token: claims that it adds or changes."""

    def __init__(self) -> None:
        self.person: dict[str, Any] = {"sub": "p-1", "email": "ann@example.com", "email_verified": True}
        self.id_token: dict[str, Any] = {}
        self.asked: list[dict[str, str]] = []  # of /authorize
        self.names_algorithm = True  # of its key; it may leave that out
        self.signed_by: tuple[Any, str] | None = None  # another key than its own, and the algorithm
        self._codes: dict[str, dict[str, str]] = {}
        self._tokens: dict[str, dict[str, Any]] = {}
        self._key = ec.generate_private_key(ec.SECP256R1())

    def __enter__(self) -> Self:
        provider = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider.answer(self, "")

            def do_POST(self) -> None:
                provider.answer(self, self.rfile.read(int(self.headers["Content-Length"])).decode())

            def log_message(self, *_: Any) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def settings(self) -> dict[str, Any]:
        """As config/settings.py makes them."""
        app = {"provider_id": "oidc", "name": "Example login", "client_id": CLIENT, "secret": SECRET}
        apps = [{**app, "settings": {"server_url": self.url}}]
        return {"openid_connect": {"OAUTH_PKCE_ENABLED": True, "APPS": apps}}

    def answer(self, request: http.server.BaseHTTPRequestHandler, body: str) -> None:
        address = urlsplit(request.path)
        given = {name: values[0] for name, values in parse_qs(body or address.query).items()}
        status, found, headers = 404, {}, {}
        with suppress(KeyError, AssertionError):
            if address.path == "/authorize":
                status, headers = 302, {"Location": self._authorize(given)}
            elif address.path == "/userinfo":
                status, found = 200, self._tokens[request.headers["Authorization"].removeprefix("Bearer ")]
            else:
                status, found = 200, self._facts(address.path, given)
        content = json.dumps(found).encode()
        request.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(content)), **headers}.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(content)

    def _facts(self, path: str, given: dict[str, str]) -> dict[str, Any]:
        if path == "/token":
            return self._token(given)
        if path == "/keys":
            key: dict[str, Any] = json.loads(ECAlgorithm.to_jwk(self._key.public_key()))
            return {"keys": [{**key, "kid": "k-1"} | ({"alg": "ES256"} if self.names_algorithm else {})]}
        assert path == "/.well-known/openid-configuration"
        places = {"authorization_endpoint": "authorize", "token_endpoint": "token", "userinfo_endpoint": "userinfo"}
        return {"issuer": self.url, "jwks_uri": f"{self.url}/keys"} | {
            name: f"{self.url}/{place}" for name, place in places.items()
        }

    def _authorize(self, given: dict[str, str]) -> str:
        assert (given["client_id"], given["redirect_uri"], given["response_type"]) == (CLIENT, CALLBACK, "code")
        assert "openid" in given["scope"].split()
        assert given["code_challenge_method"] == "S256"
        self.asked.append(given)
        code = secrets.token_hex(8)
        self._codes[code] = given
        return f"{CALLBACK}?{urlencode({'code': code, 'state': given['state']})}"

    def _token(self, given: dict[str, str]) -> dict[str, Any]:
        asked = self._codes.pop(given["code"])
        assert (given["client_id"], given["client_secret"], given["redirect_uri"]) == (CLIENT, SECRET, CALLBACK)
        digest = hashlib.sha256(given["code_verifier"].encode()).digest()
        assert base64.urlsafe_b64encode(digest).decode().rstrip("=") == asked["code_challenge"]
        access, now = secrets.token_hex(8), int(time.time())
        self._tokens[access] = dict(self.person)
        claims = {"iss": self.url, "aud": CLIENT, "sub": self.person["sub"], "iat": now, "exp": now + 60}
        key, algorithm = self.signed_by or (self._key, "ES256")
        signed = jwt.encode({**claims, **self.id_token}, key, algorithm=algorithm, headers={"kid": "k-1"})
        return {"access_token": access, "token_type": "Bearer", "expires_in": 60, "id_token": signed}
