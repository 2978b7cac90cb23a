"""The HTTP door: webhooks in, records on alerts.raw.* out."""
