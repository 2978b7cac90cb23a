"""aiokafka's clients ask for metadata again at once when no broker answers: a busy loop, thousands of log
lines a second. A patient one waits a moment in between.
"""

from __future__ import annotations

import asyncio
from typing import Any

WAIT_SECS = 0.5


def patient(client: Any) -> None:
    """`producer.client` or `consumer._client`, before it is started."""
    update = client._metadata_update

    async def update_patiently(cluster: Any, topics: Any) -> bool:
        updated: bool = await update(cluster, topics)
        if not updated:
            await asyncio.sleep(WAIT_SECS)
        return updated

    client._metadata_update = update_patiently
