"""The list of metrics and the page that describes them say the same."""

from __future__ import annotations

import re
from pathlib import Path

from connectors import metrics

PAGE = Path(__file__).parents[2] / "docs" / "http.md"
ROW = re.compile(r"^\| `(awoooi_\w+)` \| ([^|]*) \| (.*) \|$", re.MULTILINE)


def test_the_page_describes_every_metric() -> None:
    described = {name: (labels.strip(), text.strip()) for name, labels, text in ROW.findall(PAGE.read_text())}

    assert described == {
        metric.name: (", ".join(f"`{label}`" for label in metric.labels), metric.help)
        for metric in metrics.GATEWAY
    }
