"""One gateway process for the tests to kill: `python -m ... BOOTSTRAP PORT TOKENS_FILE SOURCE...`"""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import structlog

from connectors.gateway.config import GatewayConfig
from connectors.gateway.serve import Gateway, run
from connectors.kafka.config import KafkaConfig
from tests.connectors.gateway.support import SECRET


def main(bootstrap: str, port: str, tokens_file: str, *sources: str) -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.INFO))
    config = GatewayConfig(port=int(port), tokens_file=Path(tokens_file), stamp_secret=SECRET)
    run(Gateway(config, KafkaConfig(bootstrap_servers=bootstrap, request_timeout_secs=3), sources))


if __name__ == "__main__":
    main(*sys.argv[1:])
