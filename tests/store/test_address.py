"""This module checks how the URL of a ClickHouse server is read."""

from pathlib import Path

import pytest

from otel_confidence.errors import ConfigurationError
from otel_confidence.store.address import Address, is_url


def test_what_a_url_leaves_out_has_its_usual_value() -> None:
    """
    The shortest URL means the usual port, user and database, without a password.
    """
    address = Address.read("clickhouse://there", {})

    assert Address("there", 8123, user="default", database="otel_confidence") == address


def test_everything_of_a_url_is_used() -> None:
    """
    Host, port, user, database, cluster and the ways of HTTPS come from the URL.
    """
    url = "clickhouse://me%40x@[::1]:9/db?secure=true&verify=false&ca_cert=/ca.pem&cluster=c-1"

    address = Address.read(url, {})

    assert ("::1", 9, "me@x", "db", "c-1") == (
        address.host, address.port, address.user, address.database, address.cluster,
    )  # fmt: skip
    assert (True, False, "/ca.pem") == (address.secure, address.verify, address.ca_cert)
    assert 8443 == Address.read("clickhouse://there?secure", {}).port


def test_the_password_comes_from_the_environment_and_is_shown_nowhere(tmp_path: Path) -> None:
    """
    A variable or a file holds the password; no text of the address does.
    """
    file = tmp_path / "password"
    file.write_text("hidden\n")

    direct = Address.read("clickhouse://there", {"OTEL_CONFIDENCE_STORE_PASSWORD": "hidden"})
    by_file = Address.read("clickhouse://there", {"OTEL_CONFIDENCE_STORE_PASSWORD_FILE": str(file)})

    assert ["hidden", "hidden"] == [direct.password, by_file.password]
    assert "hidden" not in f"{direct} {direct!r}"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("clickhouse://me:secret@there", "must not hold a password"),
        ("http://there", "must be like"),
        ("clickhouse://", "must be like"),
        ("clickhouse://there:x", "must be like"),
        ("clickhouse://[there", "must be like"),
        ("clickhouse://there#x", "must be like"),
        ("clickhouse://there?secured=true", "unknown option 'secured'"),
        ("clickhouse://there?secure=maybe", "must be true or false"),
        ("clickhouse://there/a`b", "the database must be"),
        ("clickhouse://there?cluster=a'b", "the cluster must be"),
        ("clickhouse://there?cluster=", "the cluster must be"),
    ],
)
def test_a_wrong_url_is_refused_without_its_secret(url: str, said: str) -> None:
    """
    What is wrong with a URL is said, and never a password that stands in it.
    """
    with pytest.raises(ConfigurationError, match=said) as caught:
        Address.read(url, {})

    assert "secret" not in str(caught.value)


def test_a_password_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """
    A wrong path of the password's file is an error of configuration.
    """
    with pytest.raises(ConfigurationError, match="PASSWORD_FILE"):
        Address.read(
            "clickhouse://there", {"OTEL_CONFIDENCE_STORE_PASSWORD_FILE": str(tmp_path / "none")}
        )


def test_paths_are_no_urls() -> None:
    """
    A path is taken for a folder, whatever it is made of.
    """
    assert [False, False, True] == [is_url(Path("a")), is_url("a:b"), is_url("clickhouse://a")]
