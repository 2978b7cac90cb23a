"""What a path stands for: temporary, needed by the system, a disk, a secret."""

from __future__ import annotations

import posixpath
import re
from fnmatch import fnmatch

from agents.hard_rules.expand import TEMPORARY
from agents.hard_rules.hits import UNKNOWN, is_known

SCRATCH = ("/tmp/", "/var/tmp/", "/dev/shm/", "/private/tmp/")  # noqa: S108 (judged by name, never opened)
CACHE = re.compile(
    r"/var/cache/(?!debconf)[^/.*?][^/]*(?:/|$)|/var/lib/apt/lists/"
    r"|(?:/root|/home/[^/*?]+)/\.cache/(?:[^/.*?][^/]*(?:/|$)|\*$)"
)
"""by the conventions of the file system and of desktops: what is removed there is made anew"""
SYSTEM = re.compile(
    r"/(?:etc|boot|usr|bin|sbin|lib|lib32|lib64|dev|sys|proc|root|opt/cni|var/lib|var/run|"
    r"run|home)(?:/|$)|/$|/\*|/\.\*"
)
TOP = re.compile(r"/?(?:[^/]+|\.\.?)?/?\*?|/(?:var|usr|etc|opt|srv|home|mnt)/[^/]+/?\*?")
DISK = re.compile(
    r"/dev/(?:r?disk\d|[shvx]v?d[a-z]|nvme\d|mmcblk|dm-|mapper/|md\d|loop\d|sr\d|vg|disk/|"
    r"mem$|kmem$|port$|\*|drbd|zvol|zd\d|rbd)"
    r"|/dev/\.?\.?/*(?:sd|nvme)"
)
SECRET = re.compile(
    r"/etc/(?:g?shadow|sudoers)|^/vault/secrets/|/(?:var/)?run/secrets?(?:/|$)|\.ssh/?$|\.ssh/(?!known_hosts|config$|"
    r".*\.pub$|authorized_keys$)[^/]*[\w*]"
    r"|\bid_(?:rsa|dsa|ecdsa|ed25519)$|\.aws(?:/credentials)?/?$|\.kube/config|"
    r"/etc/kubernetes/(?:admin|super-admin|scheduler"
    r"|controller-manager|kubelet)\.conf|/pki/.*\.key|\.docker/config\.json|\.netrc|\.pgpass|\.my\.cnf"
    r"|\.git-credentials|\.vault-token|/proc/[^/]+/environ|\.gnupg/|application_default_credentials"
    r"|/etc/rancher/.*\.yaml|/serviceaccount/token|(?:^|/)\.env(?:\.\w+)?$|"
    r"/etc/ssl/private|\.key$|\.p12$|\.pfx$|\.kdbx$"
)
KNOWN = ("/etc/shadow", "/etc/gshadow", "/etc/sudoers", "/root/.ssh/id_rsa", "/home/user/.ssh/id_rsa")
LONGEST = 4_096
VITAL = re.compile(
    r"/(?:$|[*.]|(?:boot|usr|bin|sbin|lib|lib32|lib64|opt/cni)(?:/|$)|(?:etc|var|sys|proc|root|home|opt|srv|run|data|mnt)/?\*?$)"
    r"|/etc/(?:passwd|g?shadow|group|sudoers|fstab|pam\.d|ssh/|ssh$|ld\.so|systemd/?\*?$|security|kubernetes|inittab|profile$|"
    r"cron|nsswitch|machine-id|crypttab|mtab|shells|login|default|init\.d|rc)"
    r"|/var/lib/(?:[^/]+/?\*?$|(?:mysql|postgresql|pgsql|etcd|kubelet|containerd|mongodb|redis|kafka|rook|ceph)/)"
    r"|/(?:data|srv)/[^/]+/?$"
)
BULK = re.compile(r"[.*?]+")


def normal(path: str) -> str:
    """Without `..` and doubled slashes."""
    flat = posixpath.normpath(path) if path else ""
    return "/" + flat.lstrip("/") if flat.startswith("/") else flat


def is_scratch(path: str) -> bool:
    """What stands under a temporary folder or in a cache: not the folder itself."""
    flat = normal(path)
    if ".." in path.split("/"):
        return False
    if CACHE.match(flat) and is_known(flat):
        return True
    if flat == TEMPORARY or flat.startswith(TEMPORARY + "/"):
        return True
    for root in SCRATCH:
        if flat.startswith(root):
            first = flat[len(root) :].split("/")[0]
            return first == "*" or bool(set(first) - UNKNOWN - set(".*?[]"))
    return False


def is_system(path: str) -> bool:
    flat = normal(path)
    return (
        bool(SYSTEM.match(flat)) and not is_scratch(path) and not flat.startswith(("/dev/null", "/dev/std"))
    )


def is_disk(path: str) -> bool:
    return bool(DISK.match(normal(path)))


def is_secret(path: str) -> bool:
    path = path[:LONGEST]
    if any(character in path for character in "*?[") and any(fnmatch(known, path) for known in KNOWN):
        return True
    return bool(SECRET.search(normal(path.partition("=")[2] or path))) or bool(SECRET.search(path))


def is_everything(path: str) -> bool:
    """All of a folder: `*`, `/data/*`, `.`."""
    return bool(BULK.fullmatch(posixpath.basename(path.rstrip("/")) or "*")) and not is_scratch(path)


def is_vital(path: str) -> bool:
    """What the machine cannot do without."""
    flat = normal(path)
    return bool(VITAL.match(flat)) and not is_scratch(path) and not flat.startswith(("/dev/null", "/dev/std"))


def is_shared(path: str) -> bool:
    """What belongs to the system as a whole, not to one program or one person."""
    own = re.match(
        r"/(?:home|var/lib|run|var/run|opt|srv|var/log|data|usr/share|usr/local)/+[^/*.]", normal(path)
    )
    return (is_system(path) or bool(re.fullmatch(r"/[^/]*", normal(path)))) and not own


def is_top(path: str) -> bool:
    """So near the root that it cannot be meant lightly."""
    return bool(TOP.fullmatch(normal(path))) and path.startswith("/") and not is_scratch(path)
