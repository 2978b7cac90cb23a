"""The pipeline; the only folder that knows Kafka. Read pipeline.py first."""
