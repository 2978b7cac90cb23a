"""The workload behind the name of a pod or a job, from the name alone: whoever replays it finds the same.

Kubernetes names pods after what made them: `web-5d59d67564-x2k4j` is one of the deployment `web`,
`node-x2k4j` of the daemon set `node`, `kafka-0` of the stateful set `kafka`, `backup-29012345-x2k4j` of the
cron job `backup`.
"""

from __future__ import annotations

import re
from functools import lru_cache

from schemas.alert import ResourceType

_SAFE = "bcdfghjklmnpqrstvwxz2456789"
"""what Kubernetes makes random suffixes of: no vowels, nothing that looks like another"""
_HASH = "456789bcdf"
"""what becomes of the ten digits in a replica set's hash, which is a number of 32 bits"""
_MARK = f"[{_SAFE}]{{5}}"
_REPLICA = re.compile(
    rf"-(?:[{_HASH}]{{6,10}}-{_MARK}"
    rf"|(?=[a-z]*[0-9])[{_HASH}]{{8,10}}-[a-z0-9]{{5,6}}"  # what is so made needs no proof by its suffix
    rf"|(?=[a-z]*[0-9])[{_SAFE}]{{8,10}}-{_MARK})$"
)
_ANY = re.compile(rf"-({_MARK})$")
_ORDINAL = re.compile(r"-(?:0|[1-9][0-9]{0,3})$")
_SCHEDULED = re.compile(r"-(?:2[5-9][0-9]{6}|3[0-9]{7}|1[4-9][0-9]{8})$")
"""minutes since 1970, in old versions seconds: no date looks like it"""
_LONGEST = 63
_CUT = re.compile(rf"-[{_HASH}]{{0,10}}$")
"""of a long name Kubernetes cuts the end, which may be in the hash, and joins the suffix to what is left"""
_WORDS = frozenset(("dhcpd", "grpcs", "html5", "httpd", "https", "ldcps", "smtps", "tftpd", "xhtml"))
"""that look like a suffix, and are none"""
_STATIC = ("kube-apiserver-", "kube-controller-manager-", "kube-scheduler-")
"""pods that are named after their node, which made them"""


@lru_cache(maxsize=4096)
def workload_of(name: str, kind: ResourceType | None, namespace: str | None = None) -> str:
    """The name itself where nothing says that it is a pod's or a job's."""
    if kind is ResourceType.JOB:
        return _SCHEDULED.sub("", name) or name
    if kind is not ResourceType.POD or _is_static(name, namespace):
        return name
    return _of_pod(name) or name


def _of_pod(name: str) -> str:
    if _REPLICA.search(name):
        return _REPLICA.sub("", name)
    if len(name) == _LONGEST and re.search(f"{_MARK}$", name):
        return _CUT.sub("", name[:-5])
    made = _ANY.search(name)
    if made and made[1] not in _WORDS:
        return _SCHEDULED.sub("", name[: made.start()])
    return _ORDINAL.sub("", name)


def _is_static(name: str, namespace: str | None) -> bool:
    return name.startswith(_STATIC) or (namespace == "kube-system" and name.startswith("etcd-"))
