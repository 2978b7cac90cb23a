"""Settings of every Kafka client: wrong ones are named, secrets stay hidden."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.kafka.config import KafkaConfig
from schemas.errors import Misconfigured

LOGIN = {"security_protocol": "SASL_SSL", "sasl_mechanism": "PLAIN", "username": "u", "password": "geheim"}


def test_the_defaults_reach_a_broker_on_this_machine() -> None:
    options = KafkaConfig().client_options()

    assert options["bootstrap_servers"] == ["127.0.0.1:9092"]
    assert options["security_protocol"] == "PLAINTEXT"
    assert options["ssl_context"] is None


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        pytest.param({"bootstrap_servers": ""}, "'' is not host:port", id="no address"),
        pytest.param({"bootstrap_servers": "kafka"}, "'kafka' is not host:port", id="no port"),
        pytest.param({"bootstrap_servers": "kafka:99999"}, "'kafka:99999' is not", id="port too high"),
        pytest.param({"bootstrap_servers": "a:1,,b:2"}, "'' is not host:port", id="a hole in the list"),
        pytest.param({"bootstrap_servers": "http://a:1"}, "is not host:port", id="an URL"),
        pytest.param({"security_protocol": "TLS"}, "'PLAINTEXT', 'SSL', 'SASL_PLAINTEXT'", id="protocol"),
        pytest.param({**LOGIN, "sasl_mechanism": "GSSAPI"}, "'PLAIN', 'SCRAM-SHA-256'", id="mechanism"),
        pytest.param({**LOGIN, "username": None}, "needs sasl_mechanism and username", id="no user"),
        pytest.param({**LOGIN, "password": None}, "either password or password_file", id="no password"),
        pytest.param({**LOGIN, "password_file": "/x"}, "either password or", id="two passwords"),
        pytest.param({"username": "u"}, "must be SASL_SSL or SASL_PLAINTEXT", id="a log-in without SASL"),
        pytest.param({"ca_file": "/x"}, "must be SSL or SASL_SSL", id="certificates without TLS"),
        pytest.param({"security_protocol": "SSL", "key_file": "/x"}, "go together", id="a key alone"),
        pytest.param({"request_timeout_secs": 0}, "greater than 0", id="no time"),
        pytest.param({"acks": "all"}, "Extra inputs are not permitted", id="an unknown name"),
    ],
)
def test_a_wrong_setting_is_named_with_what_is_allowed(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError) as error:
        KafkaConfig(**settings)

    assert told in str(error.value)


def test_several_addresses_and_ipv6_are_fine() -> None:
    assert KafkaConfig(bootstrap_servers="a:1, [::1]:9092").servers == ["a:1", "[::1]:9092"]


def test_the_password_is_hidden_but_used() -> None:
    config = KafkaConfig(**{**LOGIN, "security_protocol": "SASL_PLAINTEXT"})

    assert "geheim" not in repr(config)
    assert "geheim" not in str(config.model_dump())
    assert config.client_options()["sasl_plain_password"] == "geheim"


def test_the_password_may_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("geheim\n")
    config = KafkaConfig(**{**LOGIN, "password": None, "password_file": tmp_path / "password"})

    assert config.client_options()["sasl_plain_password"] == "geheim"


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        pytest.param({**LOGIN, "password": None, "password_file": "/none"}, "password_file: ", id="file"),
        pytest.param({"security_protocol": "SSL", "ca_file": "/none"}, "ca_file: /none", id="authority"),
        pytest.param(
            {"security_protocol": "SSL", "cert_file": "/none", "key_file": "/none"}, "cert_file", id="client"
        ),
    ],
)
def test_a_file_that_cannot_be_read_is_named(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(Misconfigured, match=told):
        KafkaConfig(**settings).client_options()


def test_tls_always_checks_the_other_side() -> None:
    context = KafkaConfig(security_protocol="SSL").ssl_context()

    assert context is not None
    assert context.check_hostname
