"""Settings: where they come from, and that a refusal names the setting and what is allowed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

import pytest

from awoooi.explain import allowed
from awoooi.loading import Origin, known_settings, load
from awoooi.settings import DedupSettings
from schemas.errors import Misconfigured
from streams.stages.dedup import DedupConfig

SECRET = "correct-horse-battery-staple"


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The least that a start needs; no file in the working folder."""
    monkeypatch.chdir(tmp_path)
    return {"AWOOOI_STATE_DIR": str(tmp_path / "state")}


def refused(environment: Mapping[str, str]) -> str:
    with pytest.raises(Misconfigured) as caught:
        load(environment)
    return str(caught.value)


WRONG = {
    "a word for a number": ("AWOOOI_GATEWAY_PORT", "many", "a whole number from 0 to 65535"),
    "out of bounds": ("AWOOOI_PARTITIONS", "0", "a whole number from 1 to 1000"),
    "not among the words": ("AWOOOI_LOG_FORMAT", "xml", "auto, json, readable"),
    "neither true nor false": ("AWOOOI_EMBEDDED", "perhaps", "true, false"),
    "a negative time": ("AWOOOI_DEDUP_COPY_WINDOW_SECS", "-1", "a number above 0"),
    "no address": ("AWOOOI_KAFKA_BOOTSTRAP_SERVERS", "nowhere", "host:port"),
    "no URL": ("AWOOOI_CLICKHOUSE_URL", "localhost", "http"),
    "an unknown protocol": (
        "AWOOOI_KAFKA_SECURITY_PROTOCOL",
        "TLS",
        "PLAINTEXT, SSL, SASL_PLAINTEXT",
    ),
    "no raw topic": ("AWOOOI_PROJECT_BY_TOPIC", "incidents=a", "alerts.raw."),
    "no pairs": ("AWOOOI_PROJECT_BY_TOPIC", "alerts.raw.grafana", "name=value"),
    "broken JSON": ("AWOOOI_SOURCES", '["grafana"', "names, with commas between"),
    "no event type": ("AWOOOI_JSON_EVENTS", "incident.exploded", "incident.opened"),
    "an empty value": ("AWOOOI_STORE_PORT", " ", "give a value or unset it"),
    "a store for everyone": ("AWOOOI_STORE_HOST", "192.0.2.1", "loopback only"),
}


