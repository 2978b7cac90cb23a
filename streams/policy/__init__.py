"""Who may decide what: rules and signatures. No Kafka, no clock, no network of its own."""
