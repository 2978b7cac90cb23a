"""A log-in at a real OIDC issuer: who comes in as whom, and all that does not get in."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
import pytest
from prometheus_client import CollectorRegistry

from awoooi.log_in import OidcLogIns, log_ins
from connectors.gateway.act_desk import Known
from connectors.gateway.app import create_app
from connectors.gateway.config import GatewayConfig
from connectors.gateway.live_ring import Ring
from connectors.gateway.oidc import OidcConfig
from connectors.http import HttpClient, Reply
from connectors.tokens import Limits, TokenFile, new_personal_token, new_token
from schemas.codec import Codec
from streams.policy.issuer import Issuer
from tests.awoooi.oidc_issuer import CLIENT, OidcIssuer
from tests.connectors.gateway.desk import FOREIGN as ELSEWHERE
from tests.connectors.gateway.desk import OPEN, Desk
from tests.connectors.gateway.listening import listening
from tests.connectors.gateway.support import SECRET, SOURCES, MemoryLog, serving
from tests.streams.policy.signing import jwk, key

SESSION = "/api/v1/session"


@pytest.fixture(scope="module")
def shared() -> Iterator[OidcIssuer]:
    with OidcIssuer.running() as running:
        yield running


@pytest.fixture
def issuer(shared: OidcIssuer) -> OidcIssuer:
    """As it was when it began."""
    fresh = OidcIssuer(shared.port)
    for name in ("kid", "claims", "published", "about", "away", "asked", "codes"):
        setattr(shared, name, getattr(fresh, name))
    return shared


@dataclass
class House:
    url: str
    http: HttpClient
    tokens: dict[str, str]
    log: MemoryLog

    async def get(self, token: str, path: str = SESSION) -> Reply:
        return await self.http.get(f"{self.url}{path}", {"authorization": f"Bearer {token}"} if token else {})


@asynccontextmanager
async def house(folder: Path, issuer: OidcIssuer | None, **config: Any) -> AsyncIterator[House]:
    """A gateway that knows this issuer, and bob's own token."""
    path, registry = folder / "tokens.json", CollectorRegistry()
    _, webhook = new_token(path, "alerts")
    _, bob = new_personal_token(path, "bob's", "bob", ["viewer", "admin"], projects=("shop",), days=1)
    named = {"issuer": issuer.url, "client_id": CLIENT, **config} if issuer else {}
    tokens, ring, log = TokenFile(path), Ring({"incidents": 1}), MemoryLog()
    ring.stands(is_away=False, is_ready=True)
    gateway = GatewayConfig(tokens_file=path, stamp_secret=SECRET, port=0, stream_look_secs=0.05)
    async with log_ins(OidcConfig(**named)) as known:
        app = create_app(
            gateway, log.publish, SOURCES, tokens,
            registry=registry, people=tokens, log_ins=known, ring=ring, desk=Desk(),
        )  # fmt: skip
        async with serving(app) as port, HttpClient(timeout_secs=20) as http:
            yield House(f"http://127.0.0.1:{port}", http, {"bob": bob, "webhook": webhook}, log)


async def test_a_session_says_who_it_is_by_token_and_by_log_in(tmp_path: Path, issuer: OidcIssuer) -> None:
    async with house(tmp_path, issuer) as h:
        own, there = await h.get(h.tokens["bob"]), await h.get(issuer.token("b-1", exp=int(time.time()) + 60))

        assert own.json() | {"expires_at": ""} == {
            "person": "bob",
            "roles": ["viewer", "admin"],
            "projects": ["shop"],
            "expires_at": "",
        }
        assert own.json()["expires_at"].endswith("Z")
        assert there.json()["person"] == "b-1"
        assert (there.json()["roles"], there.json()["projects"]) == (["operator"], ["shop"])
        assert own.headers["cache-control"] == "no-store"


ACTS: dict[str, tuple[list[str], Known, int]] = {
    "with the role": (["operator"], OPEN, 202),
    "without it": (["viewer"], OPEN, 403),
    "elsewhere": (["operator", "admin"], ELSEWHERE, 404),
}


