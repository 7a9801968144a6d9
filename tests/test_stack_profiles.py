"""
This module checks what of the stack starts on request only: the demo, and the tiers of scale.
"""

import re
import subprocess

import pytest
from tests.programs import ROOT
from tests.test_stack_files import SERVICES, ports_inside


def test_profiles_are_those_of_the_documentation() -> None:
    """
    What is not for everybody starts on request only, and the page of the stack says how.
    """
    page = (ROOT / "docs" / "how-to" / "stack.md").read_text()
    profiles = {name for s in SERVICES.values() for name in s.get("profiles", [])}

    assert {"demo", "scale"} == profiles
    assert [] == [name for name in profiles if f"--profile {name}" not in page]


def test_tiers_have_what_the_overlay_names() -> None:
    """
    The overlay for scale names the profile's services, user, database and bucket.
    """
    overlay = (ROOT / "collector" / "scale.yaml").read_text()
    named = {
        name: re.findall(rf"\$\{{env:{name}:-([^}}]*)\}}", overlay)[0]
        for name in ("CLICKHOUSE_ENDPOINT", "CLICKHOUSE_DATABASE", "CLICKHOUSE_USER", "S3_ENDPOINT",
                     "S3_BUCKET")
    }  # fmt: skip
    settings = SERVICES["clickhouse"]["environment"]

    assert "9000" in ports_inside("clickhouse")
    assert named["CLICKHOUSE_ENDPOINT"].startswith("tcp://clickhouse:9000?")
    assert "http://s3:8333" == named["S3_ENDPOINT"]
    assert "8333" in ports_inside("s3")
    assert (settings["CLICKHOUSE_DB"], settings["CLICKHOUSE_USER"]) == (
        named["CLICKHOUSE_DATABASE"], named["CLICKHOUSE_USER"]
    )  # fmt: skip
    assert f"-name {named['S3_BUCKET']} |" in SERVICES["s3-bucket"]["command"][0]
    assert f"grep -q '{named['S3_BUCKET']}[" in SERVICES["s3-bucket"]["command"][0]


@pytest.mark.parametrize("service", ["clickhouse", "s3"])
def test_tiers_refuse_to_start_without_a_secret(service: str) -> None:
    """
    Without a password a tier ends with a message before it starts anything.
    """
    described = SERVICES[service]
    shell, option = described["entrypoint"]
    script = described["command"][0].replace("$$", "$")
    run = subprocess.run(
        [shell, option, re.sub(r"exec .*", "echo started", script)],
        env={"PATH": "/usr/bin:/bin", "CLICKHOUSE_PASSWORD": "", "AWS_SECRET_ACCESS_KEY": ""},
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert 0 != run.returncode
    assert "started" not in run.stdout
    assert "docs/how-to/stack.md" in run.stderr


def test_the_demos_image_is_built_of_what_is_sent_to_it() -> None:
    """
    Whatever the Dockerfile copies is there and not ignored, and it ends as nobody in particular.
    """
    lines = (ROOT / SERVICES["demo"]["build"]["dockerfile"]).read_text().splitlines()
    copied = {source for line in lines if line.startswith("COPY ") for source in line.split()[1:-1]}
    sent = {
        line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] == "!"
    }

    assert sent == copied
    assert [] == [source for source in copied if not (ROOT / source).exists()]
    assert ["USER 10001:10001"] == [line for line in lines if line.startswith("USER ")]
