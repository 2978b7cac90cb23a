"""The outside world: alert sources, the gateway, and whatever else we talk to."""
