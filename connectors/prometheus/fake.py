"""A Prometheus for tests: series by metric and labels, asked through the same client over the same API.

It reads the selectors of a question as Prometheus does, quoting and all, and answers with the samples of the
first one that matches anything; what is calculated with them is the real one's business.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qs

import orjson

from connectors.http import Reply

_SELECTOR = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)\{((?:[^"}]|"(?:[^"\\]|\\.)*")*)\}')
_NAMES = re.compile(r'^count by \(__name__\) \(\{__name__=~"((?:[^"\\]|\\.)*)"\}\)$')
_ALONE = re.compile(r"count\(([a-zA-Z_:][a-zA-Z0-9_:]*)\)")
_MATCHER = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)(=~|!~|!=|=)"((?:[^"\\]|\\.)*)"')
Samples = Sequence[tuple[int, float]]


@dataclass(slots=True)
class FakePrometheus:
    """`broken` is what it answers instead, while it is set."""

    series: list[tuple[dict[str, str], Samples]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    broken: Reply | Exception | None = None

    def add(self, metric: str, samples: Samples, **labels: str) -> None:
        self.series.append(({"__name__": metric, **labels}, samples))

    async def post(self, url: str, content: bytes, headers: Mapping[str, str] | None = None) -> Reply:
        form = {name: values[0] for name, values in parse_qs(content.decode()).items()}
        self.asked.append(form["query"])
        self.headers.append(headers or {})
        if isinstance(self.broken, Exception):
            raise self.broken
        if self.broken is not None:
            return self.broken
        is_range = url.endswith("/query_range")
        result = list(self._answer(form["query"], is_range=is_range))
        data = {"resultType": "matrix" if is_range else "vector", "result": result}
        return Reply(200, {}, orjson.dumps({"status": "success", "data": data}))

    def _answer(self, promql: str, *, is_range: bool) -> Iterator[dict[str, object]]:
        names = _NAMES.search(promql)
        if names is not None:
            there = {labels["__name__"] for labels, _ in self.series}
            for metric in sorted(name for name in there if re.fullmatch(unquoted(names[1]), name)):
                yield {"metric": {"__name__": metric}, "value": [0, "1"]}
            return
        selectors = _SELECTOR.findall(promql) or [(name, "") for name in _ALONE.findall(promql)]
        for metric, inner in selectors:
            found = [pair for pair in self.series if _matches(pair[0], metric, inner)]
            if found:
                yield from (_plain(labels, samples, is_range=is_range) for labels, samples in found)
                return


def _plain(labels: Mapping[str, str], samples: Samples, *, is_range: bool) -> dict[str, object]:
    shown = {name: value for name, value in labels.items() if name != "__name__"}
    values = [[at / 1000, repr(value)] for at, value in samples]
    return {"metric": shown, "values": values} if is_range else {"metric": shown, "value": values[-1]}


def _matches(labels: Mapping[str, str], metric: str, inner: str) -> bool:
    return labels["__name__"] == metric and all(
        _holds(labels.get(name, ""), sign, unquoted(text)) for name, sign, text in _MATCHER.findall(inner)
    )


def _holds(value: str, sign: str, text: str) -> bool:
    if sign in ("=", "!="):
        return (value == text) is (sign == "=")
    return (re.fullmatch(text, value) is not None) is (sign == "=~")


def unquoted(text: str) -> str:
    """A string literal's value, without the quotes around it."""
    return re.sub(r"\\(x[0-9a-f]{2}|u[0-9a-f]{4}|.)", lambda found: _sign(found[1]), text, flags=re.DOTALL)


def _sign(escape: str) -> str:
    if len(escape) > 1:
        return chr(int(escape[1:], 16))
    return {"n": "\n", "r": "\r", "t": "\t"}.get(escape, escape)
