"""A cluster that is away, slow, or answers rubbish: a reason in one sentence, in time, never a crash."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from connectors.evidence import Unavailable
from connectors.kubernetes import connection, kinds
from connectors.kubernetes.client import Clusters
from connectors.kubernetes.config import KubernetesConfig
from connectors.kubernetes.evidence import KubernetesEvidence
from connectors.kubernetes.fake_server import Fault
from tests.connectors.kubernetes.worlds import World, gaps, of_kind, one, wanted
from tests.peers import free_port
from tests.peers.kubernetes import write_kubeconfig
from tests.peers.tls import Authority

HTML = b"<html><body>Log in at the proxy</body></html>"
POD = {"kind": "Pod", "metadata": {"name": "api-1"}}
NULLS = {"kind": "Pod", "metadata": {"name": "api-1", "labels": None, "ownerReferences": None}}


def faults(world: World) -> list[Fault]:
    assert world.fake is not None
    return world.fake.faults


def body(value: Any) -> bytes:
    return json.dumps(value).encode()


RUBBISH = [
    pytest.param(Fault(body=HTML, content="text/html"), "answered text/html, not an object", id="HTML"),
    pytest.param(Fault(body=b'{"kind": "Pod", "meta'), "JSON that is cut or broken", id="broken JSON"),
    pytest.param(Fault(body=body(POD) * 9, cut=True), "cannot be reached", id="cut"),
    pytest.param(Fault(body=b"[]"), "answered a list, not an object", id="a list"),
    pytest.param(Fault(body=b"null"), "answered a NoneType, not an object", id="null"),
    pytest.param(Fault(body=b"\xff\xfe"), "cut or broken", id="no UTF-8"),
    pytest.param(Fault(body=body({})), "something else than pod api-1", id="empty"),
    pytest.param(Fault(body=body({**POD, "kind": "Secret"})), "something else than", id="another kind"),
    pytest.param(
        Fault(body=body({"kind": "Pod", "metadata": None})), "something else than", id="no metadata"
    ),
    pytest.param(
        Fault(body=body({"kind": "Pod", "metadata": {"name": "b"}})), "something else", id="another pod"
    ),
    pytest.param(Fault(status=500, body=HTML), "it answered 500", id="500 in HTML"),
    pytest.param(
        Fault(status=503, body=body({"message": "apiserver is shutting down"})), "shutting", id="503"
    ),
    pytest.param(Fault(status=403, body=body({"message": "pods is forbidden"})), "forbidden", id="403"),
    pytest.param(Fault(status=429, body=body({"message": "too many requests"})), "too many", id="429"),
    pytest.param(Fault(status=302, body=HTML, content="text/html"), "not an object", id="a redirect"),
    pytest.param(Fault(status=401, body=HTML), "does not know our log-in", id="401"),
]


@pytest.mark.parametrize(("fault", "reason"), RUBBISH)
async def test_rubbish_is_a_reason(fake: World, fault: Fault, reason: str) -> None:
    faults(fake).append(fault)

    with pytest.raises(Unavailable, match=reason) as raised:
        await fake.look("pod", "api-1")

    told = str(raised.value)
    assert told.startswith("cluster default")
    assert "\n" not in told
    assert len(told) < 300


async def test_an_endless_answer_is_cut_off(fake: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "MAX_ANSWER_BYTES", 10_000)
    faults(fake).append(Fault(body=b" " * 20_000 + body(POD)))

    with pytest.raises(Unavailable, match="an answer is over 10000 bytes"):
        await fake.look("pod", "api-1")


async def test_a_slow_answer_is_not_waited_for(fake: World) -> None:
    faults(fake).append(Fault(delay_secs=60))
    began = time.monotonic()

    with pytest.raises(Unavailable, match=r"no answer within 0\.3 s"):
        await fake.look("pod", "api-1", settings={"call_timeout_secs": 0.3})

    assert time.monotonic() - began < 2


async def test_what_was_read_in_time_is_told(fake: World) -> None:
    fake.deploy("api", replicas=1)
    faults(fake).append(Fault(on="/events", delay_secs=60))

    found = await fake.look("deployment", "api", settings={"timeout_secs": 0.5})

    assert one(found, "deployment").about == "api"
    assert gaps(found) == ["cluster default: not all was read within 0.5 s"]


async def test_a_cluster_that_is_slow_throughout_is_given_up(fake: World) -> None:
    faults(fake).append(Fault(delay_secs=60))

    with pytest.raises(Unavailable, match=r"not all was read within 0\.3 s"):
        await fake.look("pod", "api-1", settings={"timeout_secs": 0.3})


async def test_nobody_listens(tmp_path: Path) -> None:
    path = write_kubeconfig(tmp_path / "k", f"http://127.0.0.1:{free_port()}", None, "t")

    with pytest.raises(Unavailable, match="cluster default cannot be reached"):
        await _look(path)


async def test_a_server_of_another_authority(tmp_path: Path) -> None:
    (tmp_path / "ca.crt").write_bytes(Authority.make().certificate_pem())
    server, port = await _tls_server(tmp_path)
    async with server:
        path = write_kubeconfig(tmp_path / "k", f"https://127.0.0.1:{port}", tmp_path / "ca.crt", "t")

        with pytest.raises(Unavailable, match="CERTIFICATE_VERIFY_FAILED"):
            await _look(path)


async def _tls_server(folder: Path) -> tuple[Any, int]:
    import asyncio
    import ssl

    pem = folder / "server.pem"
    pem.write_bytes(Authority.make().issue_pem("127.0.0.1"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=context)
    return server, server.sockets[0].getsockname()[1]


def _server(told: str) -> str:
    return (
        "current-context: a\ncontexts: [{name: a, context: {cluster: c, user: u}}]\nusers: []\n"
        f"clusters: [{{name: c, cluster: {{server: '{told}'}}}}]\n"
    )


BAD_LOGINS = [
    pytest.param(_server("no-scheme:80"), "cannot be reached", id="no scheme"),
    pytest.param(_server("ftp://x"), "cannot be reached", id="another scheme"),
    pytest.param(_server("http://"), "cannot be reached", id="no host"),
    pytest.param(_server("http://[::1"), "cannot be", id="half an address"),
    pytest.param(_server(""), "cannot be", id="no server"),
    pytest.param(_server("http://no.such.host.invalid"), "cannot be reached", id="unknown host"),
    pytest.param(None, "there is no file", id="no file"),
    pytest.param("", "cannot be used", id="empty"),
    pytest.param("just text", "cannot be used", id="text"),
    pytest.param("[1, 2]", "cannot be used", id="a list"),
    pytest.param("{unclosed", "cannot be used", id="broken YAML"),
    pytest.param("clusters: []\ncontexts: []\n", "cannot be used", id="no context"),
    pytest.param("current-context: a\ncontexts: null\n", "cannot be used", id="null contexts"),
    pytest.param(
        "current-context: a\ncontexts: [{name: a, context: {cluster: c, user: u}}]\n"
        "clusters: [{name: c, cluster: {server: 'https://x', certificate-authority-data: '%%'}}]\n",
        "cannot be used",
        id="bad base64",
    ),
    pytest.param(
        "current-context: a\ncontexts: [{name: a, context: {cluster: c, user: u}}]\n"
        "clusters: [{name: c, cluster: {server: 'https://x', certificate-authority: /no/such/file}}]\n",
        "cannot be used",
        id="no such authority",
    ),
]


@pytest.mark.parametrize(("text", "reason"), BAD_LOGINS)
async def test_a_kubeconfig_that_is_none(tmp_path: Path, text: str | None, reason: str) -> None:
    path = tmp_path / "kubeconfig"
    if text is not None:
        path.write_text(text)

    with pytest.raises(Unavailable, match=reason) as raised:
        await _look(path)

    assert "\n" not in str(raised.value)


async def _look(kubeconfig: Path) -> None:
    config = KubernetesConfig(clusters={"default": str(kubeconfig)}, call_timeout_secs=3)
    clusters = Clusters(config)
    try:
        await KubernetesEvidence(clusters).gather(wanted("pod", "api-1", namespace="shop"))
    finally:
        await clusters.close()


async def test_not_in_a_pod(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    clusters = Clusters(KubernetesConfig(clusters={"default": "in-cluster"}))

    with pytest.raises(Unavailable, match="in-cluster"):
        await KubernetesEvidence(clusters).gather(wanted("pod", "api-1"))


async def test_a_renewed_token_is_read_from_the_file(fake: World) -> None:
    assert fake.fake is not None
    fake.deploy("api", replicas=1)
    clusters = Clusters(fake.config())
    gatherer = KubernetesEvidence(clusters)
    await gatherer.gather(fake.wanted("deployment", "api"))

    fake.fake.token = "renewed"
    fake.fake.kubeconfig(fake.peer.kubeconfig)
    found = await gatherer.gather(fake.wanted("deployment", "api"))

    assert one(list(found), "deployment").about == "api"
    await clusters.close()


async def test_a_forbidden_part_is_a_gap(fake: World) -> None:
    assert fake.fake is not None
    fake.deploy("api", replicas=1)
    pod = fake.pods("api")[0]["metadata"]["name"]
    fake.fake.cluster.denied |= {("get", "nodes"), ("list", "events")}

    found = await fake.look("pod", pod)

    assert one(found, "deployment").about == "api"
    assert of_kind(found, "node") == []
    assert [("nodes is forbidden" in gap or "events is forbidden" in gap) for gap in gaps(found)] == [
        True,
        True,
    ]


NESTED: list[Any] = [None, 7, "text", [], [None], {}, {"a": None}, True, [[]], [{"type": 3, "status": []}]]


@pytest.mark.parametrize(
    "kind", ["pod", "deployment", "statefulset", "daemonset", "job", "pvc", "service", "node"]
)
@pytest.mark.parametrize("wrong", NESTED, ids=repr)
async def test_an_object_that_is_wrong_inside(fake: World, kind: str, wrong: Any) -> None:
    """Whatever stands where something else should: what is known is told."""
    assert fake.fake is not None
    metadata = {"name": "x", **dict.fromkeys(("labels", "annotations", "ownerReferences"), wrong)}
    obj = {"kind": kinds.BY_WORD[kind].kind, "metadata": {**metadata, "creationTimestamp": wrong}}
    faults(fake).append(
        Fault(on=f"/{kinds.BY_WORD[kind].plural}/x", body=body({**obj, "spec": wrong, "status": wrong}))
    )

    found = await fake.look(kind, "x")

    assert one(found, kind).about == "x"


@pytest.mark.parametrize(
    "wrong", [None, 7, "text", {}, [None], [[]], [{"metadata": None}], [{"metadata": {"name": 4}}]]
)
async def test_a_listing_that_is_wrong_inside(fake: World, wrong: Any) -> None:
    fake.deploy("api", replicas=1)
    for plural in ("pods", "replicasets", "events", "deployments", "endpointslices"):
        listing = {"kind": f"{_kind(plural)}List", "metadata": wrong, "items": wrong}
        faults(fake).append(Fault(on=f"/{plural}?", body=body(listing)))

    found = await fake.look("deployment", "api")

    assert one(found, "deployment").about == "api"


async def test_a_listing_of_something_else_is_a_gap(fake: World) -> None:
    fake.deploy("api", replicas=1)
    faults(fake).append(Fault(on="/pods?", body=body({"kind": "SecretList", "items": []})))

    found = await fake.look("deployment", "api")

    assert gaps(found) == ["cluster default answered something else than a list of pods"]


async def test_a_listing_that_never_ends_is_cut(fake: World) -> None:
    endless = {"kind": "PodList", "metadata": {"continue": "again"}, "items": []}
    fake.deploy("api", replicas=1)
    faults(fake).append(Fault(on="/pods?", body=body(endless)))
    assert fake.fake is not None

    await fake.look("deployment", "api", settings={"page_size": 100, "max_objects": 500})

    assert sum("/pods?" in call and "limit" in call for call in fake.fake.calls) < 10


def _kind(plural: str) -> str:
    return next(kind.kind for kind in kinds.ALL if kind.plural == plural)