@pytest.mark.parametrize(("roles", "incident", "status"), ACTS.values(), ids=ACTS)
async def test_who_has_logged_in_acts_under_their_name(
    tmp_path: Path, issuer: OidcIssuer, roles: list[str], incident: Known, status: int
) -> None:
    async with house(tmp_path, issuer) as h:
        path = f"{h.url}/api/v1/incidents/{incident.incident_id}/acknowledge"
        headers = {"authorization": f"Bearer {issuer.token(roles=roles)}"}
        assert (await h.http.post(path, b"", headers)).status == status
        actors = [Codec().decode(record.value).actor for record in h.log.records]
        assert actors == (["b-1"] if status == 202 else [])


FOREIGN = "https://other.example.com"
HOUR = 3600


def now() -> int:
    return int(time.time())


REFUSED: dict[str, dict[str, Any]] = {
    "another issuer": {"iss": FOREIGN},
    "the issuer with a slash": {"iss": "slash"},
    "no issuer": {"iss": None},
    "another audience": {"aud": "shop-app"},
    "no audience": {"aud": None},
    "an empty audience": {"aud": []},
    "several audiences, asked for by another": {"aud": [CLIENT, "shop-app"], "azp": "shop-app"},
    "several audiences, asked for by nobody": {"aud": [CLIENT, "shop-app"]},
    "an audience in an audience": {"aud": [[CLIENT]]},
    "expired": {"exp": lambda: now() - 1},
    "no end": {"exp": None},
    "an end that is no number": {"exp": "9999999999"},
    "an end that is true": {"exp": True},
    "a life of ten years": {"exp": lambda: now() + 10 * 365 * 24 * HOUR},
    "not yet valid": {"nbf": lambda: now() + HOUR},
    "from the future": {"iat": lambda: now() + HOUR, "exp": lambda: now() + 2 * HOUR},
    "without a beginning": {"iat": None},
    "a key that is not published": {"head": {"kid": "idp-2"}, "signed_by": "idp-2"},
    "a stranger's signature": {"signed_by": "eve"},
    "no key named": {"head": {"kid": ""}},
    "a signed approval": {"head": {"typ": "approval+jwt"}},
    "a log-out": {"head": {"typ": "logout+jwt"}},
    "a log-out without its type": {"events": {"http://schemas.openid.net/event/backchannel-logout": {}}},
    "a refresh token": {"typ": "Refresh"},
    "what must be understood": {"head": {"crit": ["exp"]}},
}


@pytest.fixture
async def known(tmp_path: Path, issuer: OidcIssuer) -> AsyncIterator[House]:
    async with house(tmp_path, issuer) as h:
        yield h


async def test_what_is_no_log_in_here_gets_one_answer(known: House, issuer: OidcIssuer) -> None:
    """And each is refused for the one thing that is wrong with it: without that it is good."""
    assert (await known.get(issuer.token())).status == 200
    for name, given in REFUSED.items():
        said = {claim: value() if callable(value) else value for claim, value in given.items()}
        if said.get("iss") == "slash":
            said["iss"] = issuer.url + "/"
        answer = await known.get(issuer.token(**said))
        assert (answer.status, answer.headers["www-authenticate"]) == (401, "Bearer"), name


async def test_keys_that_are_no_keys_for_it_open_nothing(known: House, issuer: OidcIssuer) -> None:
    """The usual confusions: no algorithm, the public key as a shared secret, a key that the token brings."""
    good = issuer.token()
    said = jwt.decode(good, options={"verify_signature": False})
    head, claims, signature = good.split(".")
    none = base64.urlsafe_b64encode(b'{"alg":"none","kid":"idp-1"}').rstrip(b"=").decode()
    lied = base64.urlsafe_b64encode(b'{"alg":"RS256","kid":"idp-1"}').rstrip(b"=").decode()
    by_its_key = (
        base64.urlsafe_b64encode(key("idp-1").sign(f"{lied}.{claims}".encode())).rstrip(b"=").decode()
    )
    secret = jwk("idp-1")["x"].ljust(40, "=")
    tokens = {
        "no algorithm": f"{none}.{claims}.",
        "no algorithm, with a signature": f"{none}.{claims}.{signature}",
        "another algorithm than its key's": f"{lied}.{claims}.{by_its_key}",
        "a key of its own": jwt.encode(said, key("eve"), "EdDSA", {"kid": "idp-1", "jwk": jwk("eve")}),
        "the public key as a secret": jwt.encode(said, secret, "HS256", {"kid": "idp-1"}),
        "no signature": f"{head}.{claims}.",
        "another signature": f"{head}.{claims}.{signature[:-2]}AA",
        "the same signature in other letters": f"{good[:-1]}{chr(ord(good[-1]) + 1)}",
        "a fourth part": f"{good}.",
        "padding": f"{head}=.{claims}.{signature}",
        "empty parts": "..",
        "no JSON": "a.b.c",
        "endless": f"{head}.{claims}.{'A' * 20_000}",
    }
    for name, token in tokens.items():
        assert (await known.get(token)).status == 401, name


