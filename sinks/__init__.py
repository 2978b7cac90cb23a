"""What leaves the pipeline: the record in ClickHouse, and messages to people."""
