"""Why nobody could be reached, in the system's own words."""

from __future__ import annotations

import os
import ssl


def reason_of(error: BaseException) -> str:
    """Event loops put addresses and numbers of errors into the text; whoever tells it names the address."""
    match error:
        case ssl.SSLCertVerificationError():
            return f"its certificate is not trusted: {error.verify_message}"
        case ssl.SSLError():
            return f"TLS failed: {error.reason or error}"
        case TimeoutError():
            return "no answer in time"
        case OSError() if error.errno is not None and error.errno > 0:
            return os.strerror(error.errno).lower()
        case OSError() if error.strerror:
            return error.strerror.lower()
    return str(error) or type(error).__name__
