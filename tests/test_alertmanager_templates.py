"""This module lets Alertmanager's own program fill in the templates of notifications."""

import json
import subprocess
from pathlib import Path

from tests.programs import ROOT, program

HOSTILE = "<!channel> <https://evil.example|click> & more"
ESCAPED = "&lt;!channel&gt; &lt;https://evil.example|click&gt; &amp; more"


def rendered(template: str, folder: Path, **alert: str) -> str:
    """What a template makes of one firing alert."""
    one = {
        "status": "firing",
        "labels": {"alertname": "A", "severity": "warning", "ml_model_name": alert["model"]},
        "annotations": {"summary": alert["summary"], "description": "d", "runbook_url": "r"},
    }
    told = {
        "receiver": "slack", "status": "firing", "alerts": [one], "commonLabels": one["labels"],
        "commonAnnotations": one["annotations"], "groupLabels": {}, "externalURL": "http://a",
    }  # fmt: skip
    (folder / "told.json").write_text(json.dumps(told))
    return subprocess.run(
        [program("amtool"), "template", "render",
         f"--template.glob={ROOT / 'alertmanager' / 'templates' / '*.tmpl'}",
         f"--template.data={folder / 'told.json'}",
         f'--template.text={{{{ template "{template}" . }}}}'],
        capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip


def test_no_label_mentions_or_links_in_slack(tmp_path: Path) -> None:
    """
    What a label or an annotation holds is shown by Slack as it is, instead of being carried out.
    """
    alert = {"model": HOSTILE, "summary": f"{HOSTILE} fails"}
    title = rendered("otel_confidence.slack_title", tmp_path, **alert)
    text = rendered("otel_confidence.slack_text", tmp_path, **alert)

    assert f"[FIRING 1] A {ESCAPED}" == title
    assert f"firing (warning) {ESCAPED} fails\nd\nRunbook: r" == text


def test_long_text_is_cut_in_slack(tmp_path: Path) -> None:
    """
    A text of ten kilobytes is shown by its first thousand characters.
    """
    title = rendered("otel_confidence.slack_title", tmp_path, model="x" * 10_000, summary="s")

    assert f"[FIRING 1] A {'x' * 1000}…" == title
