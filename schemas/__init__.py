"""Plain data: the events, their Avro schemas, the catalogue of topics. Imports nothing of ours."""
