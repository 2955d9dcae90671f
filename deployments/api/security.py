"""Who may ask, how often, how much at a time, and what browsers are told."""

import hmac
import logging
import os
import time
from collections.abc import Iterable
from hashlib import sha256
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from limits import RateLimitItem, parse
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from limits.storage import storage_from_string

from deployments.api.problems import Problem
from deployments.api.settings import ApiSettings

KEYS = "SENTIMILL_API_KEYS"
MIN_KEY_LENGTH = 16
log = logging.getLogger("sentimill.api")

HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "cache-control": "no-store",
}


def read_keys(settings: ApiSettings) -> dict[str, bytes]:
    """Digest of each key by its name; empty where everyone may ask.

    Raises:
        ValueError: A line is not `name:key`, a key is short, or a file holds none.
    """
    lines = os.environ.get(KEYS, "").split(",")
    if settings.keys_file:
        lines += settings.keys_file.expanduser().read_text().splitlines()
    keys = dict(_key(line.strip()) for line in lines if line.strip() and not line.startswith("#"))
    if settings.keys_file and not keys:
        raise ValueError(f"{settings.keys_file} holds no key; expected one name:key per line. Add one.")
    return keys


def _key(line: str) -> tuple[str, bytes]:
    name, colon, key = line.partition(":")
    if not (name and colon) or len(key) < MIN_KEY_LENGTH:
        raise ValueError(
            f"a key of {KEYS} or of the keys file is not readable; expected name:key with at least "
            f"{MIN_KEY_LENGTH} characters of key. Make one with `openssl rand -hex 24`."
        )
    return name, sha256(key.encode()).digest()


def name_of(key: str, keys: dict[str, bytes]) -> str | None:
    """Whose key it is; takes the same time whichever it is, and if it is none."""
    digest = sha256(key.encode()).digest()
    names = [name for name, known in keys.items() if hmac.compare_digest(digest, known)]
    return names[0] if names else None


bearer = HTTPBearer(auto_error=False, description="An API key, where the service has any.")

Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]


async def caller(request: Request, credentials: Credentials) -> str:
    """Name of who asks: of the key, or the address where there are no keys.

    Raises:
        Problem: 401.
    """
    keys: dict[str, bytes] = request.app.state.keys
    if not keys:
        return request.client.host if request.client else "local"
    name = name_of(credentials.credentials, keys) if credentials else None
    if name is None:
        raise Problem(
            401,
            "The API key is missing or wrong; expected Authorization: Bearer KEY.",
            {"WWW-Authenticate": "Bearer"},
        )
    return name


class RateLimit:
    """Texts per caller and time, in a sliding window."""

    def __init__(self, settings: ApiSettings) -> None:
        self._item: RateLimitItem | None = parse(settings.rate_limit) if settings.rate_limit else None
        self._limiter = SlidingWindowCounterRateLimiter(storage_from_string(f"async+{settings.rate_storage}"))

    async def require(self, caller: str, n_texts: int) -> None:
        """Count texts.

        Raises:
            Problem: 429 with Retry-After.
        """
        if self._item is None or await self._limiter.hit(self._item, caller, cost=n_texts):
            return
        stats = await self._limiter.get_window_stats(self._item, caller)
        retry_s = max(1, round(stats.reset_time - time.time()))
        raise Problem(
            429, f"More than {self._item} texts; try again in {retry_s} s.", {"Retry-After": str(retry_s)}
        )


def warn_if_open(settings: ApiSettings, keys: Iterable[str]) -> None:
    """Say in the log that a service which others can reach asks for no key."""
    if not list(keys) and settings.host not in ("127.0.0.1", "::1", "localhost"):
        log.warning("everyone who reaches %s may ask; set %s or --keys-file", settings.host, KEYS)
