"""
This module serves the files that pages load: style, script, icon, and Plotly's JavaScript.

Plotly's comes out of its Python package, so that a page needs no other host. Addresses carry a
version and may therefore be kept for a year.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Final

import plotly
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Route

from otel_confidence import figures

PLOTLY: Final = "/static/plotly.min.js"
_FILES: Final = {
    "page.css": "text/css",
    "page.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}
_KEPT: Final = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Assets:
    """
    The files by name, and the version that stands for all of them.
    """

    contents: Mapping[str, tuple[bytes, str]]
    """Bytes and media type."""
    version: str

    @property
    def plotly_url(self) -> str:
        """
        The versioned address of Plotly's JavaScript.
        """
        return f"{PLOTLY}?v={plotly.__version__}"

    def routes(self) -> list[BaseRoute]:
        """
        The addresses of the files.
        """
        return [Route(PLOTLY, _plotly), Route("/static/{name}", self._file)]

    def _file(self, request: Request) -> Response:
        found = self.contents.get(request.path_params["name"])
        if found is None:
            return Response("no such file\n", 404, media_type="text/plain")
        content, media_type = found
        return Response(content, media_type=media_type, headers=_headers(request))


def load() -> Assets:
    """
    Read the files out of the package.
    """
    folder = resources.files("otel_confidence.server") / "static"
    contents = {name: ((folder / name).read_bytes(), kind) for name, kind in _FILES.items()}
    contents["palette.css"] = (_palette().encode(), "text/css")
    digest = hashlib.blake2b(b"".join(content for content, _ in contents.values()), digest_size=6)
    return Assets(contents, digest.hexdigest())


def _plotly(request: Request) -> Response:
    path = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
    return FileResponse(path, media_type="text/javascript", headers=_headers(request))


def _headers(request: Request) -> dict[str, str]:
    versioned = "v" in request.query_params
    return {
        "Cache-Control": _KEPT if versioned else "no-cache",
        "X-Content-Type-Options": "nosniff",
    }


def _palette() -> str:
    light, dark = (f":root{{{palette.css()}}}" for palette in (figures.LIGHT, figures.DARK))
    return f"{light}\n@media (prefers-color-scheme:dark){{{dark}}}\n"
