"""The record in ClickHouse: a server, or the store of one machine; the same client for both."""
