from __future__ import annotations

import time

import pytest

from agents.personal import find
from agents.privacy import Shield, cover_text, kind_of, restore, restore_step
from schemas.errors import CannotOpen
from schemas.operations import Operation, Parameters, Step, Target
from tests.measured import measured

UUID = "3f2e1d0c-1111-2222-3333-444455556666"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abcDEF-_ghi"
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nIBAAK\n-----END RSA PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("text", "covered"),
    [
        ("login from 10.1.2.3 failed", "login from [IP_1] failed"),
        ("10.0.0.1:5432 and 10.0.0.2", "[IP_1]:5432 and [IP_2]"),
        (
            "g0.expr=up%7Binstance%3D%2210.0.0.5%3A9100%22%7D",
            "g0.expr=up%7Binstance%3D%22[IP_1]%3A9100%22%7D",
        ),
        ("dial [2001:db8::1]:443", "dial [[IP_1]]:443"),
        ("via fe80::1%eth0", "via [IP_1]"),
        ("mail to bob.smith+ops@example.co.uk!", "mail to [EMAIL_1]!"),
        (f"user {UUID} is locked", "user [UUID_1] is locked"),
        (f"token {JWT} expired", "token [JWT_1] expired"),
        (f"key: {PEM} found", "key: [PRIVATE_KEY_1] found"),
        ("-----BEGIN PRIVATE KEY-----\nMIIE cut off", "[PRIVATE_KEY_1]"),
        ("postgres://app:p@ss/w#rd@db:5432/x", "postgres://app:[PASSWORD_1]@db:5432/x"),
        ("password=hunter2; retry", "password=[PASSWORD_1]; retry"),
        ('{"password": "two words"}', '{"password": "[PASSWORD_1]"}'),
        ("my password is hunter2!", "my password is [PASSWORD_1]"),
        ("mysql -u root -pS3cr3t! prod", "mysql -u root -p[PASSWORD_1] prod"),
        ("curl -u admin:letmein1 http://x", "curl -u admin:[PASSWORD_1] http://x"),
        ("Authorization: Bearer abcdef1234567890", "Authorization: Bearer [API_KEY_1]"),
        ("api_key=9f8e7d6c5b4a3210", "api_key=[API_KEY_1]"),
        ("AKIAIOSFODNN7EXAMPLE leaked", "[API_KEY_1] leaked"),
        ("ghp_0123456789abcdefghij0123456789abcdef", "[API_KEY_1]"),
    ],
)
def test_a_personal_value_becomes_a_label(text: str, covered: str) -> None:
    shield = Shield()
    assert shield.cover(text) == covered
    opened = covered
    for label, value in shield.values.items():
        opened = opened.replace(label, value)
    assert opened == text


@pytest.mark.parametrize(
    "text",
    [
        "pod api-server-7d4b8c9f5-xk2m3 OOMKilled",
        "nginx@sha256:4c0f1a2b3c4d5e6f7a8b9c0d1e2f3a4b5c6d7e8f9a0b1c2d3e4f5a6b7c8d9e0f pulled",
        f"pvc-{UUID} is full",
        "upgraded from v1.2.3 to 1.2.4-rc.1",
        "version 1.2.3.4 of the agent",
        "Chrome/121.0.0.0 Safari/537.36",
        "2026-01-15T15:46:50.746Z started",
        "at 12:34:56 and 18:55:22:004",
        "mac 1a:3a:62:c3:63:1d flapping",
        "AWS::ECS::Service std::cout",
        "getty@tty1.service failed",
        "password: incorrect",
        "password=<redacted> token=${TOKEN} api_key: ********",
        "Failed password for invalid user admin",
        "secret: db-credentials not found",
        "passed: 12, failed: 3",
        "io.jsonwebtoken:jjwt-jackson-0.11.2",
        "ip-10-0-65-252.ec2.internal NotReady",
        "",
    ],
)
def test_what_an_engineer_needs_stays_readable(text: str) -> None:
    shield = Shield()
    assert shield.cover(text) == text
    assert shield.values == {}


def test_the_same_value_has_the_same_label_across_texts() -> None:
    shield = Shield()
    assert shield.cover("10.0.0.1 to 10.0.0.2") == "[IP_1] to [IP_2]"
    assert shield.cover("10.0.0.2 to 10.0.0.3") == "[IP_2] to [IP_3]"
    assert shield.values == {"[IP_1]": "10.0.0.1", "[IP_2]": "10.0.0.2", "[IP_3]": "10.0.0.3"}


def test_kinds_can_be_kept() -> None:
    shield = Shield()
    assert shield.cover("10.0.0.1 bob@example.com", keep={"IP"}) == "10.0.0.1 [EMAIL_1]"


def test_a_label_that_the_sender_wrote_is_not_taken_for_ours() -> None:
    shield = Shield()
    assert (
        shield.cover("restart [IP_1] [PASSWORD_7], not 10.0.0.1") == "restart (IP_1) (PASSWORD_7), not [IP_1]"
    )
    assert shield.values == {"[IP_1]": "10.0.0.1"}


# --- from an alert's labels to a run's ------------------------------------------------------------------


def renumbered(shield: Shield, text: str, values: dict[str, str]) -> str:
    return shield.renumber(text, find(text), values)