async def test_a_webhooks_token_and_no_token_are_nobodys(known: House) -> None:
    assert (await known.get(known.tokens["webhook"])).status == 401
    assert (await known.get("")).status == 401


async def test_who_has_no_role_is_told_where_one_would_come_from(tmp_path: Path, issuer: OidcIssuer) -> None:
    async with house(
        tmp_path, issuer, role_names={"on-call": "operator"}, roles_claim="realm_access.roles"
    ) as h:
        nested = {"realm_access": {"roles": ["offline_access", "on-call", 7]}}
        assert (await h.get(issuer.token(**nested))).json()["roles"] == ["operator"]

        for wrong in ({}, {"realm_access": {"roles": ["operator"]}}, {"realm_access": "on-call"}):
            answer = await h.get(issuer.token(**wrong))
            assert (answer.status, "realm_access.roles" in answer.json()["detail"]) == (403, True)


PEOPLE: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "by subject": ({}, {}, "b-1"),
    "by another claim": ({"person_claim": "preferred_username"}, {"preferred_username": "bob"}, "bob"),
    "by verified email": (
        {"person_claim": "email"},
        {"email": "Bob@Example.com", "email_verified": True},
        "bob@example.com",
    ),
    "by unverified email": ({"person_claim": "email"}, {"email": "bob@example.com"}, ""),
    "by email said to be verified": (
        {"person_claim": "email"},
        {"email": "bob@example.com", "email_verified": "true"},
        "",
    ),
    "by a name that is none here": ({}, {"sub": "Bob\n<script>"}, ""),
    "by a number": ({}, {"sub": "1" * 200}, ""),
}


@pytest.mark.parametrize(("config", "claims", "person"), PEOPLE.values(), ids=PEOPLE)
async def test_a_person_is_named(
    tmp_path: Path, issuer: OidcIssuer, config: dict[str, Any], claims: dict[str, Any], person: str
) -> None:
    async with house(tmp_path, issuer, **config) as h:
        answer = await h.get(issuer.token(**claims))
        assert (answer.status, answer.json().get("person", "")) == ((200, person) if person else (403, ""))


PROJECTS: dict[str, tuple[Any, tuple[str, ...], list[str] | None]] = {
    "named": (["shop", "bank"], (), ["shop", "bank"]),
    "in one text": ("shop bank", (), ["shop", "bank"]),
    "all": (["*"], (), None),
    "none said": (None, (), []),
    "none said, with a default": (None, ("shop",), ["shop"]),
    "an empty list in spite of a default": ([], ("shop",), []),
    "what is no project's name": (["../x", 7, "Shop", "bank"], (), ["bank"]),
}


@pytest.mark.parametrize(("said", "default", "projects"), PROJECTS.values(), ids=PROJECTS)
async def test_projects_come_from_the_claim(
    tmp_path: Path, issuer: OidcIssuer, said: Any, default: tuple[str, ...], projects: list[str] | None
) -> None:
    async with house(tmp_path, issuer, default_projects=default) as h:
        assert (await h.get(issuer.token(projects=said))).json()["projects"] == projects


