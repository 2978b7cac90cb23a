"""ClickHouse's error codes, as far as the store itself raises or sorts them."""

from __future__ import annotations

import re

from schemas.errors import AwoooiError

SYNTAX_ERROR = 62
UNKNOWN_EXCEPTION = 1002
READONLY = 164
ACCESS_DENIED = 497
AUTHENTICATION_FAILED = 516
BAD_ARGUMENTS = 36
CANNOT_DECOMPRESS = 271
UNKNOWN_COMPRESSION_METHOD = 89
NO_DATA_TO_INSERT = 108
NOT_IMPLEMENTED = 48
TOO_LARGE = 307  # TOO_MANY_BYTES
TOO_MANY_QUERIES = 202
INCOMPLETE_BODY = 33  # CANNOT_READ_ALL_DATA

NAMES = {
    SYNTAX_ERROR: "SYNTAX_ERROR",
    UNKNOWN_EXCEPTION: "UNKNOWN_EXCEPTION",
    READONLY: "READONLY",
    ACCESS_DENIED: "ACCESS_DENIED",
    AUTHENTICATION_FAILED: "AUTHENTICATION_FAILED",
    BAD_ARGUMENTS: "BAD_ARGUMENTS",
    CANNOT_DECOMPRESS: "CANNOT_DECOMPRESS",
    UNKNOWN_COMPRESSION_METHOD: "UNKNOWN_COMPRESSION_METHOD",
    NO_DATA_TO_INSERT: "NO_DATA_TO_INSERT",
    NOT_IMPLEMENTED: "NOT_IMPLEMENTED",
    TOO_LARGE: "TOO_MANY_BYTES",
    TOO_MANY_QUERIES: "TOO_MANY_SIMULTANEOUS_QUERIES",
    INCOMPLETE_BODY: "CANNOT_READ_ALL_DATA",
}
# The rest of the codes are the statement's fault and answered with 400.
STATUS = {
    AUTHENTICATION_FAILED: 403,
    ACCESS_DENIED: 403,
    READONLY: 403,
    TOO_LARGE: 413,
    NOT_IMPLEMENTED: 501,
    TOO_MANY_QUERIES: 503,
    60: 404,  # UNKNOWN_TABLE
    81: 404,  # UNKNOWN_DATABASE
    159: 408,  # TIMEOUT_EXCEEDED
    241: 503,  # MEMORY_LIMIT_EXCEEDED
    243: 507,  # NOT_ENOUGH_SPACE
    252: 503,  # TOO_MANY_PARTS
    74: 500,  # CANNOT_READ_FROM_FILE_DESCRIPTOR
    75: 500,  # CANNOT_WRITE_TO_FILE_DESCRIPTOR
    76: 500,  # CANNOT_OPEN_FILE
    1000: 500,  # POCO_EXCEPTION
    1001: 500,  # STD_EXCEPTION
    UNKNOWN_EXCEPTION: 500,
}
CODE = re.compile(r"Code: (\d+)\.")
REPEATED = re.compile(r"^(Code: \d+\. DB::Exception: )(?:Code: \d+\. DB::Exception: )+")
NO_SPACE_LEFT = "No space left on device"


class StatementError(AwoooiError):
    """A statement that failed; code and text as ClickHouse words them."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code

    @property
    def status(self) -> int:
        return STATUS.get(self.code, 400)

    @classmethod
    def of(cls, code: int, message: str) -> StatementError:
        return cls(code, f"Code: {code}. DB::Exception: {message}. ({NAMES[code]})")

    @classmethod
    def from_engine(cls, error: Exception) -> StatementError:
        """The engine's own words; what stands before the code is the embedding's."""
        # The engine quotes what it cannot read, which need not be text.
        text = error.object.decode(errors="replace") if isinstance(error, UnicodeDecodeError) else str(error)
        found = CODE.search(text)
        if found is None:
            return cls.of(UNKNOWN_EXCEPTION, text)
        code = 243 if NO_SPACE_LEFT in text else int(found[1])
        return cls(code, REPEATED.sub(r"\1", text[found.start() :]))
