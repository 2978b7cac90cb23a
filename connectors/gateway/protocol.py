"""uvicorn's HTTP protocol with a bound on a request's head, which it lacks: a head is held in memory."""

from __future__ import annotations

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD_BYTES = 32 * 1024
_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class BoundedHeadProtocol(HttpToolsProtocol):
    """A head that does not end within the bound ends the connection."""

    _head_bytes = 0
    _in_head = True
    _progress = 0  # heads and messages that have ended

    def data_received(self, data: bytes) -> None:
        before = self._progress
        super().data_received(data)
        if not self._in_head or self._progress != before:
            return  # what came was a body, or the end of something
        self._head_bytes += len(data)
        if self._head_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
            self.transport.write(_TOO_LARGE)
            self.transport.close()

    def on_headers_complete(self) -> None:
        self.scope["state"]["abort"] = self.transport.abort  # for a listener that takes nothing
        self._in_head = False
        self._progress += 1
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._in_head, self._head_bytes = True, 0
        self._progress += 1
