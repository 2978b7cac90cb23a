"""The parts of a run's brief, each under the run's one shield and within its limits.

Two kinds of text: the alert's, which normalize has cleaned and whose labels are opened, and what was
gathered, which is as foreign as an alert once was.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from agents.brief_limits import (
    DESCRIPTION,
    EDGES,
    LABELS,
    MESSAGE,
    MOST_ITEMS,
    MOST_NUMBERS,
    MOST_WORDS,
    NAME,
    NEIGHBOURS,
    NOTE,
    SUSPECTS,
    TARGETS,
    TEXT,
    WORD,
    within,
)
from agents.plain_speech import odd
from agents.privacy import restore
from agents.run_shield import RunShield, shortened
from agents.target_id import target_id
from connectors.evidence import Finding
from schemas.alert import Alert
from schemas.envelope import Plain, from_millis
from schemas.errors import CannotOpen
from schemas.evidence import EvidenceItem, Gap, Neighbour, Source, Subject, Surroundings, Suspect
from schemas.operations import Target
from schemas.run import RunStarted

_LINK = re.compile(r"https?://[^\s<>()`]{1,500}")


@dataclass(frozen=True, slots=True)
class Gathered:
    """What one source gave: findings, best first, and in `gap` what it could not say."""

    source: Source
    findings: Sequence[Finding] = ()
    gap: str = ""


@dataclass(frozen=True, slots=True)
class Teller:
    """Tells of one run. `values` is what the labels in the alert's texts stand for."""

    started: RunStarted
    shield: RunShield
    values: Mapping[str, str]
    target_key: bytes

    # -- the alert

    @property
    def alert(self) -> Alert:
        return self.started.payload.sighting.alert

    def subject(self) -> Subject:
        alert, seen = self.alert, self.started.payload.sighting
        return Subject(
            alert_type=self._said(alert.alert_type, NAME),
            severity=self.started.payload.severity,
            source=self._said(alert.source, NAME),
            message=self._said(alert.message, MESSAGE),
            description=self._said(alert.description or "", DESCRIPTION),
            resource_type=alert.resource_type,
            target=self._subject_target(),
            labels=self._labels(),
            hit_count=seen.hit_count,
            opened_at=seen.opened_at,
            last_seen_at=seen.last_seen_at,
            sanitized=alert.sanitized,
        )

    def alert_item(self) -> EvidenceItem:
        """The alert is evidence too, and of a source that is never away."""
        alert, numbers, words = self.alert, {}, {}
        for name, value in list(alert.metrics.items())[:MOST_NUMBERS]:
            if isinstance(value, str):
                words[self._said(name, NAME)] = self._said(value, WORD)
            elif math.isfinite(value):
                numbers[self._said(name, NAME)] = float(value)
        return EvidenceItem(
            id="",
            source=Source.ALERT,
            kind="alert",
            about=self._said(alert.target_resource or "", NAME),
            observed_at=self.started.payload.sighting.last_seen_at,
            text=self._said(f"{alert.alert_type}: {alert.message}", TEXT),
            numbers=numbers,
            words=words,
        )

    def _said(self, text: str, limit: int) -> str:
        return shortened(self.shield.of_alert(text), limit)

    def _labels(self) -> dict[str, str]:
        shown = [(self._said(name, NAME), self._said(text, WORD)) for name, text in self.alert.labels.items()]
        return dict(within(shown, *LABELS, lambda pair: len(f"{pair}".encode()))[0])

    def _strange(self) -> int:
        """Annotations that no report of a fault would have. Nobody is shown them; links are no news."""
        alert = self.alert
        names = f"{alert.namespace or ''} {alert.target_resource or ''}"
        texts = set(alert.annotations.values()) - {alert.message, alert.description}
        return sum(bool(odd(text, names)) for text in texts if not _LINK.fullmatch(text))

    def _subject_target(self) -> Target:
        alert = self.alert
        place = (alert.cluster, alert.namespace or "", alert.target_resource or "")
        real = [real_name(text, self.values) for text in place]
        cluster, namespace, name = (self.shield.of_alert(text) for text in place)
        kind = alert.resource_type or ""
        known = name and None not in real
        named = self._id(kind, *(text or "" for text in real)) if known else ""
        return Target(cluster=cluster, namespace=namespace, kind=kind, name=name, id=named)

    # -- what was gathered

    def targets(self, gathered: Sequence[Gathered]) -> tuple[tuple[Target, ...], int]:
        """All that the findings prove to exist, each once; and how many there is no room for."""
        cluster = real_name(self.alert.cluster, self.values)
        if cluster is None:
            return (), 0
        named = dict.fromkeys(
            named for part in gathered for finding in part.findings for named in finding.targets
        )
        targets = filter(None, (self._target(cluster, *real) for real in named))
        kept, left_out = within(targets, *TARGETS, size_of)
        return tuple(kept), left_out

    def _target(self, cluster: str, kind: str, namespace: str, name: str) -> Target | None:
        """None where the name could not be put back exactly: what cannot be named is not acted on."""
        shown = [self.shield.name(text) for text in (cluster, namespace, name)]
        if not name or None in shown:
            return None
        place = dict(zip(("cluster", "namespace", "name"), (text or "" for text in shown), strict=True))
        return Target(kind=kind, id=self._id(kind, cluster, namespace, name), **place)

    def _id(self, kind: str, cluster: str, namespace: str, name: str) -> str:
        return target_id(
            self.target_key,
            project_id=self.started.project_id,
            cluster=cluster,
            namespace=namespace,
            kind=kind,
            name=name,
        )

    def surroundings(self, found: Surroundings) -> Surroundings:
        """Services have real names until here; one that is an address becomes its label."""
        upstream, more_up = within(map(self._neighbour, found.upstream), *NEIGHBOURS, size_of)
        downstream, more_down = within(map(self._neighbour, found.downstream), *NEIGHBOURS, size_of)
        suspects, more = within(map(self._suspect, found.suspects), *SUSPECTS, size_of)
        service = self.shield.gathered(found.service, NAME)
        return Surroundings(
            service=service,
            upstream=tuple(upstream),
            downstream=tuple(downstream),
            suspects=tuple(suspects),
            needs=self._needs(
                found, frozenset((service, *(one.service for one in (*upstream, *downstream))))
            ),
            truncated=found.truncated or bool(more_up + more_down + more),
        )

    def _needs(self, found: Surroundings, kept: frozenset[str]) -> dict[str, tuple[str, ...]]:
        """Of those that are shown, by the names that they are shown by; no more than a drawing shows."""
        names = dict.fromkeys(chain(found.needs, *found.needs.values()))
        shown = {name: self.shield.gathered(name, NAME) for name in names}
        edges = ((shown[name], shown[callee]) for name, callees in found.needs.items() for callee in callees)
        told: dict[str, tuple[str, ...]] = {}
        drawn, _ = within((edge for edge in edges if kept.issuperset(edge)), *EDGES, _edge_size)
        for name, callee in drawn:
            told[name] = (*told.get(name, ()), callee)
        return told

    def _neighbour(self, found: Neighbour) -> Neighbour:
        return found.model_copy(update={"service": self.shield.gathered(found.service, NAME)})

    def _suspect(self, found: Suspect) -> Suspect:
        shown = {
            "service": self.shield.gathered(found.service, NAME),
            "why": self.shield.gathered(found.why, WORD),
        }
        return found.model_copy(update=shown)

    def gaps(self, gathered: Sequence[Gathered], labels: int, targets: int) -> tuple[Gap, ...]:
        """What the sources could not say, and what of labels and targets there was no room for."""
        told = [(part.source, self.shield.gathered(part.gap, WORD)) for part in gathered if part.gap]
        if strange := self._strange():
            told.append((Source.ALERT, f"annotations that read unlike a report of a fault: {strange}"))
        if self.alert.truncated:
            told.append((Source.ALERT, f"parts that were longer than is kept: {len(self.alert.truncated)}"))
        if labels:
            told.append((Source.ALERT, f"{labels} more labels were left out"))
        if targets:
            told.append((Source.KUBERNETES, f"{targets} more targets were left out: they cannot be acted on"))
        return tuple(Gap(source=source, reason=reason) for source, reason in told)

    def items(
        self, gathered: Sequence[Gathered], room: int
    ) -> tuple[tuple[EvidenceItem, ...], tuple[Gap, ...]]:
        """The alert and the findings, each source in turn; ids in the order of the sources."""
        first = self.alert_item()
        offered = list(_in_turn(gathered))
        made = ((place, self._item(finding, source)) for place, source, finding in offered)
        kept, _ = within(made, MOST_ITEMS - 1, room - size_of(first), lambda entry: size_of(entry[1]))
        kept.sort(key=lambda entry: entry[0])
        items = [first, *(item for _, item in kept)]
        numbered = (item.model_copy(update={"id": f"E{number}"}) for number, item in enumerate(items, 1))
        left_out = Counter(source for _, source, _ in offered)
        left_out.subtract(item.source for _, item in kept)
        return tuple(numbered), tuple(_left_out(source, count) for source, count in left_out.items() if count)

    def _item(self, finding: Finding, source: Source) -> EvidenceItem:
        say = self.shield.gathered
        finite = [(name, number) for name, number in finding.numbers.items() if math.isfinite(number)]
        return EvidenceItem(
            id="",
            source=source,
            kind=say(finding.kind, NAME),
            about=say(finding.about, NAME),
            observed_at=from_millis(finding.observed_at),
            text=say(" ".join(finding.text.split()), NOTE if source is Source.PERSON else TEXT),
            numbers={say(name, NAME): float(number) for name, number in finite[:MOST_NUMBERS]},
            words={
                say(name, NAME): say(word, WORD) for name, word in list(finding.words.items())[:MOST_WORDS]
            },
        )


def real_name(text: str, values: Mapping[str, str]) -> str | None:
    """As the alert's sender wrote it; None where a label in it cannot be opened."""
    try:
        return restore(text, values)
    except CannotOpen:
        return None


def _in_turn(gathered: Sequence[Gathered]) -> Iterator[tuple[tuple[int, int], Source, Finding]]:
    """The best finding of each source, then the second best of each: no source crowds out another."""
    for rank in range(max((len(part.findings) for part in gathered), default=0)):
        for place, part in enumerate(gathered):
            if rank < len(part.findings):
                yield (place, rank), part.source, part.findings[rank]


def _left_out(source: Source, count: int) -> Gap:
    what = "finding was" if count == 1 else "findings were"
    return Gap(
        source=source, reason=f"{count} more {what} left out: a run keeps {MOST_ITEMS} items and 64 KiB"
    )


def _edge_size(edge: tuple[str, str]) -> int:
    return sum(len(name.encode()) + 4 for name in edge)


def size_of(value: Plain) -> int:
    """Bytes as JSON."""
    return len(value.model_dump_json().encode())
