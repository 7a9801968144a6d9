"""
This module keeps foreign pages out: it answers only requests meant for this server by its name.

A web page elsewhere can make a browser send requests to a server on the same machine, and by
rebinding its own name even read the answers; the Host and Origin headers give it away.
"""

from collections.abc import Collection
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""What every answer carries unless it sets the same by itself."""


class Guard:
    """
    Answers 403 to a foreign Host or Origin, whatever the method, and adds security headers.

    A WebSocket of such is closed before it opens, which its client sees as 403 too.
    """

    def __init__(self, app: ASGIApp, *, hosts: Collection[str] | None = LOOPBACK) -> None:
        """
        Wrap an application.

        Args:
            app: The application.
            hosts: The names it answers to, without ports; None answers to all of them.
        """
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """
        Pass the request on, or refuse it.
        """
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(Headers(scope=scope))
        if refusal and scope["type"] == "websocket":
            await WebSocketClose(1008, refusal.strip())(scope, receive, send)
            return
        if refusal:
            await PlainTextResponse(refusal, status_code=403)(scope, receive, _hardened(send))
            return
        await self._app(scope, receive, _hardened(send))

    def _refusal(self, headers: Headers) -> str:
        host, origin = headers.get("host", ""), headers.get("origin")
        if self._hosts is not None and _hostname(f"//{host}") not in self._hosts:
            return f"this server does not answer to the host {host[:200]!r}\n"
        if origin is None or self._is_own(origin, host):
            return ""
        return f"requests from pages of {origin[:200]!r} are not answered\n"

    def _is_own(self, origin: str, host: str) -> bool:
        name = _hostname(origin)
        return name == _hostname(f"//{host}") or (self._hosts is not None and name in self._hosts)


def _hostname(address: str) -> str | None:
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None


def _hardened(send: Send) -> Send:
    async def hardened(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return hardened