def test_a_value_keeps_its_label_whatever_it_is_taken_for() -> None:
    shield = Shield()
    assert shield.cover("password=AKIAIOSFODNN7EXAMPLE") == "password=[API_KEY_1]"
    assert shield.replace("x AKIAIOSFODNN7EXAMPLE", [(2, 22, "PASSWORD")]) == "x [API_KEY_1]"


def test_labels_of_another_shield_are_numbered_anew() -> None:
    run = Shield()
    assert run.cover("10.0.0.1") == "[IP_1]"
    theirs = {"[IP_1]": "10.0.0.2", "[IP_2]": "10.0.0.1", "[PASSWORD_1]": "hunter2"}
    assert renumbered(run, "[IP_1] and [IP_2], not 10.0.0.3", theirs) == "[IP_2] and [IP_1], not [IP_3]"
    assert (
        renumbered(run, "redis://:[PASSWORD_1]@cache [IP_1]", theirs) == "redis://:[PASSWORD_1]@cache [IP_2]"
    )
    assert run.values == {
        "[IP_1]": "10.0.0.1",
        "[IP_2]": "10.0.0.2",
        "[IP_3]": "10.0.0.3",
        "[PASSWORD_1]": "hunter2",
    }


def test_a_label_whose_value_is_not_known_keeps_a_number_of_its_own() -> None:
    run = Shield()
    assert renumbered(run, "[IP_1] [IP_2] [IP_1]", {}) == "[IP_1] [IP_2] [IP_1]"
    assert run.cover("10.0.0.1") == "[IP_3]"
    assert run.values == {"[IP_3]": "10.0.0.1"}
    assert run.knows("[IP_1]")
    assert not run.knows("[IP_4]")


@pytest.mark.parametrize(
    ("label", "kind"), [("[IP_12]", "IP"), ("[API_KEY_1]", "API_KEY"), ("[PRIVATE_KEY_3]", "PRIVATE_KEY")]
)
def test_a_label_tells_its_kind(label: str, kind: str) -> None:
    assert kind_of(label) == kind


# --- the way back ---------------------------------------------------------------------------------------


def test_real_values_come_back() -> None:
    values = {"[IP_1]": "10.0.0.1", "[IP_11]": "10.0.0.11"}
    assert (
        restore("[IP_11] is not [IP_1], (IP_1) is text", values)
        == "10.0.0.11 is not 10.0.0.1, (IP_1) is text"
    )


def test_a_value_that_looks_like_a_label_is_put_back_once() -> None:
    assert restore("[PASSWORD_1]", {"[PASSWORD_1]": "[PASSWORD_1]"}) == "[PASSWORD_1]"


def test_a_label_without_a_value_is_never_acted_on() -> None:
    with pytest.raises(CannotOpen, match=r"no value is known for \[IP_2\]"):
        restore("[IP_2]", {"[IP_1]": "10.0.0.1"})


def test_a_step_is_restored_in_target_and_parameters() -> None:
    step = Step(
        operation=Operation.CALL_HTTP,
        target=Target(kind="node", namespace="shop", name="[IP_1]", id="ab"),
        parameters=Parameters(name="hook", arguments={"host": "[IP_1]:80", "mail": "[EMAIL_1]"}),
    )
    real = restore_step(step, {"[IP_1]": "10.0.0.1", "[EMAIL_1]": "bob@example.com"})
    assert real.target == Target(kind="node", namespace="shop", name="10.0.0.1", id="ab")
    assert real.parameters.arguments == {"host": "10.0.0.1:80", "mail": "bob@example.com"}
    assert real.operation == step.operation


# --- texts with no way back -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "limit", "shown"),
    [
        ("dial tcp 10.0.0.1:443 from 10.0.0.2", 100, "dial tcp [IP]:443 from [IP]"),
        ("[IP_1] refused bob@example.com", 100, "(IP_1) refused [EMAIL]"),
        ("all is well", 100, "all is well"),
        ("a long way to tell of 10.0.0.1", 25, "a long way to tell of"),
        ("token=abcdefgh1234 " * 9, 30, "token=[API_KEY]"),
        ("x" * 1000, 10, "x" * 10),
        ("", 10, ""),
    ],
    ids=["addresses", "a label of another text", "clean", "cut", "cut after covering", "no blank", "empty"],
)
def test_what_servers_and_people_say_is_covered_for_good(text: str, limit: int, shown: str) -> None:
    assert cover_text(text, limit) == shown
    assert len(cover_text(text, limit)) <= limit


def test_nearly_all_values_are_covered_and_hardly_a_clean_line_is_touched() -> None:
    lines = measured("safety/pii.jsonl")
    spans = [(line["text"], span["start"], span["end"]) for line in lines for span in line["spans"]]
    clean = [line["text"] for line in lines if not line["spans"]]
    covered = sum(any(a <= start and end <= b for a, b, _ in find(text)) for text, start, end in spans)
    touched = sum(bool(find(text)) for text in clean)
    assert covered / len(spans) >= 0.99
    assert touched / len(clean) <= 0.02


@pytest.mark.parametrize(
    "part",
    [
        "a.",
        "1.",
        ":",
        "f:",
        "a@",
        "password=",
        "://a:",
        "mysql ",
        "curl ",
        "-----BEGIN PRIVATE KEY-----",
        "eyJ",
        "-",
        "'",
    ],
)
def test_no_text_takes_long(part: str) -> None:
    text = (part * 4000)[:4000] + "@"
    started = time.perf_counter()
    find(text)
    assert time.perf_counter() - started < 1
