"""Reasoning about alerts, and keeping personal values out of it. No Kafka, no network of its own."""
