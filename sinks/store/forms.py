"""multipart/form-data, the way the ordinary client sends long statements and their parameters."""

from __future__ import annotations

from email.parser import BytesParser
from email.policy import HTTP

from sinks.store.errors import BAD_ARGUMENTS, NOT_IMPLEMENTED, StatementError


def read_form(content_type: str, body: list[bytes]) -> dict[str, str]:
    """Its fields as text; files (external tables) are not taken."""
    head = f"Content-Type: {content_type}\r\n\r\n".encode()
    message = BytesParser(policy=HTTP).parsebytes(head + b"".join(body))
    if not message.is_multipart():
        raise StatementError.of(BAD_ARGUMENTS, "The body is no multipart/form-data as announced")
    fields: dict[str, str] = {}
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        if part.get_filename() is not None:
            raise StatementError.of(
                NOT_IMPLEMENTED, f"External table {name!r}: the store takes no external data"
            )
        raw = part.get_payload(decode=True)
        fields[str(name)] = raw.decode() if isinstance(raw, bytes) else ""
    return fields