@pytest.mark.parametrize(("variable", "value", "says"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_value_is_named_with_what_is_allowed(
    base: dict[str, str], variable: str, value: str, says: str
) -> None:
    said = refused({**base, variable: value})

    assert said.startswith(variable)
    assert says in said
    assert "\n" not in said


def test_all_wrong_values_are_told_at_once(base: dict[str, str]) -> None:
    said = refused({**base, "AWOOOI_GATEWAY_PORT": "x", "AWOOOI_LOG_LEVEL": "loud"})

    assert len(said.splitlines()) == 2


def test_settings_that_do_not_fit_together_name_their_section(base: dict[str, str]) -> None:
    said = refused({**base, "AWOOOI_KAFKA_SECURITY_PROTOCOL": "SASL_SSL"})

    assert said.startswith("AWOOOI_KAFKA_*: SASL_SSL needs")


def test_no_refusal_shows_the_value(base: dict[str, str]) -> None:
    """It may be a secret in the wrong place, or a password inside an address."""
    secrets_everywhere = {
        "AWOOOI_GATEWAY_PORT": SECRET,
        "AWOOOI_CLICKHOUSE_URL": f"http://user:{SECRET}@host",
        "AWOOOI_KAFKA_BOOTSTRAP_SERVERS": f"user:{SECRET}@host",
        "AWOOOI_REGISTRY_URL": f"https://user:{SECRET}@host",
        "AWOOOI_LOG_FORMAT": SECRET,
        "AWOOOI_STORE_DATABASE": f"{SECRET}!",
    }

    said = refused({**base, **secrets_everywhere})

    assert len(said.splitlines()) == len(secrets_everywhere)
    assert SECRET not in said


@pytest.mark.parametrize(
    ("variable", "meant"),
    [
        ("AWOOOI_GATEWAY_PROT", "AWOOOI_GATEWAY_PORT"),
        ("AWOOOI_CLICKHOUSE_PASWORD", "AWOOOI_CLICKHOUSE_PASSWORD"),
        ("AWOOOI_STATEDIR", "AWOOOI_STATE_DIR"),
    ],
)
def test_an_unknown_variable_is_refused_with_the_one_that_was_meant(
    base: dict[str, str], variable: str, meant: str
) -> None:
    assert refused({**base, variable: "1"}) == f"{variable}: there is no such setting; did you mean {meant}?"


def test_variables_of_tests_are_not_what_was_meant(base: dict[str, str]) -> None:
    assert "CRASH_AT" not in refused({**base, "AWOOOI_CRASH": "1"})


def test_all_that_is_wrong_is_told_at_once(base: dict[str, str]) -> None:
    """Of names, of what cannot be read, and of values; in the file as in the environment."""
    Path("awoooi.yaml").write_text("partitions: none\ngateway: {prot: 1}\nstore: 8123\n")
    wrong = {
        "AWOOOI_PORT": "1",
        "AWOOOI_PROJECT_BY_TOPIC": "a",
        "AWOOOI_GATEWAY_PORT": "many",
        "AWOOOI_LOG_FORMAT": "xml",
        "AWOOOI_SOURCES": " ",
    }

    said = refused({**base, **wrong}).splitlines()

    assert {line.partition(": ")[0] for line in said if line.startswith("AWOOOI")} == set(wrong)
    assert {line.split(": ")[1] for line in said if line.startswith("awoooi.yaml")} == {
        "partitions",
        "gateway.prot",
        "store",
    }
    assert len(said) == 8


def test_a_file_that_cannot_be_read_does_not_hide_what_else_is_wrong(base: dict[str, str]) -> None:
    said = refused({**base, "AWOOOI_CONFIG": "no-such.yaml", "AWOOOI_GATEWAY_PORT": "many"})

    assert "no-such.yaml cannot be read" in said
    assert "AWOOOI_GATEWAY_PORT" in said


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a", "AWOOOI_PROJECT_BY_TOPIC: has no `=`"),
        ("a,b=1", "1 of its 2 parts has no `=`"),
        ("a,b", "2 of its 2 parts have no `=`"),
    ],
)
def test_pairs_without_their_sign_are_counted(base: dict[str, str], text: str, says: str) -> None:
    assert says in refused({**base, "AWOOOI_PROJECT_BY_TOPIC": text})


def test_variables_of_tests_are_no_settings_and_are_let_pass(base: dict[str, str]) -> None:
    for variable in ("AWOOOI_TEST_KAFKA", "AWOOOI_CRASH_AT", "AWOOOI_GUARD_OFF", "AWOOOI_REQUIRE_PEERS"):
        load({**base, variable: "anything"})


class TestFile:
    def test_the_environment_is_over_the_file_and_the_file_over_the_defaults(
        self, base: dict[str, str], tmp_path: Path
    ) -> None:
        file = tmp_path / "mine.yaml"
        file.write_text("gateway: {port: 8081, retry_after_secs: 7}\nstore: {port: 9000}\n")

        loaded = load({**base, "AWOOOI_CONFIG": str(file), "AWOOOI_GATEWAY_PORT": "8082"})

        settings = loaded.settings
        assert (settings.gateway.port, settings.gateway.retry_after_secs) == (8082, 7)
        assert settings.clickhouse.url == "http://127.0.0.1:9000"
        assert loaded.origin("gateway", "port") is Origin.ENVIRONMENT
        assert loaded.origin("gateway", "retry_after_secs") is Origin.FILE
        assert loaded.origin("clickhouse", "url") is Origin.DERIVED
        assert loaded.origin("gateway", "host") is Origin.DEFAULT

    def test_a_file_in_the_working_folder_is_found(self, base: dict[str, str]) -> None:
        Path("awoooi.yaml").write_text("partitions: 6\n")

        assert load(base).settings.partitions == 6

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("gatway: {port: 1}", "gatway: there is no such setting"),
            ("gateway: {prot: 1}", "gateway.prot: there is no such setting; did you mean gateway.port?"),
            ("gateway: 8080", "gateway: is a section"),
            ("gateway: {port: [1]}", "gateway.port: should be a valid integer"),
            ("- a\n- b", "must hold names and values"),
            ("a: [", "is no YAML in line 1"),
        ],
    )
    def test_what_is_wrong_in_it_is_named(self, base: dict[str, str], text: str, says: str) -> None:
        file = Path("mine.yaml")
        file.write_text(text)

        assert f"{file}: {says}" in refused({**base, "AWOOOI_CONFIG": str(file)})

    def test_a_file_that_is_named_must_be_there(self, base: dict[str, str]) -> None:
        assert "no-such.yaml cannot be read" in refused({**base, "AWOOOI_CONFIG": "no-such.yaml"})


