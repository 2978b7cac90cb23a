"""Kafka: settings, the producer and the topics, shared by gateway, streams and sinks."""
