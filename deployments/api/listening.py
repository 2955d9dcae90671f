"""One port, on which every worker listens by itself, and what a connection may take its time with.

Workers that share one listening socket take connections in a race: of 32, one worker was seen to get 31 and
the other sat idle. With a socket each (SO_REUSEPORT, socket(7)) Linux spreads them evenly, and gives those of
a worker that is gone to the others.
"""

import asyncio
import socket
import sys
from collections.abc import Callable
from typing import Any

import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.supervisors import Multiprocess

HEAD_S = 10.0
"""Seconds within which a request's head has to arrive."""


class TimedHead(HttpToolsProtocol):
    """Closes a connection whose request head does not arrive whole; uvicorn itself waits for ever."""

    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first head."""
        super().connection_made(transport)
        self._wait_for_head()

    def on_message_begin(self) -> None:
        """Begin to wait for the rest of the next head; between two requests uvicorn's own limit holds."""
        super().on_message_begin()
        self._wait_for_head()

    def on_headers_complete(self) -> None:
        """The head is there."""
        self._stop_waiting()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody waits any more."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _wait_for_head(self) -> None:
        self._stop_waiting()
        self._late = self.loop.call_later(HEAD_S, self._give_up)

    def _give_up(self) -> None:
        if self.cycle and not self.cycle.response_complete:  # an answer is on its way
            self._wait_for_head()
        else:
            self.transport.close()

    def _stop_waiting(self) -> None:
        if self._late:
            self._late.cancel()
            self._late = None


class OwnSocket(socket.socket):
    """A bound socket that becomes another one, bound to the same address, when it is sent to a worker."""

    def __reduce__(self) -> tuple[Callable[..., "OwnSocket"], tuple[Any, ...]]:
        """How multiprocessing sends it."""
        return bound, (self.family, self.getsockname())


def bound(family: int, address: Any) -> OwnSocket:
    """Socket that shares an address with others of its kind.

    Raises:
        OSError: Somebody else has the address.
    """
    own = OwnSocket(family)
    own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    own.bind(address)
    return own


def run(config: uvicorn.Config) -> None:
    """Serve until a signal comes: as `uvicorn.run`, on Linux with a socket for each worker."""
    if config.workers == 1:
        server = uvicorn.Server(config)
        server.run()
        if not server.started:
            sys.exit(STARTUP_FAILURE)
        return
    shared = config.bind_socket()  # alone at first: a second service on this port must be refused
    if sys.platform != "linux":  # others leave all connections to one of the sockets
        Multiprocess(config, sockets=[shared]).run()
        return
    family, address = shared.family, shared.getsockname()
    shared.close()
    with bound(family, address) as own:  # never listens; keeps the port while no worker has it
        Multiprocess(config, sockets=[own]).run()
