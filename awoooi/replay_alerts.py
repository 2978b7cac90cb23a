"""Raw records through normalize again, beside the alerts and the rejections that are recorded of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from awoooi.events import Learn
from awoooi.log_reading import Span, read_log
from awoooi.replay_found import SKEW_MS, Choice, Found, now_ms, plain_of, record_of
from awoooi.running import chosen_sources
from awoooi.settings import Settings
from schemas.alert import AlertNormalized, AlertRejected
from schemas.codec import Codec
from streams.glance import glance_of
from streams.retold import Alerts, Difference
from streams.runner import Runner, Turn
from streams.stages.normalize import Normalize, NormalizeConfig

NORMALIZED, REJECTED = "alerts.normalized", "alerts.rejected"
IS_ALERT = AlertNormalized.type_name().encode()


async def alerts_again(settings: Settings, choice: Choice, codec: Codec, learn: Learn) -> Found:
    plain = Codec()
    runner, alerts = Runner(_stage(settings), plain), Alerts(choice.topic, plain)
    found, kept, since = Found(alerts.tally), 0, now_ms()
    async for read in read_log(settings, choice.topic, choice.span):
        if cut := choice.cut(alerts.tally.records, kept):
            found.cut = cut
            break
        since = min(since, read.timestamp)
        made, refusal = _made(await runner.turn([record_of(read, codec)]), plain)
        kept += alerts.now((read.partition, read.offset), made, refusal)
    if alerts.tally.records:
        after = Span(max(0, since - SKEW_MS), now_ms())
        found.differences += [one async for one in _alerts(settings, alerts, after, codec, learn)]
        found.differences += [one async for one in _rejections(settings, alerts, after, codec, learn)]
        found.differences += alerts.rest()
    return found


def _stage(settings: Settings) -> Normalize:
    config = NormalizeConfig(settings.project_by_topic, settings.identity)
    return Normalize(config, chosen_sources(settings), None, settings.gateway.stamp_key())


def _made(turn: Turn, codec: Codec) -> tuple[dict[int, bytes], dict[str, Any] | None]:
    alerts, refusal = {}, None
    for out in turn.outputs:
        kind, plain = codec.read(out.value)
        if kind is AlertNormalized:
            alerts[plain["payload"]["origin"]["index"]] = out.value
        elif kind is AlertRejected:
            refusal = plain["payload"]
    return alerts, refusal


async def _alerts(
    settings: Settings, alerts: Alerts, after: Span, codec: Codec, learn: Learn
) -> AsyncIterator[Difference]:
    """By the headers alone, until one is of the interval."""
    async for read in read_log(settings, NORMALIZED, after):
        record = record_of(read, codec)
        if record.header("ce_type") != IS_ALERT:
            continue
        glance = glance_of(record)
        _, topic, partition = glance.place.rsplit("/", 2)
        place = int(partition), glance.offset
        if topic == alerts.topic and alerts.asks(place):
            known = await plain_of(codec, learn, read.value)
            for one in alerts.recorded(place, glance.number, known[1]["payload"]) if known else ():
                yield one


async def _rejections(
    settings: Settings, alerts: Alerts, after: Span, codec: Codec, learn: Learn
) -> AsyncIterator[Difference]:
    async for read in read_log(settings, REJECTED, after):
        kind, plain = await plain_of(codec, learn, read.value) or (None, {})
        if kind is AlertRejected and (told := plain["payload"])["topic"] == alerts.topic:
            for one in alerts.rejected((told["partition"], told["offset"]), told):
                yield one
