"""Atomic limits shared by all processes (counted in Valkey)."""

import hashlib
import ipaddress
import time

from allauth.account.adapter import get_adapter
from django.core.cache import cache
from django.http import HttpRequest

_IPV6_HOME_PREFIX = 64


def take(*, name: str, key: str, limit: int, window_seconds: int) -> bool:
    """Count one try of `key`; False once `limit` tries were made in the running window.

    The window's number is part of the key and INCR is atomic, so parallel tries can't pass together.
    """
    digest = hashlib.sha256(key.encode()).hexdigest()
    counter = f"limit:{name}:{digest}:{int(time.time() // window_seconds)}"
    cache.add(counter, 0, timeout=2 * window_seconds)
    return cache.incr(counter) <= limit


def network_of(request: HttpRequest) -> str:
    """The caller's address; for IPv6 the network of one household, whose addresses are free."""
    address = ipaddress.ip_address(get_adapter(request).get_client_ip(request))
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.IPv6Network((address, _IPV6_HOME_PREFIX), strict=False))
    return str(address)
