"""The rule engine's knowledge: YAML files in `shipped/`, and those that operators add."""
