"""The latest sighting of an incident, small enough for its row: a later run starts from it again."""

from __future__ import annotations

import zlib
from base64 import b64decode, b64encode
from datetime import datetime
from typing import Any

import orjson

from schemas.envelope import to_millis

# What nearly every sighting says, fixed for life: rows were written with it. Another one needs another mark.
_MARK = b"1"
_COMMON = (
    b'{"sealed":null,"payload":{"fingerprint":"","severity":"warning","highest_severity":"warning","hit_count":'
    b'1,"opened_at":,"last_seen_at":,"generation":0,"count_5m":1,"count_1h":1,"count_24h":1,"last_occurrence_at"'
    b':null,"alert_type":"","source":"prometheus","message":"","cluster":"default","namespace":"monitoring","tar'
    b'get_resource":"","resource_type":"pod","alert":{"alert_type":"","severity":"critical","source":"alertmanag'
    b'er","message":"","description":"","namespace":"","target_resource":"","resource_type":"deployment","cluste'
    b'r":"default","metrics":{},"fired_at":,"ends_at":null,"received_at":,"status":"firing","project_id":"defaul'
    b't","fingerprint":"","labels":{"alertname":"","cluster":"","container":"","instance":"","job":"kube-state-m'
    b'etrics","namespace":"","pod":"","prometheus":"monitoring/k8s","service":"","severity":"warning"},"annotati'
    b'ons":{"description":"","runbook_url":"https://runbooks.prometheus-operator.dev/runbooks/kubernetes/","summ'
    b'ary":""},"generator_url":"http://prometheus:9090/graph?g0.expr=&g0.tab=1","origin":{"epoch":"","topic":"al'
    b'erts.raw.alertmanager","partition":0,"offset":0,"index":0},"sanitized":false,"patterns":[],"truncated":[],'
    b'"incomplete":false}}}'
)
MOST = 4096
"""bytes of one, packed; nearly all take a tenth of it"""
_LEFT_OUT = (("annotations", "metrics", "generator_url"), ("description", "labels"))
"""of a long alert, in turn; then the ciphertext of the values behind its labels"""
_DEFLATE = zlib.compressobj(wbits=-12, memLevel=4, zdict=_COMMON)
Plain = dict[str, Any]


def pack_sighting(sealed: bytes | None, payload: Plain) -> bytes:
    """At most so much: who sends long alerts must not fill a worker's memory. What is left out is told."""
    packed = _packed(sealed, payload)
    for names in _LEFT_OUT:
        if len(packed) <= MOST:
            return packed
        payload = {**payload, "alert": _without(names, payload["alert"])}
        packed = _packed(sealed, payload)
    return packed if len(packed) <= MOST else _packed(None, payload)


def _packed(sealed: bytes | None, payload: Plain) -> bytes:
    deflate = _DEFLATE.copy()
    told = _json({"sealed": _text(sealed), "payload": payload})
    return _MARK + deflate.compress(told) + deflate.flush()


def _without(names: tuple[str, ...], alert: Plain) -> Plain:
    empty: Plain = {name: {} if isinstance(alert[name], dict) else None for name in names}
    return {**alert, **empty, "truncated": (*alert["truncated"], *(name for name in names if alert[name]))}


def unpack_sighting(packed: bytes) -> tuple[bytes | None, Plain]:
    """Ciphertext and payload; its times are in milliseconds, as a draft has them."""
    inflate = zlib.decompressobj(wbits=-15, zdict=_COMMON)
    told = orjson.loads(inflate.decompress(packed[len(_MARK) :]) + inflate.flush())
    return _bytes(told["sealed"]), told["payload"]


def kept_note(note: Plain | None) -> Plain | None:
    """As a row can hold it: times in milliseconds, ciphertext as base64."""
    return None if note is None else orjson.loads(_json({**note, "sealed": _text(note["sealed"])}))


def opened_note(note: Plain | None) -> Plain | None:
    return None if note is None else {**note, "sealed": _bytes(note["sealed"])}


def _json(value: Plain) -> bytes:
    return orjson.dumps(value, default=to_millis, option=orjson.OPT_PASSTHROUGH_DATETIME)


def _text(sealed: bytes | None) -> str | None:
    return None if sealed is None else b64encode(sealed).decode()


def _bytes(sealed: str | None) -> bytes | None:
    return None if sealed is None else b64decode(sealed)


def note_of(event: Plain, text: str, actor: str = "") -> Plain | None:
    if not text:
        return None
    return {
        "text": text,
        "actor": actor,
        "written_at": millis_of(event["occurred_at"]),
        "event_id": event["event_id"],
        "sealed": event["sealed"] if actor else None,
    }


def millis_of(moment: datetime | int | None) -> int:
    return to_millis(moment) if isinstance(moment, datetime) else moment or 0
