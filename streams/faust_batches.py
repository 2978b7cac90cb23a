"""Micro-batches: records of one partition that travel as one message."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from faust.types import TP, ConsumerMessage


def split(records: list[Any], size: int) -> Iterable[list[Any]]:
    """Into parts of about the same size: a small rest would cost nearly as many outputs as a full batch."""
    if len(records) <= size:
        return (records,)
    even = -(-len(records) // -(-len(records) // size))
    return (records[start : start + even] for start in range(0, len(records), even))


def message_of(tp: TP, records: list[Any], generation: int) -> ConsumerMessage:
    """The batch as one message: its value is the records, its offset the last one's."""
    last = records[-1]
    return ConsumerMessage(
        last.topic,
        last.partition,
        last.offset,
        last.timestamp / 1000.0,
        0,
        (),
        None,
        records,
        None,
        0,
        0,
        tp,
        generation_id=generation,
    )


def together(messages: list[ConsumerMessage]) -> ConsumerMessage:
    """Batches of one partition that follow each other, as one."""
    if len(messages) == 1:
        return messages[0]
    records = [record for message in messages for record in message.value]
    return message_of(messages[0].tp, records, messages[0].generation_id)
