"""
This module decides which SQL of a user may run.

``readonly = 1`` refuses writes and most outside sources, but the engine runs in this process and
leaves three doors open under it: the function ``file`` reads any file, ``INTO OUTFILE`` writes one,
and some statements connect to addresses while they look for a table's structure. So a statement is
first put in the engine's own canonical form (no comments, one way of quoting), judged there, and
that form is what runs.
"""

import re
from typing import Final

from clickhouse_connect.driver.client import Client

from otel_confidence.errors import QueryError
from otel_confidence.store.connection import read

_QUOTED: Final = re.compile(
    r"'(?:[^'\\]|\\.)*'|`(?P<tick>(?:[^`\\]|\\.)*)`|\"(?P<quote>(?:[^\"\\]|\\.)*)\"", re.DOTALL
)
_START: Final = re.compile(r"\s*\(*\s*(SELECT|WITH)\b", re.IGNORECASE)
_OUTFILE: Final = re.compile(r"\bINTO\s+OUTFILE\b", re.IGNORECASE)
_CALL: Final = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)\s*\(")
_OUTSIDE: Final = re.compile(
    r"file|filecluster|filesystem|url|urlcluster|s3.*|gcs|oss|cosn|hdfs.*|azure.*|iceberg.*"
    r"|deltalake.*|hudi.*|paimon.*|remote.*|cluster.*|mysql|postgresql|mongodb|redis|sqlite|jdbc"
    r"|odbc|executable|python|bigquery|ytsaurus|arrow.*|eval|fuzz.*|dictionary|dictget.*|input"
    r"|catboost.*|llm.*|ai.*|sleep.*|addressto.*|demangle",
    re.IGNORECASE,
)


def judged(client: Client, statement: str) -> str:
    """
    The statement in canonical form.

    Raises:
        QueryError: It cannot be parsed, or does something else than reading the store.
    """
    found = read(client, "SELECT formatQuery({statement:String}) AS text", {"statement": statement})
    text: str = found["text"][0].as_py()
    bare = _QUOTED.sub(_bare, text)
    if not _START.match(bare):
        raise QueryError("only SELECT and WITH statements are answered here")
    if _OUTFILE.search(bare):
        raise QueryError("INTO OUTFILE is not allowed here")
    for call in _CALL.findall(bare):
        if _OUTSIDE.fullmatch(call):
            raise QueryError(f"{call}() is not allowed here: it reaches outside the store")
    return text


def _bare(quoted: re.Match[str]) -> str:
    name = quoted["tick"] or quoted["quote"] or ""
    return name if name.isidentifier() else "''"
