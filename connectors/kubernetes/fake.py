"""A cluster in memory with the manners of an API server; fake_server.py speaks HTTP for it.

It keeps objects, versions and preconditions as the real one does, evicts under disruption budgets, and has
controllers that make pods again. Whoever needs trouble asks for it: `deny`, `faults`, `ail`.
"""

from __future__ import annotations

import base64
import copy
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from connectors.kubernetes import kinds
from connectors.kubernetes.execution.budgets import covers
from connectors.kubernetes.fake_controllers import Controllers
from connectors.kubernetes.fake_rules import complaints
from connectors.kubernetes.fake_select import (
    BadPatch,
    BadSelector,
    Plain,
    check,
    fields_match,
    json_patched,
    labels_match,
    merged,
)
from connectors.kubernetes.kinds import BY_KIND, Kind

Key = tuple[str, str, str]
Clock = Callable[[], datetime]


class Refused(Exception):
    """What the API server answers with a Status object."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status, self.reason, self.message = status, reason, message

    def body(self) -> Plain:
        return {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
            "code": self.status,
        }


@dataclass(frozen=True, slots=True)
class Options:
    """What a write may carry: a trial only, and what must still be true of the object."""

    dry_run: bool = False
    uid: str = ""
    resource_version: str = ""


@dataclass
class FakeCluster:
    """`denied` holds (verb, plural) that nobody may; `incurable` pods come back as ill as they were."""

    clock: Clock = lambda: datetime.now(UTC)
    objects: dict[Key, Plain] = field(default_factory=dict)
    denied: set[tuple[str, str]] = field(default_factory=set)
    writes: list[str] = field(default_factory=list)
    """Every change that was made, in order: `delete pod/shop/api-1`."""
    lock: threading.RLock = field(default_factory=threading.RLock)
    version: int = 1

    def __post_init__(self) -> None:
        self.controllers = Controllers(self)

    # -- for stories and tests

    def add(self, *objects: Plain) -> FakeCluster:
        """As they are: controllers look at them later, at the first change or when asked to."""
        with self.lock:
            for obj in objects:
                kind = BY_KIND[obj["kind"]]
                self.objects[self.key(kind, obj)] = self._new(kind, obj)
        return self

    def settle(self) -> FakeCluster:
        """Let the controllers do what there is to do."""
        with self.lock:
            self.controllers.run()
        return self

    def of(self, kind: Kind, namespace: str = "") -> list[Plain]:
        wanted = (
            obj
            for (word, space, _), obj in self.objects.items()
            if word == kind.word and namespace in ("", space)
        )
        return sorted(wanted, key=lambda obj: (obj["metadata"].get("namespace", ""), obj["metadata"]["name"]))

    def find(self, kind: Kind, namespace: str, name: str) -> Plain | None:
        return self.objects.get((kind.word, namespace if kind.namespaced else "", name))

    def event(self, about: Plain, type_: str, reason: str, message: str, count: int = 1) -> None:
        """One more event about an object, of this moment."""
        meta, now = about["metadata"], self.now()
        namespace = meta.get("namespace", "default")
        involved = {"kind": about["kind"], "name": meta["name"], "namespace": meta.get("namespace", "")}
        self.add(
            {
                "kind": "Event",
                "metadata": {"name": f"{meta['name']}.{uuid4().hex[:16]}", "namespace": namespace},
                "involvedObject": {**involved, "uid": meta.get("uid", "")},
                "type": type_,
                "reason": reason,
                "message": message,
                "count": count,
                "firstTimestamp": now,
                "lastTimestamp": now,
            }
        )

    def now(self) -> str:
        return self.clock().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    @staticmethod
    def key(kind: Kind, obj: Mapping[str, Any]) -> Key:
        namespace = obj["metadata"].get("namespace", "default") if kind.namespaced else ""
        return kind.word, namespace, obj["metadata"]["name"]

    # -- reading

    def get(self, kind: Kind, namespace: str, name: str) -> Plain:
        found = self.find(kind, namespace, name)
        if found is None:
            raise Refused(404, "NotFound", f'{kind.plural} "{name}" not found')
        return found

    def list(
        self, kind: Kind, namespace: str, *, labels: str, fields: str, limit: int, following: str
    ) -> Plain:
        """One page; the rest goes on behind the last one, whatever changed meanwhile."""
        try:
            check(labels, fields)
        except BadSelector as error:
            raise Refused(400, "BadRequest", str(error)) from error
        found = [
            obj for obj in self.of(kind, namespace) if labels_match(labels, obj) and fields_match(fields, obj)
        ]
        after = _opened(following)
        rest = [obj for obj in found if self.key(kind, obj)[1:] > after]
        page = rest[:limit] if limit else rest
        more = len(rest) - len(page)
        meta: Plain = {"resourceVersion": str(self.version)}
        if more:
            meta |= {"continue": _closed(self.key(kind, page[-1])[1:]), "remainingItemCount": more}
        items = [_bare(obj) for obj in page]
        return {"kind": f"{kind.kind}List", "apiVersion": kind.group, "metadata": meta, "items": items}

    # -- writing

    def create(self, kind: Kind, namespace: str, obj: Plain, options: Options) -> Plain:
        meta = {**obj.get("metadata", {}), **({"namespace": namespace} if kind.namespaced else {})}
        if not meta.get("name") and meta.get("generateName"):
            meta["name"] = f"{meta['generateName']}{uuid4().hex[:5]}"
        made = {**obj, "kind": kind.kind, "metadata": meta}
        key = self.key(kind, made)
        if key in self.objects:
            raise Refused(409, "AlreadyExists", f'{kind.plural} "{meta["name"]}" already exists')
        made = self._new(kind, made)
        self._admit(kind, made, None)
        return made if options.dry_run else self._keep(key, made, "create")

    def patch(
        self, kind: Kind, namespace: str, name: str, change: Plain, options: Options, *, strategic: bool
    ) -> Plain:
        """A resourceVersion or uid in the patch is a precondition."""
        found = self.get(kind, namespace, name)
        asked = change.get("metadata") or {}
        self._check(found, asked.get("uid", options.uid), asked.get("resourceVersion", ""))
        return self.replace(kind, merged(found, change, strategic=strategic), found, options)

    def patch_by_steps(
        self, kind: Kind, namespace: str, name: str, steps: Sequence[Plain], options: Options
    ) -> Plain:
        """A JSON patch; a version that it puts in place of the real one is a precondition."""
        found = self.get(kind, namespace, name)
        try:
            made = json_patched(found, steps)
        except BadPatch as error:
            told = "the server rejected our request due to an error in our request"
            raise Refused(422, "Invalid", f"{told}: {error}") from error
        self._check(found, made["metadata"]["uid"], made["metadata"]["resourceVersion"])
        return self.replace(kind, made, found, options)

    def replace(self, kind: Kind, obj: Plain, found: Plain, options: Options) -> Plain:
        old = found["metadata"]
        meta = {**obj["metadata"], "uid": old["uid"], "creationTimestamp": old["creationTimestamp"]}
        meta["generation"] = old.get("generation", 1) + (obj.get("spec") != found.get("spec"))
        made = {**obj, "kind": kind.kind, "metadata": meta}
        self._admit(kind, made, found)
        return made if options.dry_run else self._keep(self.key(kind, found), made, "patch")

    def scale(self, kind: Kind, namespace: str, name: str, change: Plain, options: Options) -> Plain:
        """The `scale` subresource, written as a patch of it."""
        found = self.get(kind, namespace, name)
        asked = change.get("metadata") or {}
        self._check(found, asked.get("uid", options.uid), asked.get("resourceVersion", ""))
        replicas = (change.get("spec") or {}).get("replicas", found["spec"].get("replicas", 1))
        if not isinstance(replicas, int) or replicas < 0:
            raise Refused(422, "Invalid", f"spec.replicas: Invalid value: {replicas!r}")
        spec = {**found["spec"], "replicas": replicas}
        return scale_of(self.replace(kind, {**found, "spec": spec}, found, options))

    def delete(self, kind: Kind, namespace: str, name: str, options: Options) -> Plain:
        found = self.get(kind, namespace, name)
        self._check(found, options.uid, options.resource_version)
        if not options.dry_run:
            del self.objects[self.key(kind, found)]
            self._drop_owned(found["metadata"]["uid"])
            self._changed(f"delete {'/'.join(self.key(kind, found))}")
        return found

    def evict(self, namespace: str, name: str, options: Options) -> Plain:
        """A deletion that a disruption budget may forbid."""
        found = self.get(kinds.POD, namespace, name)
        for budget in self.of(kinds.BUDGET, namespace):
            covered = covers(budget, namespace, found["metadata"].get("labels", {}))
            if covered and budget.get("status", {}).get("disruptionsAllowed", 0) < 1:
                told = "Cannot evict pod as it would violate the pod's disruption budget."
                raise Refused(429, "TooManyRequests", told)
        self.delete(kinds.POD, namespace, name, options)
        return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}

    # -- inside

    def _new(self, kind: Kind, obj: Plain) -> Plain:
        made = copy.deepcopy(obj)
        self.version += 1
        given = made["metadata"]
        space = {"namespace": "default"} if kind.namespaced else {}
        made["metadata"] = {
            **space,
            "uid": str(uuid4()),
            "creationTimestamp": self.now(),
            "generation": 1,
            **given,
            "resourceVersion": str(self.version),
        }
        return {"apiVersion": kind.group, **made}

    def _admit(self, kind: Kind, made: Plain, old: Plain | None) -> None:
        for status, reason, message in complaints(kind, made, old):
            raise Refused(status, reason, message)

    def _keep(self, key: Key, obj: Plain, verb: str) -> Plain:
        self.version += 1
        obj["metadata"]["resourceVersion"] = str(self.version)
        self.objects[key] = obj
        self._changed(f"{verb} {'/'.join(key)}")
        return obj

    def _changed(self, told: str) -> None:
        self.writes.append(told)
        self.controllers.run()

    def _drop_owned(self, uid: str) -> None:
        """What belongs to nobody any more goes too."""
        for key, obj in list(self.objects.items()):
            if any(owner.get("uid") == uid for owner in obj["metadata"].get("ownerReferences", [])):
                del self.objects[key]
                self._drop_owned(obj["metadata"]["uid"])

    def _check(self, found: Plain, uid: str, resource_version: str) -> None:
        meta = found["metadata"]
        for name, wanted, real in (
            ("UID", uid, meta["uid"]),
            ("ResourceVersion", resource_version, meta["resourceVersion"]),
        ):
            if wanted and wanted != real:
                told = f"Precondition failed: {name} in precondition: {wanted}, {name} in object meta: {real}"
                raise Refused(409, "Conflict", told)


def scale_of(obj: Plain) -> Plain:
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {name: obj["metadata"][name] for name in ("name", "namespace", "uid", "resourceVersion")},
        "spec": {"replicas": obj["spec"].get("replicas", 1)},
        "status": {"replicas": obj.get("status", {}).get("replicas", 0)},
    }


def _bare(obj: Plain) -> Plain:
    """Members of a list do not say what they are."""
    return {name: value for name, value in obj.items() if name not in ("kind", "apiVersion")}


def _closed(after: Sequence[str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(list(after)).encode()).decode()


def _opened(following: str) -> tuple[str, ...]:
    if not following:
        return ("", "")
    try:
        return tuple(json.loads(base64.urlsafe_b64decode(following)))
    except ValueError as error:
        raise Refused(410, "Expired", "The provided continue parameter is too old") from error
