"""Which rule it breaks to write to a path."""

from __future__ import annotations

import re

from agents.hard_rules.hits import Rule
from agents.hard_rules.paths import is_disk, is_secret, is_vital

WAYS_IN = re.compile(r"authorized_keys|/(etc|var/spool)/(ana)?cron|/etc/(ld\.so|pam\.d|sudoers)")
STOPS_HOST = re.compile(r"/sysrq-trigger$|/core_pattern$")
TAKES_DISK = re.compile(r"^/sys/.*/(delete|remove|reset)$")
SHARED_FILES = re.compile(r"/etc/(hosts|resolv\.conf|fstab|sysctl\.d/|sysctl\.conf|profile\.d/|environment)")


def broken_by(path: str, *, appends: bool) -> Rule | None:
    if path.startswith(("/dev/tcp/", "/dev/udp/")):
        return Rule.REMOTE_SHELL
    if is_disk(path) or TAKES_DISK.match(path):
        return Rule.RAW_DISK
    if STOPS_HOST.search(path):
        return Rule.OUTAGE
    if is_secret(path) or WAYS_IN.search(path):
        return Rule.LOCK_OUT
    if is_vital(path) or (SHARED_FILES.match(path) and not appends and not path.endswith(".d/")):
        return Rule.SYSTEM_FILES
    return None
