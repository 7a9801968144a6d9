"""
This module holds what browser tests look at: pages over a real store, and a window on them.
"""

import threading
import time
from dataclasses import dataclass, field

import uvicorn
from playwright.sync_api import Page
from starlette.applications import Starlette
from tests.model_history import History
from tests.ports import free_port
from tests.running import until
from tests.server.watched import WatchedStore

from otel_confidence.alerting.service import Alerting
from otel_confidence.query.promql import Engine
from otel_confidence.server import pages, ports
from otel_confidence.server.guard import Guard
from otel_confidence.store import Store

HOSTILE = "<script>window.attacked=1</script><img src=x onerror=window.attacked=1>" + "x" * 10_000
PATIENCE_S = 400.0
"""What a page may take where other programs leave a browser a thirtieth of the processor."""
_UPDATE_S = 0.5


class Site:
    """
    The pages over one store, on one port; the server can be stopped and started again.
    """

    def __init__(self, store: Store | WatchedStore, alerting: Alerting | None = None) -> None:
        self.store = store
        self._alerting = alerting
        self._port = free_port()  # which nothing else takes while it is stopped
        self.start()

    @property
    def url(self) -> str:
        """
        Where the pages are.
        """
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """
        Serve, at the same port as before.
        """
        routes = pages.routes(
            Engine(self.store), self.store, update_s=_UPDATE_S, alerting=self._alerting
        )
        config = uvicorn.Config(
            Guard(Starlette(routes=routes)), log_config=None, timeout_graceful_shutdown=1
        )
        self._server = uvicorn.Server(config)
        listening = ports.listen("127.0.0.1", self._port, "--port")
        self._thread = threading.Thread(target=self._server.run, args=([listening],))
        self._thread.start()
        until(lambda: self._server.started)

    def stop(self) -> None:
        """
        Answer no more.
        """
        self._server.should_exit = True
        self._thread.join()


@dataclass
class Window:
    """
    A page in the browser, and what went wrong in it.
    """

    page: Page
    site: Site
    complaints: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", lambda message: self._said(message.type, message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self._requested(request.url))

    def open(self, path: str) -> Page:
        """
        Open an address and wait until the page has updated itself once.
        """
        self.page.goto(f"{self.site.url}{path}")
        self.page.get_by_text("Updated ").wait_for()
        return self.page

    def overflow(self) -> int:
        """
        By how many pixels the page is wider than the window.
        """
        width: int = self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        return width

    def _said(self, kind: str, text: str) -> None:
        if kind in {"error", "warning"}:
            self.complaints.append(text)

    def _requested(self, url: str) -> None:
        if not url.startswith((self.site.url, "data:", "blob:")):
            self.foreign.append(url)


def recent(model: str, seconds: float = 600, **values: object) -> History:
    """
    A model that predicted until now.
    """
    now = time.time()
    return History(model, now - seconds, now, **values)  # type: ignore[arg-type]  # as given
