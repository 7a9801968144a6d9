"""This module lets the embedded engine pass for a ClickHouse server.

No server can be installed where these tests run. What stands in for one speaks ClickHouse's HTTP
interface to the clients that production uses, Python's and the Collector's, with the same engine
behind it: its SQL, settings, users and limits, and a cluster of one shard, so that Distributed
tables work as they do in a larger one. Two things it cannot do for want of a Keeper: ``ON CLUSTER``
and replicated engines, which it takes for the plain ones.
"""

import base64
import json
import re
import subprocess
import sys
import tempfile
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import chdb

_TRANSPORT: Final = frozenset(
    {
        "query", "database", "wait_end_of_query", "query_id", "client_protocol_version",
        "send_progress_in_http_headers", "http_headers_progress_interval_ms",
        "enable_http_compression", "cancel_http_readonly_queries_on_client_close",
        "default_format", "client_info_product",
    }
)  # fmt: skip
_FIELD_BYTES: Final = 131_072
"""What a server allows one field of a form, ``http_max_field_value_size``."""
_INSERT: Final = re.compile(r"INSERT INTO .+ FORMAT \w+", re.DOTALL)
_HELLO: Final = "SELECT displayName(), version(), revision(), timezone()"
"""What the Collector's client asks first, to know how blocks are written."""
_CODE: Final = re.compile(r"Code: (\d+)")
_ON_CLUSTER: Final = re.compile(r" ON CLUSTER '\w+'")
_REPLICATED: Final = re.compile(r"Replicated(\w*MergeTree)\('[^']*', '[^']*'\)")
_CONFIG: Final = """
<clickhouse>
  <tcp_port>9000</tcp_port>
  <remote_servers><one><shard><internal_replication>true</internal_replication>
    <replica><host>127.0.0.1</host><port>9000</port></replica></shard></one></remote_servers>
</clickhouse>
"""


@dataclass
class Front:
    """A server, while it runs."""

    connection: str
    users: Mapping[str, str]
    denied: re.Pattern[str] | None
    ran: list[str] = field(default_factory=list)
    """Every statement that came in, as it came."""
    port: int = 0
    closed: bool = False
    _free: dict[Any, list[Any]] = field(default_factory=lambda: defaultdict(list))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        """What a store is opened with."""
        return f"clickhouse://127.0.0.1:{self.port}"

    @property
    def cluster_url(self) -> str:
        """What a store on the cluster is opened with."""
        return f"{self.url}?cluster=one"

    def run(self, sql: str, params: dict[str, str], body: bytes) -> bytes:
        """Run one request; its answer in the format that it names."""
        self.ran.append(sql)
        if self.denied is not None and self.denied.search(sql):
            raise RuntimeError("Code: 497. DB::Exception: Not enough privileges. (ACCESS_DENIED)")
        bound = {k[6:]: v for k, v in params.items() if k.startswith("param_")}
        settings = {
            k: v for k, v in params.items() if k not in _TRANSPORT and not k.startswith("param_")
        }
        key = (params.get("database", ""), tuple(settings.items()))
        kind = params.get("default_format", "TabSeparated")
        connection = self._taken(key)
        try:
            if sql == _HELLO:
                result = _hello(str(connection.query("SELECT version()", "TSVRaw")).strip())
            else:
                result = _executed(connection, _unclustered(sql), bound, body, kind)
        except RuntimeError:
            connection.close()
            raise
        with self._lock:
            self._free[key].append(connection)
        return result

    def close(self) -> None:
        """Close every connection to the engine, and answer nobody any more."""
        self.closed = True
        for connections in self._free.values():
            for connection in connections:
                connection.close()

    def _taken(self, key: tuple[str, tuple[tuple[str, str], ...]]) -> Any:
        with self._lock:
            if self._free[key]:
                return self._free[key].pop()
        connection = chdb.connect(self.connection)
        database, settings = key
        try:
            if database:
                connection.query(f"USE `{database}`")
            for name, value in sorted(settings, key=lambda pair: pair[0] == "readonly"):
                quoted = value.replace("\\", "\\\\").replace("'", "\\'")
                connection.query(f"SET {name} = '{quoted}'")
        except RuntimeError:
            connection.close()
            raise
        return connection


def _executed(
    connection: Any, sql: str, bound: dict[str, str], body: bytes, answered: str
) -> bytes:
    if not body:
        return bytes(connection.query(sql, answered, params=bound).bytes() or b"")
    statement, _, kind = sql.rpartition(" FORMAT ")
    with tempfile.NamedTemporaryFile() as file:
        file.write(body)
        file.flush()
        connection.query(f"{statement} FROM INFILE '{file.name}' FORMAT {kind}", "TabSeparated")
    return b""


