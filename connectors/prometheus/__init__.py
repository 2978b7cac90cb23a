"""Prometheus, read only."""
