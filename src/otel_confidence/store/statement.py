"""
This module decides which SQL of a user may run.

``readonly = 1`` refuses writes and most outside sources, but leaves doors open: the function
``file`` reads any file, ``INTO OUTFILE`` writes one, some statements connect to addresses while
they look for a table's structure, and every system table can be read. So a statement is first put
in the engine's own canonical form (no comments, one way of quoting), then taken apart by the
engine's own parser, and each table, function and clause in it must be one of those known here. The
canonical form is what runs.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from clickhouse_connect.driver.client import Client

from otel_confidence.errors import QueryError
from otel_confidence.store import schema
from otel_confidence.store.connection import read, read_lines
from otel_confidence.store.functions import ROW_SOURCES, is_allowed

_MOST_BYTES: Final = 100_000
"""Of a statement; a server takes 128 KiB in one field of a form."""
_QUOTED: Final = re.compile(
    r"'(?:[^'\\]|\\.)*'|`(?P<tick>(?:[^`\\]|\\.)*)`|\"(?P<quote>(?:[^\"\\]|\\.)*)\"", re.DOTALL
)
_START: Final = re.compile(r"\s*\(*\s*(SELECT|WITH)\b", re.IGNORECASE)
_OUTFILE: Final = re.compile(r"\bINTO\s+OUTFILE\b", re.IGNORECASE)
_PARAMETER: Final = re.compile(r"\{[A-Za-z_]\w*:(?P<type>[^{}]*)\}")
_NAMED: Final = re.compile(r"(\w+) AS\s*\(")
_LINE: Final = re.compile(r"(?P<depth> *)(?P<kind>\w+)(?: (?P<name>\S+))?")
_KINDS: Final = frozenset(
    {
        "ArrayJoin", "Asterisk", "ColumnsExceptTransformer", "ColumnsListMatcher",
        "ColumnsRegexpMatcher", "ColumnsReplaceTransformer", "ColumnsTransformerList",
        "ExpressionList", "Function", "Identifier", "InterpolateElement", "Literal",
        "OrderByElement", "QualifiedAsterisk", "QualifiedColumnsRegexpMatcher", "SampleRatio",
        "SelectIntersectExceptQuery", "SelectQuery", "SelectWithUnionQuery", "Subquery",
        "TableExpression", "TableIdentifier", "TableJoin", "TablesInSelectQuery",
        "TablesInSelectQueryElement", "WindowDefinition", "WindowListElement", "WithElement",
    }
)  # fmt: skip
"""The parts a statement may have."""
_SAID: Final = {"Set": "SETTINGS", "ColumnsApplyTransformer": "APPLY"}
"""What the statement calls some of the parts it may not have."""
_IN: Final = re.compile(r"(global)?(not)?(null)?in(ignoreset)?", re.IGNORECASE)
_READABLE: Final = (
    *(table.name for table in schema.TABLES), "metrics", *schema.ROLLUPS.values(), schema.DENSITIES,
)  # fmt: skip


@dataclass(slots=True)
class _Node:
    kind: str
    name: str
    children: list["_Node"] = field(default_factory=list)


def judged(client: Client, statement: str) -> str:
    """
    The statement in canonical form.

    Raises:
        QueryError: It cannot be parsed, or does something else than reading the store.
    """
    if len(statement.encode("utf-8", "replace")) > _MOST_BYTES:
        raise QueryError(f"the statement is longer than {_MOST_BYTES} bytes")
    found = read(client, "SELECT formatQuery({statement:String}) AS text", {"statement": statement})
    text: str = found["text"][0].as_py()
    shape = _QUOTED.sub(_bare, text)
    if not _START.match(shape):
        raise QueryError("only SELECT and WITH statements are answered here")
    if _OUTFILE.search(shape):
        raise QueryError("INTO OUTFILE is not allowed here")
    lines = read_lines(client, f"EXPLAIN AST {_PARAMETER.sub(_value, shape)}")
    _check(_tree(lines), _tables(client, shape))
    return text


def _bare(quoted: re.Match[str]) -> str:
    # Neither texts nor names of a strange kind decide anything; both could pass for other lines.
    if quoted[0].startswith("'"):
        return "''"
    name = quoted["tick"] or quoted["quote"] or ""
    return f"`{name}`" if name.isascii() and name.replace(".", "_").isidentifier() else "`?`"


def _value(parameter: re.Match[str]) -> str:
    if "identifier" in parameter["type"].lower():
        raise QueryError("a parameter cannot stand for a name here")
    return "NULL"


def _tables(client: Client, shape: str) -> frozenset[str]:
    named = _NAMED.findall(shape)
    own = [*_READABLE, *(f"{client.database}.{name}" for name in _READABLE)]
    return frozenset([*own, *named])


def _tree(lines: Iterable[str]) -> _Node:
    root = _Node("", "")
    path = [root]
    for line in lines:
        found = _LINE.match(line)
        if found is None:
            raise QueryError("the statement cannot be understood here")
        depth = len(found["depth"])
        del path[depth + 1 :]
        node = _Node(found["kind"], found["name"] or "")
        path[-1].children.append(node)
        path.append(node)
    return root


def _check(root: _Node, tables: frozenset[str]) -> None:
    if [len(top.children) for top in root.children] != [1]:
        raise QueryError("SETTINGS and FORMAT are not allowed here")
    for parent, node in _walk(root):
        if node.kind not in _KINDS:
            raise QueryError(f"{_SAID.get(node.kind, node.kind)} is not allowed here")
        if node.kind == "TableIdentifier":
            _check_table(node.name, tables)
        elif node.kind == "Function":
            _check_call(parent, node, tables)


def _walk(node: _Node) -> Iterator[tuple[_Node, _Node]]:
    for child in node.children:
        yield node, child
        yield from _walk(child)


def _check_table(name: str, tables: frozenset[str]) -> None:
    if name not in tables:
        known = ", ".join(_READABLE)
        raise QueryError(f"the table {name} is not allowed here, only {known}")


def _check_call(parent: _Node, call: _Node, tables: frozenset[str]) -> None:
    if parent.kind == "TableExpression":
        if call.name.lower() not in ROW_SOURCES:
            raise QueryError(f"{call.name}() is not allowed here in the place of a table")
        return
    if not is_allowed(call.name):
        raise QueryError(f"{call.name}() is not allowed here: no function known to be harmless")
    if _IN.fullmatch(call.name):
        _check_set(call, tables)


def _check_set(call: _Node, tables: frozenset[str]) -> None:
    # What stands to the right of IN may be a table, named like a column.
    for operand in call.children[0].children[1:]:
        if operand.kind == "Identifier" and "." in operand.name:
            _check_table(operand.name, tables)
