"""The real things that AWOOOI is tested against. See tests/README.md."""

from tests.peers.kafka import KafkaPeer
from tests.peers.process import Process
from tests.peers.waiting import answers, free_port, free_ports, wait_until, wait_until_async

__all__ = ["KafkaPeer", "Process", "answers", "free_port", "free_ports", "wait_until", "wait_until_async"]
