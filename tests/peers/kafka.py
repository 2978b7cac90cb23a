"""Apache Kafka: one KRaft node on loopback, from the jars of Maven Central."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.peers.cache import cached, run_build
from tests.peers.process import Process
from tests.peers.tls import Authority
from tests.peers.tools import MissingToolError, find_tool
from tests.peers.waiting import free_ports

VERSION = "4.1.0"
GIVEN = "AWOOOI_TEST_KAFKA"
MAX_MESSAGE_BYTES = 8 * 1024 * 1024
_JAVA_HINT = "Java 17 or later; Debian: openjdk-17-jre-headless"
_MAVEN_HINT = "it fetches Kafka's jars; Debian: maven"
_CLUSTER_ID = "AWOOOItestPeersKafka00"

_POM = f"""<project xmlns="http://maven.apache.org/POM/4.0.0">
<modelVersion>4.0.0</modelVersion><groupId>peers</groupId><artifactId>kafka</artifactId><version>1</version>
<dependencies>
<dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{VERSION}</version></dependency>
<dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j-impl</artifactId><version>2.24.3</version></dependency>
</dependencies>
</project>
"""

_LOGGING = """status = error
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = [%d] %p %m (%c)%n
rootLogger.level = warn
rootLogger.appenderRef.out.ref = out
logger.server.name = kafka.server
logger.server.level = info
"""

SETTINGS = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SECURE:SASL_SSL",
    "broker.heartbeat.interval.ms": "500",
    "broker.session.timeout.ms": "3000",  # a start after a kill waits for the old registration to end
    "num.partitions": "4",
    "auto.create.topics.enable": "false",  # a topic that nobody declared shows
    "message.max.bytes": str(MAX_MESSAGE_BYTES),
    "replica.fetch.max.bytes": str(MAX_MESSAGE_BYTES),
    "socket.request.max.bytes": str(64 * 1024 * 1024),
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "8",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",
    "log.cleaner.enable": "true",
    "log.cleaner.dedupe.buffer.size": str(16 * 1024 * 1024),
    "log.cleaner.backoff.ms": "1000",
}


@dataclass(frozen=True)
class Login:
    """What a client needs for the secure listener (SASL over TLS; PLAIN and SCRAM-SHA-512 both work)."""

    ca_file: Path
    user: str = "awoooi"
    password: str = field(default="correct-horse-battery", repr=False)
    mechanism: str = "SCRAM-SHA-512"


@dataclass
class KafkaPeer:
    """A broker that can be stopped, killed, and started again on the same port with the same data."""

    bootstrap: str
    login: Login | None = None
    _node: _Node | None = None

    @classmethod
    @contextmanager
    def running(
        cls, *, secure: bool = False, folder: Path | None = None, settings: Mapping[str, str] | None = None
    ) -> Iterator[KafkaPeer]:
        """A broker of one's own; `settings` go into server.properties. Without `folder` its data goes too."""
        home = folder or Path(tempfile.mkdtemp(prefix="awoooi-kafka-"))
        peer = _prepare(home, secure=secure, settings=settings or {})
        try:
            peer.start()
            yield peer
        finally:
            peer.kill()  # the data is thrown away: no reason to wait for an orderly end
            if folder is None:
                shutil.rmtree(home, ignore_errors=True)

    @classmethod
    def given(cls) -> KafkaPeer | None:
        """The broker named by AWOOOI_TEST_KAFKA, if any."""
        bootstrap = os.environ.get(GIVEN)
        return cls(bootstrap) if bootstrap else None

    @property
    def data_dir(self) -> Path:
        return self._own().data_dir

    @property
    def log(self) -> Path:
        return self._own().process.log

    @property
    def pid(self) -> int:
        return self._own().process.pid

    def start(self) -> None:
        """Returns when the broker takes requests (about 3 s)."""
        process = self._own().process
        process.start()
        process.wait_for_output("Kafka Server started", timeout=60)

    def stop(self) -> None:
        """An orderly end; the data stays."""
        self._own().process.stop(timeout=30)

    def kill(self) -> None:
        """SIGKILL; the data stays as it is."""
        self._own().process.kill()

    def _own(self) -> _Node:
        if self._node is None:
            raise RuntimeError(
                f"the Kafka at {self.bootstrap} was given by {GIVEN}: it is not ours to stop or look into"
            )
        return self._node


