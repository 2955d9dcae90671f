"""Asking an HTTP server that may be busy, broken or gone: what is worth asking again, and when.

The loop is our own: `tenacity` and the `openai` client retry each call alone, but a server that asks for a
pause means all calls; nor do they retry an answer of status 200 that is cut off or holds no choices.
"""

import asyncio
import email.utils
import logging
import random
import re
import time
from collections.abc import Mapping
from typing import Any

import httpx

log = logging.getLogger(__name__)

N_TRIES = 6
FIRST_WAIT_S = 0.5
MAX_WAIT_S = 60.0
PASSING = frozenset({408, 409, 425, 429, 500, 502, 503, 504})
"""Statuses that may be gone the next time (RFC 9110 and OpenAI's own client)."""
REFUSED = {
    401: "Set OPENAI_API_KEY, or what key_variable names, to a key that the server knows.",
    403: "Set OPENAI_API_KEY, or what key_variable names, to a key that may use this model.",
    404: "Check generator.endpoint and generator.model.",
}

Json = dict[str, Any]


class RefusedError(ValueError):
    """The server refuses a request as it is."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class Pause:
    """The moment until which a whole client keeps still, because the server asked for it."""

    def __init__(self) -> None:
        self._until = 0.0

    def extend(self, seconds: float) -> None:
        """Keep still for at least so long from now."""
        self._until = max(self._until, time.monotonic() + min(seconds, MAX_WAIT_S))

    async def over(self) -> None:
        """Wait for the end of the pause."""
        while (left := self._until - time.monotonic()) > 0:
            await asyncio.sleep(left)


async def ask(client: httpx.AsyncClient, path: str, body: Json, needed: str, pause: Pause) -> Json:
    """Post until an answer comes that holds a non-empty `needed`.

    Raises:
        RefusedError: The server refuses the request; asking again would not help.
        ConnectionError: No good answer in `N_TRIES` tries.
    """
    problem = ""
    for attempt in range(N_TRIES):
        await pause.over()
        try:
            response = await client.post(path, json=body)
            problem = _problem(response, needed)
        except httpx.HTTPError as error:
            response, problem = None, f"{type(error).__name__} {error}".strip()
        if response is not None:
            pause.extend(requested_wait_s(response.headers))
            if not problem:
                answer: Json = response.json()
                return answer
        log.info("Endpoint %s: %s (try %d of %d).", client.base_url, problem, attempt + 1, N_TRIES)
        if attempt + 1 < N_TRIES:
            await asyncio.sleep(FIRST_WAIT_S * 2**attempt * random.uniform(0.5, 1.0))
    raise ConnectionError(
        f"endpoint {client.base_url} failed {N_TRIES} times, last with {problem}; "
        f"expected an answer with {needed}. Look at the server's log."
    )


def _problem(response: httpx.Response, needed: str) -> str:
    """What is wrong with an answer; empty if nothing."""
    if response.status_code in PASSING:
        return f"status {response.status_code}"
    if response.status_code >= 400:
        refuse(response)
    try:
        answer = response.json()
    except ValueError:
        return "a body that is not JSON"
    return "" if isinstance(answer, dict) and answer.get(needed) else f"no {needed}"


def refuse(response: httpx.Response) -> None:
    """Raise the error of a status that asking again does not change."""
    status, said = response.status_code, response.text[:200].strip()
    advice = REFUSED.get(status, "Check the generator's settings.")
    message = f"endpoint {response.url} answers status {status}: {said}; expected 200. {advice}"
    raise RefusedError(message, status)


def requested_wait_s(headers: Mapping[str, str]) -> float:
    """Seconds that the server asks to be left alone: Retry-After (RFC 9110, 10.2.3), or a spent rate limit.

    Rate limits are OpenAI's: `x-ratelimit-remaining-requests: 0` with `x-ratelimit-reset-requests: 1m2.5s`.
    """
    waits = [_retry_after_s(headers.get("retry-after", ""))]
    for what in ("requests", "tokens"):
        if headers.get(f"x-ratelimit-remaining-{what}") == "0":
            waits.append(_duration_s(headers.get(f"x-ratelimit-reset-{what}", "")))
    return max(waits)


def _retry_after_s(value: str) -> float:
    if re.fullmatch(r"\d+(\.\d+)?", value):
        return float(value)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return 0.0


def _duration_s(value: str) -> float:
    seconds = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
    return sum(float(number) * seconds[unit] for number, unit in re.findall(r"([\d.]+)(ms|h|m|s)", value))
