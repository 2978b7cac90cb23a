"""The rule engine on incidents as they are: what it blames with no model at all."""

from __future__ import annotations

import pytest

from agents.playbooks.book import load_book
from agents.rule_actions import proposals
from agents.rules import rank
from schemas.evidence import Brief, Surroundings
from schemas.operations import Operation
from tests.agents.briefs import blame, brief, kube, near, series, suspect, target

BOOK = load_book()
CHECKOUT = target("deployment", "checkout")
NODE = target("node", "worker-3")


def family(given: Brief) -> str:
    candidates = rank(given, BOOK)
    assert candidates, "no hypothesis"
    top = candidates[0]
    return top.playbook.family if top.playbook else f"suspect {top.service}"


BY_THE_ALERT_ALONE = [
    ("KubePodCrashLooping", CHECKOUT, "crash_loop"),
    ("PodRestartsTooOften", target("pod", "checkout-5d8-x2x4l"), "crash_loop"),
    ("kubernetes container oom killer", CHECKOUT, "memory"),
    ("ContainerOOMKilled", CHECKOUT, "memory"),
    ("ImagePullBackOff", target("pod", "checkout-5d8-x2x4l"), "image"),
    ("KubePodPending", CHECKOUT, "scheduling"),
    ("KubePodNotReady", CHECKOUT, "not_ready"),
    ("KubeDeploymentReplicasMismatch", CHECKOUT, "not_ready"),
    ("KubeDeploymentRolloutStuck", CHECKOUT, "rollout"),
    ("KubeHpaMaxedOut", CHECKOUT, "saturation"),
    ("CPUThrottlingHigh", CHECKOUT, "throttling"),
    ("KubeJobFailed", target("job", "nightly-report"), "job"),
    ("KubePersistentVolumeFillingUp", target("pvc", "data-orders-0"), "disk"),
    ("PVC pending", target("pvc", "data-orders-0"), "storage"),
    ("KubeQuotaExceeded", CHECKOUT, "quota"),
    ("KubeNodeNotReady", NODE, "node"),
    ("HostOutOfDiskSpace", NODE, "disk"),
    ("NodeFilesystemAlmostOutOfSpace", NODE, "disk"),
    ("HostHighCpuLoad", NODE, "cpu"),
    ("HostOutOfMemory", NODE, "memory"),
    ("NodeNetworkReceiveErrs", NODE, "network"),
    ("HostClockSkew", NODE, "clock"),
    ("PostgresDown", target("statefulset", "orders-db"), "database_down"),
    ("PostgresqlTooManyConnections", target("statefulset", "orders-db"), "connections"),
    ("MySQL replication lag", target("statefulset", "orders-db"), "replication"),
    ("PostgresqlSlowQueries", target("statefulset", "orders-db"), "slow_queries"),
    ("PostgresqlDeadLocks", target("statefulset", "orders-db"), "deadlocks"),
    ("RedisOutOfMemory", target("statefulset", "sessions"), "cache"),
    ("KafkaConsumerGroupLag", CHECKOUT, "queue"),
    ("RabbitmqTooManyMessagesInQueue", CHECKOUT, "queue"),
    ("RabbitmqNoConsumer", CHECKOUT, "consumer"),
    ("KafkaBrokerDown", target("statefulset", "kafka"), "broker"),
    ("SSLCertificateExpiringSoon", target("", "shop.example"), "certificate"),
    ("HighErrorRate", target("service", "checkout"), "errors"),
    ("http_5xx_ratio_high", target("service", "checkout"), "errors"),
    ("HighRequestLatency", target("service", "checkout"), "latency"),
    ("p99 response time too high", target("service", "checkout"), "latency"),
    ("NoRequestsReceived", target("service", "checkout"), "traffic"),
    ("TargetDown", target("service", "checkout"), "down"),
    ("CoreDNSErrorsHigh", target("service", "kube-dns"), "dns"),
    ("JvmMemoryFillingUp", CHECKOUT, "saturation"),
    ("HostTemperatureHigh", NODE, "hardware"),
    ("PrometheusConfigReloadFailed", CHECKOUT, "configuration"),
    ("GitalyWorkerCrashed", CHECKOUT, "failing"),
    ("HighRequestErrorRate", target("service", "checkout"), "errors"),
    ("HaproxyBackendDown", target("service", "edge"), "ingress"),
]


@pytest.mark.parametrize(("alert_type", "about", "expected"), BY_THE_ALERT_ALONE, ids=lambda v: str(v)[:40])
def test_the_alert_alone_leads_to_a_family_of_causes(alert_type, about, expected):
    given = brief(alert_type, about, message="see the dashboard")

    assert family(given) == expected
    assert rank(given, BOOK)[0].hypothesis.confidence >= 0.4
    assert rank(given, BOOK)[0].hypothesis.evidence == ("E1",)