@dataclass(frozen=True)
class _Node:
    data_dir: Path
    process: Process


def jars() -> Path:
    """Kafka and what it needs, fetched once."""

    def fetch(workshop: Path) -> None:
        (workshop / "pom.xml").write_text(_POM)
        run_build(
            [
                find_tool("mvn", _MAVEN_HINT),
                "-q",
                "-B",
                "dependency:copy-dependencies",
                "-DoutputDirectory=libs",
            ],
            cwd=workshop,
        )

    return cached("kafka", VERSION, fetch) / "libs"


def java() -> str:
    """A Java that Kafka 4 starts on."""
    home = os.environ.get("JAVA_HOME")
    path = str(Path(home) / "bin" / "java") if home else find_tool("java", _JAVA_HINT)
    told = subprocess.run([path, "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "(\d+)', told)
    if found is None or int(found[1]) < 17:
        raise MissingToolError(
            f"Java 17 or later is missing, `{path}` is {told.splitlines()[:1]} ({_JAVA_HINT})"
        )
    return path


def _prepare(home: Path, *, secure: bool, settings: Mapping[str, str]) -> KafkaPeer:
    """Settings and formatted storage in `home`; nothing runs yet."""
    data = home / "data"
    data.mkdir(parents=True)
    client_port, controller_port = free_ports(2)
    listener = "SECURE" if secure else "PLAINTEXT"
    address = f"127.0.0.1:{client_port}"
    login = Login(ca_file=home / "ca.pem") if secure else None
    wanted = {
        **SETTINGS,
        "log.dirs": str(data),
        "listeners": f"{listener}://{address},CONTROLLER://127.0.0.1:{controller_port}",
        "advertised.listeners": f"{listener}://{address}",
        "inter.broker.listener.name": listener,
        "controller.quorum.voters": f"1@127.0.0.1:{controller_port}",
        **(_secure_settings(home, login) if login else {}),
        **settings,
    }
    (home / "server.properties").write_text("".join(f"{key}={value}\n" for key, value in wanted.items()))
    (home / "log4j2.properties").write_text(_LOGGING)
    _format_storage(home, login)
    return KafkaPeer(address, login, _Node(data, _server(home)))


def _server(home: Path) -> Process:
    return Process(
        [*_java_command(home, "-Xms256m", "-Xmx768m"), "kafka.Kafka", "server.properties"],
        home / "kafka.log",
        cwd=home,
    )


def _format_storage(home: Path, login: Login | None) -> None:
    scram = f"SCRAM-SHA-512=[name={login.user},password={login.password}]" if login else None
    run_build(
        [
            *_java_command(home, "-Xmx128m", "-XX:TieredStopAtLevel=1"),
            *("kafka.tools.StorageTool", "format", "-t", _CLUSTER_ID, "-c", "server.properties"),
            *(["--add-scram", scram] if scram else []),
        ],
        cwd=home,
    )


def _java_command(home: Path, *options: str) -> list[str]:
    logging = f"-Dlog4j2.configurationFile={home / 'log4j2.properties'}"
    return [
        java(),
        *options,
        "-XX:+UseSerialGC" if "-Xmx128m" in options else "-XX:+UseG1GC",
        logging,
        "-cp",
        f"{jars()}/*",
    ]


def _secure_settings(home: Path, login: Login) -> dict[str, str]:
    """TLS with a certificate of our own authority, PLAIN and SCRAM over it."""
    authority = Authority.make()
    login.ca_file.write_bytes(authority.certificate_pem())
    keystore = home / "server.pem"
    keystore.write_bytes(authority.issue_pem("127.0.0.1"))
    plain = "org.apache.kafka.common.security.plain.PlainLoginModule required"
    scram = "org.apache.kafka.common.security.scram.ScramLoginModule required"
    who = f'username="{login.user}" password="{login.password}"'
    return {
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(keystore),
        "ssl.truststore.type": "PEM",  # the broker checks that it could talk to itself
        "ssl.truststore.location": str(login.ca_file),
        "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-512",
        "sasl.mechanism.inter.broker.protocol": "PLAIN",
        "listener.name.secure.plain.sasl.jaas.config": f'{plain} {who} user_{login.user}="{login.password}";',
        "listener.name.secure.scram-sha-512.sasl.jaas.config": f"{scram} {who};",
    }
