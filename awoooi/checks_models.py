"""The doctor's check of the model providers: address, key and model, without asking anything that costs."""

from __future__ import annotations

from agents.models.fallback import Seat
from agents.models.model import Fault, ProviderFailed
from agents.models.wire import HttpProvider
from awoooi.findings import Finding, Verdict
from awoooi.loading import Loaded
from awoooi.models import seats_of
from connectors.http import HttpClient

NOBODY = "no model is asked: the rules speak, and a person decides"


async def models(loaded: Loaded) -> list[Finding]:
    clients = list[HttpClient]()
    try:
        seats = seats_of(loaded.settings, clients)
        findings = [await _look(seat, loaded) for seat in seats]
    finally:
        for client in clients:
            await client.close()
    return findings or [Finding("models", Verdict.OK, NOBODY)]


async def _look(seat: Seat, loaded: Loaded) -> Finding:
    name, provider = seat.name, seat.provider
    if seat.mode == "LOG":
        return Finding("models", Verdict.OK, f"{name}: mode LOG, never asked")
    if not isinstance(provider, HttpProvider):
        return Finding("models", Verdict.OK, f"{name}: is there")
    try:
        await provider.ready()
    except ProviderFailed as failed:
        wanted = any(loaded.is_given(name, field) for field in type(provider.config).model_fields)
        verdict = Verdict.WRONG if wanted else Verdict.WARNING
        return Finding("models", verdict, f"{name}: {failed}", _todo(name, failed.fault))
    return Finding("models", Verdict.OK, f"{name}: {provider.config.model} is ready")


def _todo(name: str, fault: Fault) -> str:
    setting = {Fault.KEY: "KEY", Fault.MODEL: "MODEL"}.get(fault, "URL")
    return f"correct AWOOOI_{name.upper()}_{setting}; AWOOOI_{name.upper()}_MODE=OFF where it is not wanted"
