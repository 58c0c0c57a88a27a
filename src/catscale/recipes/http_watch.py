"""HTTP connections whose status line and headers must come within a time, however slowly their bytes drip."""

import http.client
import socket
import threading
import urllib.request
from contextlib import suppress
from typing import Any

HEADER_SECONDS = 120.0


class _Watched(http.client.HTTPConnection):
    """A connection that is cut where an answer's head takes too long; the timeout of a socket is one of each byte."""

    def getresponse(self) -> http.client.HTTPResponse:
        """Read the head of an answer.

        Raises:
            ConnectionError: If the time is over.
        """
        self._is_late = False
        timer = threading.Timer(HEADER_SECONDS, self._cut)
        timer.daemon = True
        timer.start()
        try:
            response = super().getresponse()
        except (OSError, http.client.HTTPException) as error:
            if self._is_late:  # bytes that come after the cut may reset the connection
                raise self._lateness() from error
            raise
        finally:
            timer.cancel()
        if self._is_late:  # a head that was cut off looks like a short one
            raise self._lateness()
        return response

    @staticmethod
    def _lateness() -> ConnectionError:
        return ConnectionError(f"the answer's head took more than {HEADER_SECONDS:g} s")

    def _cut(self) -> None:
        self._is_late = True
        with suppress(OSError):
            if self.sock is not None:
                self.sock.shutdown(socket.SHUT_RDWR)


class _WatchedSecure(http.client.HTTPSConnection, _Watched):
    """An HTTPS connection that is watched in the same way."""


class WatchedHTTPHandler(urllib.request.HTTPHandler):
    """Opens watched connections."""

    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        """Open an address with http."""
        return self.do_open(_Watched, req)


class WatchedHTTPSHandler(urllib.request.HTTPSHandler):
    """Opens watched connections with TLS."""

    _context: Any

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        """Open an address with https."""
        return self.do_open(_WatchedSecure, req, context=self._context)
