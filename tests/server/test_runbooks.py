"""
This module checks the page of runbooks that alerts link to.
"""

import re
from collections.abc import Mapping
from typing import Any

import httpx
import pyarrow as pa
from starlette.applications import Starlette
from tests.documents import ROOT, anchors
from tests.model_history import Memory

from otel_confidence.generate import runbooks
from otel_confidence.query.promql import Engine
from otel_confidence.server import pages
from otel_confidence.server.ruling import BUILT_IN, specs


class NoStore:
    """
    Nothing is asked of it.
    """

    def sql(self, statement: str, parameters: Mapping[str, Any]) -> pa.Table:
        """
        Never.
        """
        raise AssertionError(statement, parameters)


async def page() -> httpx.Response:
    """
    The page as a browser gets it.
    """
    transport = httpx.ASGITransport(Starlette(routes=pages.routes(Engine(Memory()), NoStore())))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        return await client.get("/runbooks")


async def test_every_link_of_an_alert_leads_to_its_heading() -> None:
    """
    What the alerts that come along link to is a page of this server with a heading for each.
    """
    alerts = [rule for group in specs([BUILT_IN]) for rule in group.rules if rule.alerting]
    found = await page()

    assert 200 == found.status_code
    assert "text/html" in found.headers["content-type"]
    ids = set(re.findall(r'<h2 id="([^"]+)">', found.text))
    links = {rule.annotations["runbook_url"] for rule in alerts}
    assert {f"{{{{ externalURL }}}}/runbooks#{rule.name.lower()}" for rule in alerts} == links
    assert set() == {link.partition("#")[2] for link in links} - ids


def test_headings_are_those_of_the_file() -> None:
    """
    The page's anchors are the file's, so that links within the page lead somewhere.
    """
    made = runbooks.html(runbooks.text())

    assert anchors(ROOT / "docs/runbooks.md") == set(re.findall(r'<h\d id="([^"]+)">', made))
    assert set(re.findall(r'href="#([^"]+)"', made)) <= anchors(ROOT / "docs/runbooks.md")


def test_other_files_are_named_instead_of_linked() -> None:
    """
    A link to a page that this server does not have becomes that page's name; markup stays text.
    """
    made = runbooks.html("See [the **doctor**](how-to/doctor.md#a), [below](#b) <script>x</script>")

    assert (
        "<p>See the <strong>doctor</strong> (docs/how-to/doctor.md#a), "
        '<a href="#b">below</a> &lt;script&gt;x&lt;/script&gt;</p>\n'
    ) == made
