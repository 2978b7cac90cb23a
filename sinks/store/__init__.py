"""The embedded ClickHouse: one process that owns chDB and speaks ClickHouse's HTTP protocol.

What the rest of AWOOOI needs of it is `StoreConfig` and `sinks.store.server.serve`.
"""

from sinks.store.config import StoreConfig

__all__ = ["StoreConfig"]
