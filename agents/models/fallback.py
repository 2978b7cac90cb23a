"""The panel: providers in order, each behind its breaker; retries and fall-backs share the question's time.

A call is repeated where that may help (busy, broken off, an error of the server's), not after silence or a
refusal: then the next provider is asked. When nobody answers, NoModel says who was asked and why each failed.
"""

from __future__ import annotations

import asyncio
import math
import time
import traceback
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256

import structlog

from agents.models.ask import Unfit, complaint, read
from agents.models.breaker import Breaker, Clock, Permit
from agents.models.config import Asking, Mode
from agents.models.metrics import Meters
from agents.models.model import (
    Answer,
    Completion,
    Fault,
    NoModel,
    Prompt,
    Provider,
    ProviderFailed,
    Question,
    R,
)
from agents.models.pricing import NOTHING, Price
from agents.models.refusal import told
from agents.models.shape import schema_of
from schemas.turn import Agent, Usage

log = structlog.get_logger(__name__)
LONGEST_REPEATED = 8192
"""Characters of an invalid answer that are shown to the model again."""
LEAST_SECS = 0.01
LONGEST_PAUSE_SECS = 600.0
"""So long at most a provider is left alone because it said so."""


@dataclass(frozen=True, slots=True)
class Seat:
    """A provider at the panel."""

    provider: Provider
    breaker: Breaker
    price: Price = NOTHING
    mode: Mode = "LIVE"

    @property
    def name(self) -> str:
        return self.provider.name


@dataclass(slots=True)
class Ledger:
    """What one question cost so far, over all providers."""

    agent: Agent
    tokens_in: int = 0
    tokens_out: int = 0
    cost_usd: float = 0.0
    calls: int = 0
    repaired: bool = False
    failures: list[str] = field(default_factory=list)

    def usage(self, provider: str = "rules", model: str = "") -> Usage:
        return Usage(
            provider=provider,
            model=model,
            tokens_in=self.tokens_in,
            tokens_out=self.tokens_out,
            cost_usd=round(self.cost_usd, 9),
            calls=self.calls,
            repaired=self.repaired,
            failures=tuple(self.failures),
        )


