"""The real things that AWOOOI is tested against. See tests/README.md."""

from tests.peers.alertmanager import AlertmanagerPeer, webhook_config
from tests.peers.kafka import KafkaPeer, Login
from tests.peers.kubernetes import KubernetesPeer
from tests.peers.ollama import OllamaPeer
from tests.peers.process import Process
from tests.peers.program import awoooi
from tests.peers.prometheus import PrometheusPeer, alerting_config
from tests.peers.tansu import TansuPeer
from tests.peers.waiting import answers, free_port, free_ports, wait_until, wait_until_async
from tests.peers.webhook import Webhook

__all__ = [
    "AlertmanagerPeer",
    "KafkaPeer",
    "KubernetesPeer",
    "Login",
    "OllamaPeer",
    "Process",
    "PrometheusPeer",
    "TansuPeer",
    "Webhook",
    "alerting_config",
    "answers",
    "awoooi",
    "free_port",
    "free_ports",
    "wait_until",
    "wait_until_async",
    "webhook_config",
]
