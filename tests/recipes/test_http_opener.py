import ssl
import urllib.request

import pytest

from catscale.errors import DataError
from catscale.recipes import http_opener as module
from tests.unchecked import unchecked


def test_certificates_are_verified():
    (handler,) = [h for h in unchecked(module.make_opener()).handlers if isinstance(h, urllib.request.HTTPSHandler)]
    context = unchecked(handler)._context
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname


def test_https_is_not_left_for_http():
    handler = module._HttpOnly()
    request = urllib.request.Request("https://a.b/f")
    with pytest.raises(DataError, match="not safe to follow"):
        handler.redirect_request(request, None, 302, "", {}, "http://a.b/f")