class Fallback:
    """One for a process: its breakers remember."""

    def __init__(
        self,
        seats: Sequence[Seat],
        asking: Asking,
        meters: Meters,
        *,
        clock: Clock = time.monotonic,
        closing: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._seats, self._asking, self._meters = tuple(seats), asking, meters
        self._clock, self._closing = clock, closing

    async def close(self) -> None:
        """The connections, too."""
        if self._closing is not None:
            await self._closing()

    async def ask(self, question: Question[R]) -> Answer[R]:
        """Raises NoModel, and nothing else."""
        deadline, ledger = self._clock() + question.seconds, Ledger(question.agent)
        for number, seat in enumerate(self._seats):
            others = any(self._can_be_asked(later, question) for later in self._seats[number + 1 :])
            try:
                value, model = await self._ask(seat, question, ledger, deadline, others=others)
            except ProviderFailed as failed:
                ledger.failures.append(f"{seat.name}: {told(str(failed))}")
                self._meters.went_on(seat.name, failed.fault)
            else:
                return Answer(value, ledger.usage(seat.name, model))
        raise NoModel("; ".join(ledger.failures), ledger.usage())

    def _can_be_asked(self, seat: Seat, question: Question[R]) -> bool:
        private = seat.provider.cloud and not question.cloud
        return seat.mode == "LIVE" and not private and seat.breaker.left_secs <= 0

    async def _ask(
        self, seat: Seat, question: Question[R], ledger: Ledger, deadline: float, *, others: bool
    ) -> tuple[R, str]:
        """One provider, or why not."""
        if seat.provider.cloud and not question.cloud:
            raise ProviderFailed("not asked: this text must stay here", fault=Fault.PRIVATE)
        if seat.mode == "LOG":
            self._only_log(seat, question)
            raise ProviderFailed("not asked: its mode is LOG", fault=Fault.OFF)
        if self._clock() >= deadline:
            raise ProviderFailed("not asked: no time was left", fault=Fault.LATE)
        permit = seat.breaker.permit()
        if permit is None:
            raise ProviderFailed("not asked: it failed too often just now", fault=Fault.BREAKER)
        visit = Visit(seat, self._asking, self._meters, ledger, permit, self._clock, deadline, others=others)
        began = self._clock()
        try:
            return await visit.ask(question)
        finally:
            permit.let_go()
            self._meters.asked(seat.name, question.agent, self._clock() - began)
            self._meters.breaker(seat.name, is_open=seat.breaker.is_open)

    @staticmethod
    def _only_log(seat: Seat, question: Question[R]) -> None:
        text = question.system + question.prompt
        digest = sha256(text.encode()).hexdigest()[:16]
        log.info(
            "model_not_asked",
            provider=seat.name,
            agent=question.agent,
            characters=len(text),
            sha256=digest,
            why="its mode is LOG",
        )


@dataclass(slots=True)
class Visit:
    """One question at one provider: calls, retries, the one repair."""

    seat: Seat
    asking: Asking
    meters: Meters
    ledger: Ledger
    permit: Permit
    clock: Clock
    deadline: float
    others: bool = field(kw_only=True)
    """whether somebody else can be asked, so that time must be left for it"""

    @property
    def left(self) -> float:
        return self.deadline - self.clock()

    @property
    def patience(self) -> float:
        """How long to wait for nothing."""
        return self.left / 2 if self.others else self.left

    async def ask(self, question: Question[R]) -> tuple[R, str]:
        prompt = Prompt(question.system, question.prompt, schema_of(question.reply), question.agent)
        tries = 0
        while True:
            try:
                completion = await self._call(prompt)
                value = read(completion.text, question.reply)
            except ProviderFailed as failed:
                await self._wait_to_retry(failed, tries)
                tries += 1
            except Unfit as unfit:
                prompt = self._with_complaint(prompt, completion, unfit, question)
            else:
                self.permit.succeeded()
                self.meters.called(self.seat.name, "answered")
                return value, completion.model

    def _with_complaint(
        self, prompt: Prompt, completion: Completion, unfit: Unfit, question: Question[R]
    ) -> Prompt:
        """The question again, with what was wrong about the answer: once."""
        if prompt.history:
            raise self._noted(ProviderFailed(f"no valid answer: {told(str(unfit))}", fault=Fault.INVALID))
        self.ledger.repaired = True
        self.meters.called(self.seat.name, Fault.INVALID)
        answer = completion.text[:LONGEST_REPEATED] or "(nothing)"
        return replace(prompt, history=((answer, complaint(unfit, question.reply)),))

    async def _wait_to_retry(self, failed: ProviderFailed, tries: int) -> None:
        """Raises what failed where there is no use in another try, or no time."""
        wait = self.asking.retry_wait_secs * 2**tries
        if failed.retry_after_secs is not None:
            wait = max(wait, failed.retry_after_secs)
        hopeless = failed.final or self.seat.breaker.is_open or tries >= self.asking.retries
        if hopeless or wait >= self.patience:
            if failed.retry_after_secs is not None:
                self.seat.breaker.open_for(min(failed.retry_after_secs, LONGEST_PAUSE_SECS))
            raise failed
        await asyncio.sleep(wait)

    async def _call(self, prompt: Prompt) -> Completion:
        self.ledger.calls += 1
        bounded = replace(
            prompt,
            connect_secs=max(LEAST_SECS, min(self.asking.connect_secs, self.patience)),
            silence_secs=max(LEAST_SECS, min(self.asking.silence_secs, self.patience)),
        )
        given = max(LEAST_SECS, self.left)
        try:
            async with asyncio.timeout(given):
                completion = await self.seat.provider.complete(bounded)
        except ProviderFailed as failed:
            self._spend(failed.spent)
            raise self._noted(failed, bounded.silence_secs) from failed.__cause__
        except TimeoutError:
            late = ProviderFailed("the time for the question was over", fault=Fault.LATE, final=True)
            raise self._noted(late, given) from None
        except Exception as error:  # foreign code: whatever it raises, the run goes on
            self._log_bug(error)
            bug = ProviderFailed(f"is broken: {type(error).__name__}", fault=Fault.BUG, final=True)
            raise self._noted(bug) from error
        self._spend(completion)
        return completion

    def _log_bug(self, error: Exception) -> None:
        """Where it broke; not its message, which may repeat the question."""
        frames = traceback.extract_tb(error.__traceback__)
        log.error(
            "model_provider_broken",
            provider=self.seat.name,
            error=type(error).__name__,
            where=[f"{frame.filename}:{frame.lineno}" for frame in frames],
        )

    def _noted(self, failed: ProviderFailed, given_secs: float = math.inf) -> ProviderFailed:
        """Against the provider, unless it asked for patience or had hardly any time."""
        hurried = failed.fault in (Fault.SILENT, Fault.LATE) and given_secs < self.asking.connect_secs
        if not hurried and failed.retry_after_secs is None:
            self.permit.failed()
        self.meters.called(self.seat.name, failed.fault)
        return failed

    def _spend(self, completion: Completion | None) -> None:
        if completion is None:
            return
        cost = self.seat.price.of(completion.tokens_in, completion.tokens_out)
        self.ledger.tokens_in += completion.tokens_in
        self.ledger.tokens_out += completion.tokens_out
        self.ledger.cost_usd += cost
        self.meters.spent(self.seat.name, completion, cost)