async def test_the_keys_are_asked_for_once_and_anew_when_they_change(
    tmp_path: Path, issuer: OidcIssuer
) -> None:
    clock = [1000.0]
    async with HttpClient() as web:
        config = OidcConfig(issuer=issuer.url, client_id=CLIENT)
        people = OidcLogIns(config, Issuer(issuer.url, web, clock=lambda: clock[0]))
        for _ in range(20):
            assert await people.caller(issuer.token())
        assert issuer.asked.count("/realm/keys") == 1

        issuer.published, issuer.kid = [jwk("idp-2")], "idp-2"
        assert await people.caller(issuer.token()) is None, "strangers cannot make us ask all the time"
        clock[0] += 31
        assert await people.caller(issuer.token())
        assert await people.caller(issuer.token(head={"kid": "idp-1"}, signed_by="idp-1")) is None, (
            "withdrawn"
        )

        issuer.away = True
        clock[0] += 301
        assert await people.caller(issuer.token()), "what was known is believed for a time"
        clock[0] += 3600
        assert await people.caller(issuer.token()) is None, "and no longer"


async def test_many_who_come_at_once_at_the_start_all_come_in(tmp_path: Path, issuer: OidcIssuer) -> None:
    async with house(tmp_path, issuer) as h:
        answers = await asyncio.gather(*(h.get(issuer.token()) for _ in range(10)))
        assert {answer.status for answer in answers} == {200}


async def test_the_console_learns_where_to_log_in(tmp_path: Path, issuer: OidcIssuer) -> None:
    async with house(tmp_path, issuer) as h:
        told = (await h.get("", "/api/v1/console/config")).json()
        assert told["languages"] == ["en", "zh-Hant"]
        assert told["oidc"] == {
            "issuer": issuer.url,
            "client_id": CLIENT,
            "authorization_endpoint": f"{issuer.url}/authorize",
            "token_endpoint": f"{issuer.url}/token",
            "scope": "openid profile",
            "token": "id_token",
        }
        policy = (await h.get("", "/console/")).headers["content-security-policy"]
        assert f"connect-src 'self' http://127.0.0.1:{issuer.port};" in policy
    async with house(tmp_path, issuer, audience="awoooi-api") as h:
        assert (await h.get("", "/api/v1/console/config")).json()["oidc"]["token"] == "access_token"
        assert (await h.get(issuer.token(aud="awoooi-api"))).status == 200
        assert (await h.get(issuer.token())).status == 401


NOT_OFFERED: dict[str, dict[str, Any]] = {
    "over plain http elsewhere": {"authorization_endpoint": "http://example.com/authorize"},
    "by a script": {"authorization_endpoint": "javascript:alert(1)"},
    "nowhere": {"token_endpoint": None},
    "by another name": {"issuer": FOREIGN},
}


@pytest.mark.parametrize("about", NOT_OFFERED.values(), ids=NOT_OFFERED)
async def test_a_log_in_is_not_offered(tmp_path: Path, issuer: OidcIssuer, about: dict[str, Any]) -> None:
    issuer.about = about
    async with house(tmp_path, issuer) as h:
        assert (await h.get("", "/api/v1/console/config")).json()["oidc"] is None


async def test_an_issuers_addresses_cannot_widen_the_pages_policy(tmp_path: Path, issuer: OidcIssuer) -> None:
    issuer.about = {"token_endpoint": "https://x; script-src *//token"}
    async with house(tmp_path, issuer) as h:
        await h.get("", "/api/v1/console/config")
        assert "script-src *" not in (await h.get("", "/console/")).headers["content-security-policy"]


async def test_without_an_issuer_tokens_work_and_log_ins_do_not(tmp_path: Path, issuer: OidcIssuer) -> None:
    async with house(tmp_path, None) as h:
        assert (await h.get(h.tokens["bob"])).status == 200
        assert (await h.get(issuer.token())).status == 401
        assert (await h.get("", "/api/v1/console/config")).json()["oidc"] is None


async def test_a_live_stream_ends_when_the_log_in_does(tmp_path: Path, issuer: OidcIssuer) -> None:
    async with house(tmp_path, issuer) as h, listening(h.url, issuer.token(exp=now() + 2)) as ears:
        assert (await ears.next()).event == "start"
        assert await ears.until_end() == []


async def test_a_log_in_has_its_limits_too(
    tmp_path: Path, issuer: OidcIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.gateway.oidc.PERSON_LIMITS", Limits(requests_per_minute=2))
    async with house(tmp_path, issuer) as h:
        statuses = [(await h.get(issuer.token(iat=now() - number))).status for number in range(3)]
        assert statuses == [200, 200, 503], "whatever token they come with"
