"""Which call means what to the fake cluster, and who may make it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from connectors.kubernetes.fake import FakeCluster, Options, Refused, scale_of
from connectors.kubernetes.fake_select import Plain
from connectors.kubernetes.kinds import ALL, SNAPSHOT, Kind

_PATH = re.compile(
    r"^/apis?/(?P<group>v1|[a-z0-9.]+/v1)"
    r"(/namespaces/(?P<namespace>[^/]+)(?=/))?/(?P<plural>[a-z]+)(/(?P<name>[^/]+)(/(?P<sub>[a-z]+))?)?$"
)
_MERGE, _STRATEGIC = "application/merge-patch+json", "application/strategic-merge-patch+json"
_STEPS = "application/json-patch+json"
_KINDS: Mapping[tuple[str, str], Kind] = {(kind.group, kind.plural): kind for kind in (*ALL, SNAPSHOT)}
_REVIEW = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
_VERBS = {"PATCH": "patch", "PUT": "update", "POST": "create", "DELETE": "delete"}
_READING = ("get", "list", "watch")


@dataclass(frozen=True, slots=True)
class Call:
    """`reader`: whoever calls may read, no secrets, and nothing else."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    content: str = ""
    body: Any = None
    reader: bool = False


@dataclass(frozen=True, slots=True)
class FakeApi:
    cluster: FakeCluster

    def answer(self, call: Call) -> Plain:
        """Raises Refused where the API server would say no."""
        if call.path == "/version":
            return {"major": "1", "minor": "34", "gitVersion": "v1.34.0-fake"}
        if call.path == _REVIEW:
            return self._review(call)
        found = _PATH.match(call.path)
        kind = _KINDS.get((found["group"], found["plural"])) if found else None
        if found is None or kind is None:
            raise Refused(404, "NotFound", "the server could not find the requested resource")
        place = {name: unquote(found[name] or "") for name in ("namespace", "name", "sub")}
        self._allow(call, kind, place)
        with self.cluster.lock:
            if call.method == "GET":
                return self._read(call, kind, place)
            return self._write(call, kind, place)

    def _allow(self, call: Call, kind: Kind, place: Mapping[str, str]) -> None:
        verb = _VERBS.get(call.method) or ("get" if place["name"] else "list")
        if self._denied(call, verb, kind.plural):
            group = kind.group.rpartition("/")[0]
            space = place["namespace"]
            where = f'in the namespace "{space}"' if space else "at the cluster scope"
            what = f'cannot {verb} resource "{kind.plural}" in API group "{group}" {where}'
            raise Refused(403, "Forbidden", f'{kind.plural} is forbidden: User "fake" {what}')

    def _denied(self, call: Call, verb: str, plural: str) -> bool:
        if call.reader and (verb not in _READING or plural == "secrets"):
            return True
        return bool(self.cluster.denied & {(verb, plural), ("*", plural), (verb, "*")})

    def _review(self, call: Call) -> Plain:
        asked = call.body["spec"]["resourceAttributes"]
        allowed = not self._denied(call, asked["verb"], asked["resource"])
        return {"kind": "SelfSubjectAccessReview", "spec": call.body["spec"], "status": {"allowed": allowed}}

    def _read(self, call: Call, kind: Kind, place: Mapping[str, str]) -> Plain:
        query = call.query
        if not place["name"]:
            return self.cluster.list(
                kind,
                place["namespace"],
                labels=query.get("labelSelector", ""),
                fields=query.get("fieldSelector", ""),
                limit=int(query.get("limit", 0)),
                following=query.get("continue", ""),
            )
        found = self.cluster.get(kind, place["namespace"], place["name"])
        return scale_of(found) if place["sub"] == "scale" else found

    def _write(self, call: Call, kind: Kind, place: Mapping[str, str]) -> Plain:
        method = call.method
        cluster, (namespace, name, sub) = self.cluster, place.values()
        sent: Plain = call.body if isinstance(call.body, dict) else {}
        query = {} if method == "DELETE" and sent else call.query  # its body alone counts, where it has one
        options = _options(query, sent.get("deleteOptions", sent) if sub == "eviction" else sent)
        if method == "POST" and sub == "eviction":
            return cluster.evict(namespace, name, options)
        if method == "POST" and not name:
            return cluster.create(kind, namespace, sent, options)
        if method == "DELETE" and name:
            return cluster.delete(kind, namespace, name, options)
        if method in ("PATCH", "PUT") and sub == "scale":
            return cluster.scale(kind, namespace, name, sent, options)
        if method == "PATCH" and name and sub in ("", "status"):
            if call.content == _STEPS and isinstance(call.body, list):
                return cluster.patch_by_steps(kind, namespace, name, call.body, options)
            if call.content not in (_MERGE, _STRATEGIC):
                raise Refused(415, "UnsupportedMediaType", f"the body of the request was in {call.content}")
            return cluster.patch(kind, namespace, name, sent, options, strategic=call.content == _STRATEGIC)
        raise Refused(405, "MethodNotAllowed", "the server does not allow this method on the resource")


def _options(query: Mapping[str, str], sent: Plain) -> Options:
    must = sent.get("preconditions") or {}
    dry = query.get("dryRun") == "All" or "All" in (sent.get("dryRun") or ())
    return Options(dry, must.get("uid", ""), must.get("resourceVersion", ""))
