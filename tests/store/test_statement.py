"""This module checks that users' SQL reads the store and nothing else."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from otel_confidence.errors import QueryError
from otel_confidence.points import Batch, Sample, Samples, Series
from otel_confidence.store import Store
from otel_confidence.store.functions import AGGREGATES, SCALARS, is_allowed

OUTSIDE = (
    "file", "url", "sleep", "sleepEachRow", "dictGet", "joinGet", "getSetting", "getMacro",
    "getServerSetting", "getClientHTTPHeader", "currentUser", "hostName", "FQDN", "serverUUID",
    "filesystemAvailable", "hasColumnInTable", "addressToLine", "demangle", "logTrace", "aiExtract",
    "catboostEvaluate", "evalMLMethod", "executable", "showCertificate", "flameGraph",
    "regionToName", "zookeeperSessionUptime", "transactionID", "currentQueryID", "queryID",
    "encrypt", "lemmatize",
)  # fmt: skip


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store for all these tests, with one sample."""
    opened = Store.open(tmp_path_factory.mktemp("store") / "data")
    which = Series((("__name__", "m"), ("job", "it's")))
    opened.write(Batch(samples=Samples.of([Sample(which, int(time.time() * 1000), 1.5)])))
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("SELECT value FROM metrics WHERE labels['job'] = 'it''s';", [{"value": 1.5}]),
        ("WITH 1 AS one SELECT one", [{"one": 1}]),
        ("/* file('x') */ SELECT 'file(''x'')' AS text -- into outfile", [{"text": "file('x')"}]),
        ("SELECT count() AS n FROM (SELECT * FROM samples)", [{"n": 1}]),
        ("SELECT {x:String} AS x", [{"x": "'; DROP TABLE samples"}]),
        ("SELECT value FROM metrics WHERE value > 9", []),
        ("SELECT value AS `a 'b' (c` FROM otel_confidence.samples", [{"a 'b' (c": 1.5}]),
        (
            "WITH m AS (SELECT value FROM samples) SELECT * FROM m WHERE value IN m",
            [{"value": 1.5}],
        ),
        ("SELECT countIf(value > {low:Float64}) AS n FROM samples", [{"n": 1}]),
        ("SELECT quantiles(0.5)(value) AS q FROM samples", [{"q": [1.5]}]),
        ("SELECT sum(number) AS n FROM numbers(4)", [{"n": 6}]),
        ("SELECT row_number() OVER (ORDER BY time) AS n FROM samples LIMIT 1 BY n", [{"n": 1}]),
        ("SELECT value::String AS v, value > 1 ? 3 : 4 AS w FROM samples", [{"v": "1.5", "w": 3}]),
        ("(SELECT 1 AS x) UNION DISTINCT (SELECT 1 AS x)", [{"x": 1}]),
        ("SELECT toStartOfHour(toDateTime(0, 'UTC')) - INTERVAL {low:Int64} HOUR = 0 AS x", None),
    ],
)
def test_reading_is_answered(
    store: Store, statement: str, expected: list[dict[str, object]] | None
) -> None:
    """
    A SELECT over the tables is answered, with its parameters bound, whatever its texts say.
    """
    found = store.sql(statement, {"x": "'; DROP TABLE samples", "low": 1})

    assert expected in (None, found.to_pylist())


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT file('/etc/hostname')",
        "SELECT FILE ('/etc/hostname')",
        "SELECT `file`('/etc/hostname')",
        "SELECT \"file\"('/etc/hostname')",
        "SELECT `fi\\x6ce`('/etc/hostname')",
        "SELECT/**/file/**/('/etc/hostname')",
        "SELECT 1 AS `a'`, file('/etc/hostname') AS `'b`",
        "SELECT 1 AS \"a'\", file('/etc/hostname') AS \"'b\"",
        "SELECT 1 AS `a\\``, file('/etc/hostname') AS `b\\``",
        "SELECT '\\\\', file('/etc/hostname'), '\\\\'",
        "SELECT $x$'$x$, file('/etc/hostname'), $x$'$x$",
        "SELECT arrayMap(x -> file(x), ['/etc/hostname'])",
        "SELECT * FROM file('/etc/hostname', 'LineAsString')",
        "SELECT * FROM url('http://127.0.0.1:9/x')",
        "SELECT * FROM s3('http://127.0.0.1:9/bucket/x')",
        "SELECT * FROM icebergLocal('/tmp')",
        "SELECT * FROM deltaLakeLocal('/tmp')",
        "SELECT * FROM executable('id', 'LineAsString', 'a String')",
        "SELECT * FROM remote('127.0.0.1', 'system.one')",
        "SELECT * FROM python('pa')",
        "SELECT * FROM eval('SELECT 1')",
        "SELECT * FROM sqlite('/tmp/x.db', 'x')",
        "SELECT * FROM system.tables",
        "SELECT 1 FROM samples WHERE value IN system.one",
        "SELECT 1 FROM samples WHERE value GLOBAL NOT IN (system.one)",
        "SELECT 1 FROM samples WHERE value IN (SELECT 1 FROM system.one)",
        "SELECT * FROM information_schema.tables",
        "SELECT * FROM versions",
        "SELECT * FROM merge('system', '.*')",
        "SELECT * FROM merge(REGEXP('.*'), '.*')",
        "SELECT * FROM loop('system', 'one')",
        "SELECT * FROM mergeTreeIndex('otel_confidence', 'samples')",
        "SELECT * FROM '/etc/hostname'",
        "SELECT * FROM `/etc/hostname`",
        "SELECT * FROM `/etc/x.csv`",
        "SELECT * FROM {x:Identifier}",
        "SELECT * FROM (EXPLAIN AST SELECT 1)",
        "SELECT * FROM view(SELECT * FROM system.one)",
        "SELECT * FROM values('a String', file('/etc/hostname'))",
        "SELECT * FROM numbers((SELECT count() FROM url('http://127.0.0.1:9/x')))",
        "WITH t AS (SELECT file('/etc/hostname')) SELECT * FROM t",
        "SELECT * APPLY(file) FROM samples",
        "SELECT COLUMNS('.*') APPLY(x -> file(x)) FROM samples",
        "SELECT * REPLACE(file('/etc/hostname') AS value) FROM samples",
        "SELECT 1 ORDER BY file('/etc/hostname')",
        "SELECT 1 LIMIT (SELECT length(file('/etc/hostname')))",
        "SELECT sum(1) OVER (PARTITION BY file('/etc/hostname'))",
        "SELECT 1 QUALIFY file('/etc/hostname') = ''",
        "SELECT (SELECT * FROM url('http://127.0.0.1:9/x'))",
        "SELECT 1 IN url('http://127.0.0.1:9/x')",
        "SELECT fileIf('/etc/hostname', 1)",
        "SELECT getSetting('readonly')",
        "SELECT getServerSetting('max_connections')",
        "SELECT currentUser(), hostName()",
        "SELECT joinGet('x', 'y', 1)",
        "SELECT dictGet('x', 'y', 1)",
        "SELECT hasColumnInTable('system', 'one', 'dummy')",
        "SELECT sleepEachRow(1)",
        "SELECT filesystemAvailable()",
        "SELECT catboostEvaluate('/x', 1)",
        "SELECT 'a\nSelectWithUnionQuery' AS x, file('/etc/hostname') AS `b\n Literal`",
        "SELECT * FROM samples SETTINGS readonly = 1",
        "SELECT 1 FORMAT Arrow",
        "DESCRIBE url('http://127.0.0.1:9/x.csv')",
        "DESCRIBE file('/etc/hostname', 'LineAsString')",
        "INSERT INTO samples VALUES (1, now64(), 1)",
        "WITH 1 AS x INSERT INTO samples SELECT 1, now64(), x",
        "TRUNCATE TABLE samples",
        "SET readonly = 0",
        "SELECT 1 SETTINGS readonly = 0",
        "SELECT 1 SETTINGS max_execution_time = 0",
        "KILL QUERY WHERE 1",
        "SELECT 1; SELECT 2",
        "SELECT 1 FORMAT Null",
        "SELEC 1",
        "",
        "SELECT nothing FROM samples",
        "SELECT {missing:String}",
    ],
)
def test_everything_else_is_refused(store: Store, statement: str) -> None:
    """
    What writes, reaches outside, changes a limit or cannot be parsed is the asker's error.
    """
    with pytest.raises(QueryError) as caught:
        store.sql(statement)

    assert 400 == caught.value.status