OOM = {"phase": "Running", "last_terminated_reason": "OOMKilled", "owner": "replicaset/checkout-5d8"}
DB = near("orders-db", "database", "unhealthy")
BY_EVIDENCE = {
    "a symptom's cause in its own pod": (
        brief("HighErrorRate", CHECKOUT, [kube("pod", "checkout-5d8-x2x4l", OOM, restart_count=4)]),
        "memory",
    ),
    "a crash loop that is really for want of memory": (
        brief(
            "KubePodCrashLooping",
            CHECKOUT,
            [
                kube(
                    "pod",
                    "checkout-5d8-x2x4l",
                    {**OOM, "waiting_reason": "CrashLoopBackOff"},
                    restart_count=9,
                ),
                series("checkout-5d8-x2x4l", "memory_of_limit", highest=0.99, last=0.2),
            ],
        ),
        "memory",
    ),
    "an image that is not there, behind a stuck rollout": (
        brief(
            "KubePodNotReady",
            CHECKOUT,
            [
                kube("pod", "checkout-9f2-aaaaa", {"phase": "Pending", "waiting_reason": "ImagePullBackOff"}),
                kube("rollout", "checkout", {"changed": "true"}, changed_seconds=300),
            ],
        ),
        "image",
    ),
    "a node under a service": (
        brief(
            "KubePodNotReady",
            CHECKOUT,
            [
                kube("node", "worker-3", {"ready": "False", "pressure": ""}),
                kube("event", "worker-3", {"reason": "NodeNotReady", "type": "Warning"}),
            ],
        ),
        "node",
    ),
    "a dependency that is ill and has a reason": (
        brief(
            "HighErrorRate",
            CHECKOUT,
            [kube("pod", "orders-db-0", {"waiting_reason": "CrashLoopBackOff"}), blame("orders-db")],
            around=Surroundings(
                service="checkout", downstream=(DB,), suspects=(suspect("orders-db", "database"),)
            ),
        ),
        "crash_loop",
    ),
    "a dependency that explains most of it": (
        brief(
            "HighRequestLatency",
            CHECKOUT,
            [blame("orders-db", share=0.8, distance=1)],
            around=Surroundings(
                service="checkout", downstream=(DB,), suspects=(suspect("orders-db", "database", 0.8),)
            ),
        ),
        "suspect orders-db",
    ),
    "the first of several that were measured, before one that is only ill": (
        brief(
            "HighRequestLatency",
            CHECKOUT,
            [blame("orders-db", share=0.35, distance=1), blame("cart", share=0.2), blame("mail")],
            around=Surroundings(
                service="checkout",
                downstream=(DB, near("cart"), near("mail")),
                suspects=(
                    suspect("orders-db", "database", 0.35, "healthy"),
                    suspect("cart", "service", 0.2),
                    suspect("mail", "service", 0.0),
                ),
            ),
        ),
        "suspect orders-db",
    ),
    "the service itself, where the topology says so": (
        brief(
            "HighErrorRate",
            CHECKOUT,
            [blame("checkout", share=0.9, distance=0)],
            around=Surroundings(
                service="checkout",
                downstream=(near("orders-db", "database"),),
                suspects=(suspect("checkout", "service", 0.9, "degraded", 0),),
            ),
        ),
        "errors",
    ),
}


@pytest.mark.parametrize(("given", "expected"), BY_EVIDENCE.values(), ids=list(BY_EVIDENCE))
def test_evidence_outweighs_the_name_of_the_alert(given, expected):
    assert family(given) == expected


def test_a_cause_in_a_dependency_is_named_with_what_shows_it():
    given, _ = BY_EVIDENCE["a dependency that is ill and has a reason"]
    top = rank(given, BOOK)[0].hypothesis

    assert top.service == "orders-db"
    assert "checkout depends on it" in top.cause
    assert set(top.evidence) == {"E2", "E3"}


def test_an_alert_of_too_little_is_not_one_of_too_much():
    assert rank(brief("ContainerLowCpuUtilization", CHECKOUT, message="x"), BOOK) == ()


def test_what_no_playbook_knows_is_no_hypothesis():
    assert rank(brief("SomethingNobodyHasHeardOf", CHECKOUT, message="x"), BOOK) == ()


def test_words_of_the_alert_are_no_facts():
    """Whoever writes the alert cannot choose the cause by naming it."""
    told = brief("HighErrorRate", CHECKOUT, message="reason OOMKilled, last state OOMKilled")

    assert family(told) == "errors"


