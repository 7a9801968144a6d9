"""
This module wires the server together; nothing else does.

One event loop carries the page and API server, the OTLP/HTTP server and the gRPC server; whatever
blocks runs on threads. Ports are opened first, then the data folder, and requests are answered only
when both are.
"""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

import grpc.aio
import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from otel_confidence.alerting.rulefiles import GroupSpec
from otel_confidence.alerting.service import Alerting
from otel_confidence.errors import ConfigurationError
from otel_confidence.ingest.limits import Limits
from otel_confidence.ingest.pipeline import Ledger, Pipeline
from otel_confidence.ingest.remote_write import RemoteWriter
from otel_confidence.ingest.truths import Truths
from otel_confidence.objectives.windows import KEPT_DAYS
from otel_confidence.query.promql import Engine
from otel_confidence.server import api, api_v2, federation, jobs, pages, ports
from otel_confidence.server.admission import Admission
from otel_confidence.server.guard import LOOPBACK, Guard
from otel_confidence.server.heads import Protocol
from otel_confidence.server.receivers import HttpReceiver
from otel_confidence.server.remote_write import RemoteWriteReceiver
from otel_confidence.server.rpc import add_services, grpc_server
from otel_confidence.server.ruling import BUILT_IN, OWN_RUNBOOKS, Telling, ruling, specs
from otel_confidence.server.truths import TruthReceiver
from otel_confidence.store import Store
from otel_confidence.store.address import Address
from otel_confidence.store.opening import MEMORY_SIZE

_DAY_S: Final = 86_400
_GRACE_S: Final = 2
_KEPT_OPEN_S: Final = 75
"""How long an idle connection stays: programs that send each minute need no new one each time."""
_SWITCH_S: Final = 0.0005
"""After how long a computing thread lets others run: the event loop waits so long for each turn."""
_SERVER: Final[dict[str, Any]] = {
    "http": Protocol,
    "lifespan": "off",
    "log_config": None,
    "access_log": False,
    "server_header": False,
    "proxy_headers": False,
    "limit_concurrency": 500,
    "timeout_graceful_shutdown": _GRACE_S,
    "timeout_keep_alive": _KEPT_OPEN_S,
}


@dataclass(frozen=True, slots=True)
class Options:
    """
    What ``up`` is asked to do; a port of 0 takes any free one.
    """

    host: str = "127.0.0.1"
    port: int = 8050
    otlp_grpc_port: int = 4317
    otlp_http_port: int = 4318
    data: Path = Path("otel-confidence-data")
    store: str = ""
    """URL of a ClickHouse server that keeps everything instead of the folder."""
    retention: float = KEPT_DAYS
    """Days."""
    retention_size: int = 0
    """Bytes; 0 for any number."""
    memory: int = MEMORY_SIZE
    """Bytes that the newest samples may take in memory."""
    ready_file: Path | None = None
    insecure: bool = False
    receipt_keys: tuple[str, ...] = field(default=(), repr=False)
    """Secrets of which one must have signed the receipts of truths; without any, none may be."""
    rules: tuple[str, ...] = (BUILT_IN,)
    """Rule files to evaluate, as paths or glob patterns."""
    objectives: tuple[Path, ...] = ()
    """Files of objectives whose rules are evaluated too."""
    runbooks: str = OWN_RUNBOOKS
    """Address of the runbooks' page, for the links of alerts."""
    telling: Telling = field(default_factory=Telling)

    def __post_init__(self) -> None:
        if self.store:
            Address.read(self.store)
        if not (ports.is_loopback(ports.checked(self.host)) or self.insecure):
            raise ConfigurationError(
                f"--host {self.host} lets other machines in, and there is no authentication yet: "
                "whoever reaches it can read and write everything. Put a proxy that authenticates "
                "in front, or add --insecure if the network is trusted"
            )

    @property
    def place(self) -> Path | str:
        """
        Where everything is kept.
        """
        return self.store or self.data.resolve()

    @property
    def hosts(self) -> Collection[str] | None:
        """
        The names it answers to; None, any, where other machines are let in.
        """
        return LOOPBACK | {self.host} if ports.is_loopback(self.host) else None


@dataclass(frozen=True, slots=True)
class Served:
    """
    Where everything is, once it serves.
    """

    http: str
    otlp_http: str
    otlp_grpc: str
    data: str
    pid: int


def serve(options: Options, *, on_ready: Callable[[Served], None] = lambda _: None) -> None:
    """
    Serve until SIGINT, SIGTERM or the terminal is closed.

    Raises:
        ConfigurationError: A port is taken, or the host would let other machines in.
        StoreError: The data folder is in use or cannot be used.
    """
    sys.setswitchinterval(_SWITCH_S)
    uvloop.run(_serve(options, on_ready))


def _groups(options: Options) -> list[GroupSpec]:
    return specs(
        options.rules,
        options.objectives,
        kept_days=options.retention,
        runbooks=options.runbooks,
    )