def test_a_statement_without_end_is_refused(store: Store) -> None:
    """
    A statement longer than a server takes is refused for its length.
    """
    with pytest.raises(QueryError, match="longer than"):
        store.sql(f"SELECT '{'x' * 100_000}'")


def test_what_may_be_called_is_there_and_harmless(store: Store) -> None:
    """
    Every function on the list is one that the engine knows, and none of them reaches outside.
    """
    known = {
        str(row[0]).lower()
        for row in store._writing.query("SELECT name FROM system.functions").result_rows
    }

    assert set() == (SCALARS | AGGREGATES) - known
    assert [] == [name for name in OUTSIDE if is_allowed(name)]


@pytest.mark.parametrize("form", ["INTO OUTFILE", "into/**/outfile"])
def test_no_statement_writes_a_file(store: Store, tmp_path: Path, form: str) -> None:
    """
    INTO OUTFILE, which read-only mode alone lets through, is refused.
    """
    target = tmp_path / "stolen"

    with pytest.raises(QueryError, match="OUTFILE"):
        store.sql(f"SELECT 1 {form} '{target}'")

    assert not target.exists()


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT groupArray(number) FROM numbers(1000000000)",
        "SELECT number FROM numbers(2000000)",
        "SELECT number, throwIf(number = 800000) AS x FROM numbers(900000)",
    ],
)
def test_a_statement_that_fails_half_way_leaves_nothing_behind(
    store: Store, statement: str
) -> None:
    """
    A query that is stopped while it answers does not spoil the next answers.
    """
    with pytest.raises(QueryError):
        store.sql(statement)

    for turn in range(4):
        assert [{"turn": turn}] == store.sql(
            "SELECT {turn:Int64} AS turn", {"turn": turn}
        ).to_pylist()
