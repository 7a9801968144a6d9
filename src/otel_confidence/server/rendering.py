"""
This module renders the pages' templates; whatever they show is escaped.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from otel_confidence.conventions import SERVICE_NAME
from otel_confidence.server import formats
from otel_confidence.server.assets import Assets
from otel_confidence.stats import calibration

_FIGURES: Final[dict[str, Callable[..., Any]]] = {
    "accuracy": calibration.accuracy,
    "brier_score": calibration.brier_score,
    "ece": calibration.expected_calibration_error,
    "overconfidence": calibration.overconfidence,
}
_FILTERS: Final[dict[str, Callable[..., Any]]] = {
    each.__name__: each
    for each in (
        formats.clock,
        formats.count,
        formats.duration,
        formats.latency,
        formats.moment,
        formats.number,
        formats.percent,
        formats.points,
        formats.score,
        formats.shortened,
        formats.span,
        formats.sparkline,
    )
}


class Templates:
    """
    The templates with what all of them may use.
    """

    def __init__(
        self,
        assets: Assets,
        *,
        otlp_http: str,
        update_s: float,
        places: Sequence[tuple[str, str]] = (),
    ) -> None:
        self._environment = Environment(
            loader=PackageLoader("otel_confidence.server"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters.update(_FILTERS | _FIGURES)
        self._environment.globals.update(
            build=assets.version,
            plotly_url=assets.plotly_url,
            otlp_http=otlp_http,
            update_s=update_s,
            places=places,
            place="",
            ago=formats.ago,
            model_url=formats.model_url,
            slo_url=formats.slo_url,
            service=SERVICE_NAME.name,
        )

    def render(self, name: str, **values: Any) -> str:
        """
        The template's text with these values in it.
        """
        return self._environment.get_template(f"{name}.html").render(values).strip()