async def _serve(options: Options, on_ready: Callable[[Served], None]) -> None:
    stopped, groups = _stopping(), _groups(options)
    if options.ready_file is not None:
        options.ready_file.unlink(missing_ok=True)  # one of a killed server names dead ports
    async with AsyncExitStack() as stack:
        page_socket = stack.enter_context(ports.listen(options.host, options.port, "--port"))
        otlp_socket = stack.enter_context(
            ports.listen(options.host, options.otlp_http_port, "--otlp-http-port")
        )
        rpc = grpc_server()
        rpc_port = ports.listen_grpc(rpc, options.host, options.otlp_grpc_port)
        store = await stack.enter_async_context(_opened(options))
        limits = Limits(age_s=options.retention * _DAY_S)
        pipeline = Pipeline(store.write, limits=limits, ends=store.ends, starts=store.starts)
        served = Served(
            http=_url(options.host, page_socket.getsockname()[1]),
            otlp_http=_url(options.host, otlp_socket.getsockname()[1]),
            otlp_grpc=_address(options.host, rpc_port),
            data=str(options.place),
            pid=os.getpid(),
        )
        truths, admission = Truths(store), Admission()
        await stack.enter_async_context(_reporting(pipeline.ledger, store, truths))
        add_services(rpc, pipeline, admission)
        receiver = Starlette(routes=HttpReceiver(pipeline, admission).routes())
        told = TruthReceiver(truths, pipeline.ledger, keys=options.receipt_keys)
        remote = RemoteWriter(store.write, limits=limits, ledger=pipeline.ledger)
        taking = [*told.routes(), *RemoteWriteReceiver(remote, admission).routes()]
        work = ruling(groups, options.telling, store, folder=options.data, external_url=served.http)
        alerting = await stack.enter_async_context(work)
        site = _site(store, served, taking, alerting)
        servers = [
            _Server(Guard(app, hosts=options.hosts), listening)
            for app, listening in ((receiver, otlp_socket), (site, page_socket))
        ]
        await stack.enter_async_context(_running(rpc, *servers))
        stack.enter_context(_announced(served, options.ready_file))
        on_ready(served)
        await stopped.wait()


def _site(
    store: Store, served: Served, taking: Sequence[BaseRoute], alerting: Alerting
) -> Starlette:
    engine = Engine(store)
    notified = [each.address for each in alerting.listeners.alertmanagers]
    routes: list[BaseRoute] = [
        *taking,
        *api.routes(engine, store, ruling=alerting, notified=notified),
        *api_v2.routes(alerting, external_url=served.http),
        *federation.routes(engine, store),
        *pages.routes(engine, store, otlp_http=served.otlp_http, alerting=alerting),
    ]
    return Starlette(routes=routes)


def _stopping() -> asyncio.Event:
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # Who starts it with nohup has it go on when the terminal closes.
        if number is not signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
            asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    return stopped


@asynccontextmanager
async def _opened(options: Options) -> AsyncIterator[Store]:
    opening = partial(
        Store.open,
        options.place,
        retention_days=options.retention,
        retention_size=options.retention_size,
        memory_size=options.memory,
    )
    store = await asyncio.to_thread(opening)
    try:
        yield store
    finally:
        await asyncio.to_thread(store.close)


@asynccontextmanager
async def _reporting(ledger: Ledger, store: Store, truths: Truths) -> AsyncIterator[None]:
    tasks = [
        asyncio.create_task(jobs.report(ledger, store.write, dropped=store.dropped)),
        asyncio.create_task(jobs.report_truths(truths.report)),
        asyncio.create_task(jobs.give_back_memory()),
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task


class _Server(uvicorn.Server):
    """
    A server that leaves signals to the one who runs it, and tells when it serves.
    """

    def __init__(self, app: ASGIApp, listening: socket.socket) -> None:
        super().__init__(uvicorn.Config(app, **_SERVER))
        self._listening = listening
        self.serves = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """
        Start, and tell.
        """
        await super().startup(sockets)
        self.serves.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """
        Capture none.
        """
        yield

    async def run_until_told(self) -> None:
        """
        Serve until ``should_exit``.
        """
        await self.serve(sockets=[self._listening])


@asynccontextmanager
async def _running(rpc: grpc.aio.Server, *servers: _Server) -> AsyncIterator[None]:
    await rpc.start()
    tasks = [asyncio.create_task(server.run_until_told()) for server in servers]
    try:
        for server in servers:
            await server.serves.wait()
        yield
    finally:
        for server in servers:
            server.should_exit = True
        await asyncio.gather(rpc.stop(_GRACE_S), *tasks)


@contextmanager
def _announced(served: Served, ready_file: Path | None) -> Iterator[None]:
    if ready_file is None:
        yield
        return
    partial_file = ready_file.with_name(f"{ready_file.name}.{os.getpid()}")
    try:
        partial_file.write_text(json.dumps(asdict(served)) + "\n", encoding="utf-8")
        partial_file.replace(ready_file)
    except OSError as error:
        raise ConfigurationError(
            f"--ready-file {str(ready_file)!r} cannot be written: {error.strerror}"
        ) from error
    try:
        yield
    finally:
        ready_file.unlink(missing_ok=True)


def _url(host: str, port: int) -> str:
    return f"http://{_address(host, port)}"


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
