"""Opening addresses: HTTP and HTTPS alone, certificates verified, no redirection to a lesser scheme."""

import ssl
import urllib.request
from typing import Any
from urllib.parse import urlsplit

from catscale.errors import DataError
from catscale.recipes.http_watch import WatchedHTTPHandler, WatchedHTTPSHandler


class _HttpOnly(urllib.request.HTTPRedirectHandler):
    """Follows redirections, but never to another scheme, nor from https to http."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        schemes = urlsplit(req.full_url).scheme, urlsplit(newurl).scheme
        if schemes[1] not in ("http", "https") or schemes == ("https", "http"):
            raise DataError(
                f"{req.full_url} leads to {newurl}, which is not safe to follow; "
                "give a trustworthy address by --recipes"
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def make_opener() -> urllib.request.OpenerDirector:
    """Return an opener of HTTP and HTTPS with verified certificates and the environment's proxies."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        WatchedHTTPHandler(),
        WatchedHTTPSHandler(context=ssl.create_default_context()),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.UnknownHandler(),
        _HttpOnly(),
    ):
        opener.add_handler(handler)
    return opener
