"""A small OIDC issuer over real HTTP: discovery, keys, and the code flow with PKCE for a browser."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt

from tests.answering import Quiet, answering
from tests.streams.policy.signing import jwk, key

CLIENT = "awoooi-console"


@dataclass
class OidcIssuer:
    """What it says may be changed while it runs."""

    port: int = 0
    kid: str = "idp-1"
    claims: dict[str, Any] = field(default_factory=lambda: {"roles": ["operator"], "projects": ["shop"]})
    published: list[dict[str, Any]] = field(default_factory=lambda: [jwk("idp-1")])
    about: dict[str, Any] = field(default_factory=dict)
    away: bool = False
    asked: list[str] = field(default_factory=list)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/realm"

    def token(self, person: str = "b-1", **given: Any) -> str:
        """Good unless told otherwise; None leaves a claim out. `head` and `signed_by` are no claims."""
        head, signed_by = given.pop("head", {}), given.pop("signed_by", self.kid)
        now = int(time.time())
        claims = {"iss": self.url, "aud": CLIENT, "sub": person, "iat": now, "exp": now + 600, **self.claims}
        said = {name: value for name, value in {**claims, **given}.items() if value is not None}
        header = {"kid": self.kid, "typ": "JWT", **head}
        return jwt.encode(said, key(signed_by), algorithm="EdDSA", headers=header)

    def page(self, path: str) -> object:
        pages: dict[str, object] = {
            "/realm/.well-known/openid-configuration": {
                "issuer": self.url,
                "jwks_uri": f"{self.url}/keys",
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                **self.about,
            },
            "/realm/keys": {"keys": self.published},
        }
        return None if self.away else pages.get(path)

    def authorized(self, query: dict[str, str]) -> str:
        """Whoever asks is logged in; where the browser goes next."""
        code = hashlib.sha256(repr((len(self.codes), query)).encode()).hexdigest()[:20]
        self.codes[code] = query
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"

    def exchanged(self, form: dict[str, str]) -> tuple[int, object]:
        """A code is good once, for who asked for it."""
        asked = self.codes.pop(form.get("code", ""), {})
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        proof = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        same = [asked.get(name) == form.get(name) for name in ("client_id", "redirect_uri")]
        if not asked or asked.get("code_challenge") != proof or not all(same):
            return 400, {"error": "invalid_grant"}
        return 200, {"token_type": "Bearer", "access_token": "opaque", "id_token": self.token()}

    @classmethod
    @contextmanager
    def running(cls) -> Iterator[OidcIssuer]:
        issuer = cls()
        with answering(_handler_of(issuer)) as issuer.port:
            yield issuer


def _handler_of(issuer: OidcIssuer) -> type[Quiet]:
    class Handler(Quiet):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            issuer.asked.append(parts.path)
            if parts.path == "/realm/authorize":
                query = {name: values[0] for name, values in parse_qs(parts.query).items()}
                self._answer(302, b"", location=issuer.authorized(query))
                return
            page = issuer.page(parts.path)
            status = 503 if issuer.away else 404 if page is None else 200
            self._answer(status, json.dumps(page).encode())

        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers.get("content-length", "0"))).decode())
            status, told = issuer.exchanged({name: values[0] for name, values in form.items()})
            self._answer(status, json.dumps(told).encode())

        def _answer(self, status: int, body: bytes, **headers: str) -> None:
            self.send_response(status)
            told = {"content-type": "application/json", "access-control-allow-origin": "*", **headers}
            for name, value in {**told, "content-length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

    return Handler