def test_a_neighbour_of_a_similar_name_is_not_the_service():
    """`checkout-db` is not a pod of `checkout`."""
    given = brief(
        "HighErrorRate",
        CHECKOUT,
        [kube("pod", "checkout-db-0", OOM)],
        around=Surroundings(service="checkout", downstream=(near("checkout-db", "database"),)),
    )

    assert family(given) == "errors"


def test_the_order_of_evidence_changes_nothing():
    given, _ = BY_EVIDENCE["a crash loop that is really for want of memory"]
    turned = given.model_copy(update={"items": tuple(reversed(given.items))})

    assert [c.hypothesis.cause for c in rank(given, BOOK)] == [c.hypothesis.cause for c in rank(turned, BOOK)]


# -- what is offered


POD = target("pod", "checkout-5d8-x2x4l")
OFFERED = {
    "memory, where the limit is known": (
        brief(
            "ContainerOOMKilled",
            CHECKOUT,
            [kube("pod", POD.name, OOM, memory_limit_bytes=512 * 1024**2)],
            targets=[CHECKOUT, POD],
        ),
        (Operation.SET_RESOURCES, {"limits": {"memory": "768Mi"}}),
    ),
    "memory, where it is not": (
        brief("ContainerOOMKilled", CHECKOUT, [kube("pod", POD.name, OOM)], targets=[CHECKOUT, POD]),
        (Operation.RESTART_DEPLOYMENT, {}),
    ),
    "half as many replicas again": (
        brief("KubeHpaMaxedOut", CHECKOUT, [kube("deployment", "checkout", desired_replicas=4)]),
        (Operation.SCALE_DEPLOYMENT, {"replicas": 6}),
    ),
    "a rollout that broke it": (
        brief(
            "KubePodCrashLooping",
            POD,
            [kube("rollout", "checkout", {"changed": "true"}, changed_seconds=600)],
            targets=[POD, CHECKOUT],
        ),
        (Operation.ROLLBACK_DEPLOYMENT, {}),
    ),
    "a larger volume": (
        brief(
            "KubePersistentVolumeFillingUp",
            target("pvc", "data-0"),
            [kube("pvc", "data-0", {"phase": "Bound"}, capacity_bytes=20 * 1024**3)],
        ),
        (Operation.EXPAND_PVC, {"size": "30Gi"}),
    ),
    "nothing but a look, where evidence fills nothing": (
        brief("PostgresqlSlowQueries", target("statefulset", "orders-db")),
        (Operation.GET_DETAILS, {}),
    ),
}


@pytest.mark.parametrize(("given", "expected"), OFFERED.values(), ids=list(OFFERED))
def test_what_the_playbook_of_the_best_hypothesis_offers(given, expected):
    first = proposals(given, rank(given, BOOK))[0].step

    assert (first.operation, first.parameters.model_dump(exclude_defaults=True)) == expected


def test_an_action_on_a_dependency_has_the_dependency_as_its_target():
    db = target("statefulset", "orders-db")
    given, _ = BY_EVIDENCE["a dependency that is ill and has a reason"]
    given = given.model_copy(update={"targets": (CHECKOUT, db, target("pod", "orders-db-0"))})

    offered = proposals(given, rank(given, BOOK)[:1])

    assert {one.step.target.name for one in offered} <= {"orders-db", "orders-db-0"}


def test_a_claim_that_nothing_can_be_cited_for_is_not_made():
    given = brief("KubePodCrashLooping", CHECKOUT).model_copy(update={"items": ()})

    assert rank(given, BOOK) == ()


def test_a_fact_may_stand_in_a_text_of_evidence_but_not_in_the_alerts(tmp_path):
    (tmp_path / "own.yaml").write_text(OWN)
    book = load_book(shipped=tmp_path)
    told = brief("Odd", CHECKOUT, message="the flux capacitor is cold")
    seen = brief("Odd", CHECKOUT, [kube("event", "checkout", {"reason": "flux capacitor cold"})])

    assert rank(told, book)[0].hypothesis.confidence == pytest.approx(0.5)
    assert rank(seen, book)[0].hypothesis.confidence == pytest.approx(0.65)


OWN = """
name: flux
title: The flux is gone
family: flux
match: {alert_types: [odd]}
hypotheses:
  - {cause: "the flux of {service} is cold", confidence: 0.5, supported_by: [{says: flux capacitor}]}
actions:
  - operation: GET_DETAILS
    target: subject
    description: "Look at it"
    expected_effect: "One sees it"
    risk: LOW
"""
