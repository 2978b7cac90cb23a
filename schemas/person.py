"""How a person is named in every event, token and registry."""

from __future__ import annotations

PERSON = r"[a-z0-9][a-z0-9._@+-]{0,126}"
"""small ASCII letters alone: two persons whose names look alike cannot both be registered"""
PERSON_IN_WORDS = "small letters, digits and . _ @ + -"