class TestDerived:
    def test_without_a_broker_it_is_the_embedded_one(self, base: dict[str, str]) -> None:
        loaded = load({**base, "AWOOOI_BROKER_PORT": "19092"})

        assert loaded.starts_broker
        assert loaded.settings.embedded
        assert loaded.settings.partitions == 4
        assert loaded.settings.kafka.bootstrap_servers == "127.0.0.1:19092"

    def test_with_a_broker_it_is_production(self, base: dict[str, str]) -> None:
        loaded = load({**base, "AWOOOI_KAFKA_BOOTSTRAP_SERVERS": "kafka:9092"})

        assert not loaded.starts_broker
        assert not loaded.settings.embedded
        assert loaded.settings.partitions == 12
        assert loaded.settings.log_epoch == ""

    def test_a_clickhouse_of_ones_own_gets_none_of_the_stores_passwords(self, base: dict[str, str]) -> None:
        state = Path(base["AWOOOI_STATE_DIR"])
        state.mkdir()
        (state / "store-writer.password").write_text(SECRET)

        loaded = load({**base, "AWOOOI_CLICKHOUSE_URL": "https://ch:8443"})

        assert not loaded.starts_store
        assert loaded.settings.clickhouse.writer().password.get_secret_value() == ""
        assert load(base).settings.clickhouse.writer().password.get_secret_value() == SECRET

    def test_a_password_may_lie_in_a_file(self, base: dict[str, str], tmp_path: Path) -> None:
        (tmp_path / "password").write_text(f"{SECRET}\n")
        given = {
            "AWOOOI_CLICKHOUSE_URL": "http://ch:8123",
            "AWOOOI_CLICKHOUSE_PASSWORD_FILE": str(tmp_path / "password"),
        }

        assert load({**base, **given}).settings.clickhouse.writer().password.get_secret_value() == SECRET


def test_lists_and_mappings_in_variables(base: dict[str, str]) -> None:
    given = {
        "AWOOOI_SOURCES": "alertmanager, grafana",
        "AWOOOI_PROJECT_BY_TOPIC": "alerts.raw.grafana=team-a, alerts.raw.auto=team-b",
        "AWOOOI_JSON_EVENTS": '["incident.opened"]',
    }

    settings = load({**base, **given}).settings

    assert settings.sources == ("alertmanager", "grafana")
    assert settings.project_by_topic == {"alerts.raw.grafana": "team-a", "alerts.raw.auto": "team-b"}
    assert settings.json_events == ("incident.opened",)


def test_dedups_settings_are_the_stages_own(base: dict[str, str]) -> None:
    stage = {field.name: field.default for field in fields(DedupConfig)}

    assert DedupSettings().model_dump() == stage


def test_the_document_lists_every_setting() -> None:
    document = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text()

    missing = [row for row in document_rows() if row not in document]

    assert not missing, "docs/configuration.md lacks:\n" + "\n".join(missing)


def document_rows() -> list[str]:
    """The table of docs/configuration.md, from the settings themselves."""
    rows = []
    for setting in known_settings():
        field = setting.field
        default = field.get_default(call_default_factory=True) if not field.is_required() else None
        shown = (
            f"`{default}`"
            if default not in (None, "", (), {}) and "Secret" not in type(default).__name__
            else ""
        )
        words = field.description or ""
        may = allowed(field)
        what = f"{may}; {words}" if words and words != may else may
        rows.append(f"| `{setting.variable}` | {shown} | {what.replace('|', chr(92) + '|')} |")
    return rows