def _hello(version: str) -> bytes:
    """
    One row in a block as the Collector's client expects it first: of its own revision.

    It says that the server's revision is 0, so that all further blocks come without what later
    revisions added, as the engine writes them to a file.
    """
    texts = {"displayName()": "embedded", "version()": version, "timezone()": "UTC"}
    columns = {name: ("String", _text_of(value)) for name, value in texts.items()}
    columns["revision()"] = ("UInt32", bytes(4))
    ordered = ("displayName()", "version()", "revision()", "timezone()")
    about = b"\x01\x00\x02\xff\xff\xff\xff\x00"
    return (
        about
        + bytes([len(ordered), 1])
        + b"".join(
            _text_of(name) + _text_of(columns[name][0]) + b"\x00" + columns[name][1]
            for name in ordered
        )
    )


def _text_of(text: str) -> bytes:
    return bytes([len(text)]) + text.encode()


def _unclustered(sql: str) -> str:
    return _REPLICATED.sub(r"\1", _ON_CLUSTER.sub("", sql))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    front: Front

    def do_GET(self) -> None:
        if self.path == "/ping":
            self._answer(200, b"Ok.\n")
            return
        self._query({"readonly": "2"})

    def do_POST(self) -> None:
        self._query({})

    def _query(self, implied: dict[str, str]) -> None:
        params = implied | dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
        body = self._body()
        if self.front.closed:
            self.close_connection = True
            return
        if not self._allowed():
            self._fail(516, "Code: 516. DB::Exception: Authentication failed. (AUTHENTICATION_...)")
            return
        if "multipart/form-data" in self.headers.get("Content-Type", ""):
            fields = _fields(self.headers["Content-Type"], body)
            if any(len(value.encode()) > _FIELD_BYTES for value in fields.values()):
                self._fail(1000, "Code: 1000. DB::Exception: Field value too long")
                return
            params, body = params | fields, b""
        sql, body = _statement(params.pop("query", ""), body)
        try:
            answer = self.front.run(sql, params, body)
        except RuntimeError as error:
            text = str(error)
            code = _CODE.search(text)
            self._fail(int(code[1]) if code else 1002, text)
            return
        named = {"X-ClickHouse-Format": "TabSeparated"} if answer else {}
        self._answer(200, answer, **named)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _allowed(self) -> bool:
        if user := self.headers.get("X-ClickHouse-User", ""):
            return self.front.users.get(user) == self.headers.get("X-ClickHouse-Key", "")
        kind, _, given = self.headers.get("Authorization", "").partition(" ")
        user, _, password = base64.b64decode(given).decode().partition(":")
        return kind == "Basic" and self.front.users.get(user) == password

    def _fail(self, code: int, text: str) -> None:
        self._answer(500, text.encode(), **{"X-ClickHouse-Exception-Code": str(code)})

    def _answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {
            "Content-Length": str(len(body)),
            "X-ClickHouse-Timezone": "UTC",
            "X-ClickHouse-Summary": json.dumps({"written_rows": "0"}),
            **headers,
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base class's name
        """Say nothing."""


def _statement(query: str, body: bytes) -> tuple[str, bytes]:
    if query:
        return query, body
    first, _, rest = body.partition(b"\n")
    if _INSERT.fullmatch(text := first.decode(errors="replace")):
        return text, rest
    return body.decode(), b""


def _fields(kind: str, body: bytes) -> dict[str, str]:
    message = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {kind}\r\n\r\n".encode() + body)
    return {
        str(part.get_param("name", header="content-disposition")): _text(part)
        for part in message.iter_parts()
    }


def _text(part: Any) -> str:
    content = part.get_payload(decode=True)
    return bytes(content).decode()


@contextmanager
def serving(
    folder: Path,
    *,
    users: Mapping[str, str] | None = None,
    denied: str = "",
    port: int = 0,
) -> Iterator[Front]:
    """Serve a folder as a ClickHouse server does, until the block ends."""
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "config.xml"
    config.write_text(_CONFIG)
    engine = (folder / "chdb").resolve()
    front = Front(
        f"{engine}?config-file={config}",
        users or {"default": ""},
        re.compile(denied) if denied else None,
    )
    handler = type("Handler", (_Handler,), {"front": front})
    server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    server.daemon_threads = True
    front.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield front
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        front.close()


@contextmanager
def started(folder: Path, port: int = 0) -> Iterator[str]:
    """Serve a folder in a process of its own; the address, as the store takes it."""
    process = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, str(folder), str(port)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        yield process.stdout.readline().decode().strip()
    finally:
        process.communicate(timeout=180)


_PROGRAM: Final = """
import sys
from pathlib import Path
from tests.clickhouse import serving
with serving(Path(sys.argv[1]), port=int(sys.argv[2])) as front:
    print(front.url, flush=True)
    sys.stdin.read()
"""
