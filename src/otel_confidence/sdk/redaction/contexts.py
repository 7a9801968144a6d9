"""
This module lists the secrets that are recognized by what stands around them.
"""

from typing import Final

from otel_confidence.sdk.redaction import checksums
from otel_confidence.sdk.redaction.pattern import Case, Gate, Pattern

_NOT_YET: Final = r"(?!\[redacted:)"
_ASSIGN: Final = r"[\"']?\s{0,3}(?:=>|:=|[:=])\s{0,3}(?:b?[\"'])?" + _NOT_YET
_PASSWORDS: Final = ("password", "passwd", "passphrase", "passcode", "pwd")
_SECRETS: Final = ("secret", "api", "access", "private", "credential", "signing", "encryption")
_KEYS: Final = r"(?:secret|(?:api|access|private|signing|encryption|account)[_ -]?key|credentials?)"
_DATABASES: Final = (
    r"(?:postgres(?:ql)?|mysql|mariadb|mongodb|rediss?|amqps?|mssql|sqlserver|oracle|clickhouse"
    r"|cockroachdb|cassandra|neo4j|bolt|kafka|nats|ldaps?|snowflake|redshift|trino)(?:\+[a-z0-9]{1,16})?"
)
_PARAMETERS: Final = (
    r"(?:(?:access|id|refresh|auth|security|session|csrf)[_-]?token|token|jwt|api[_-]?key|key"
    r"|(?:client[_-]?)?secret|sig|signature|auth|code|session(?:[_-]?id)?"
    r"|x-(?:amz|goog)-(?:signature|credential|security-token))"
)


def _any(text: str) -> int:
    return 0 if "[redacted:" in text else len(text)


def _header(text: str) -> int:
    """
    A header's value, where one of its words is no word.
    """
    return _any(text) if any(map(checksums.random_looking, text.split())) else 0


CONTEXTS: Final = (
    Pattern(
        "connection_string", "User and password in a database's or broker's address",
        rf"(?i){_DATABASES}://(?P<value>[^\s/?#@:]{{0,256}}:[^\s/?#]{{1,1024}})@",
        Gate.ADDRESS, ("://",), _any,
    ),
    Pattern(
        "url_credentials", "User and password in any other address",
        r"://(?P<value>[^\s/?#@:]{0,256}:[^\s/?#]{1,1024})@",
        Gate.ADDRESS, ("://",), _any,
    ),
    Pattern(
        "basic_auth", "HTTP Basic credentials",
        r"(?i)\bbasic\s{1,3}(?P<value>[A-Za-z0-9+/]{6,}={0,2})",
        Gate.ASSIGNED, ("basic",), checksums.basic_auth, case=Case.FOLDED,
    ),
    Pattern(
        "bearer_token", "HTTP Bearer tokens",
        r"(?i)\b(?:bearer|token)\s{1,3}(?P<value>[A-Za-z0-9._~+/-]{8,}={0,2})",
        Gate.ASSIGNED, ("bearer", "token "), checksums.random_looking, case=Case.FOLDED,
    ),
    Pattern(
        "authorization_header", "Authorization headers of other schemes",
        rf"(?i)(?:authorization|x-api-key|x-auth-token){_ASSIGN}(?P<value>[^\r\n\"']{{6,}})",
        Gate.ASSIGNED, ("authorization", "x-api-key", "x-auth-token"), _header, case=Case.FOLDED,
    ),
    Pattern(
        "cookie", "Cookie headers",
        rf"(?i)\b(?:set-)?cookie{_ASSIGN}(?P<value>[\w.-]{{1,64}}=[^\r\n\"']{{4,}})",
        Gate.ASSIGNED, ("cookie",), _any, case=Case.FOLDED,
    ),
    Pattern(
        "url_parameter", "Keys, tokens and signatures in an address's query",
        rf"(?i)[?&;]{_PARAMETERS}=(?P<value>{_NOT_YET}[^&\s#\"'<>]{{6,}})",
        Gate.ASSIGNED, ("?", "&", ";"), _any, case=Case.FOLDED,
    ),
    Pattern(
        "aws_secret_access_key", "Amazon Web Services secret keys beside their name",
        rf"(?i)(?:aws|secret)[_ -]?(?:secret|access)?[_ -]?(?:access)?[_ -]?key{_ASSIGN}"
        r"(?P<value>[A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])",
        Gate.ASSIGNED, ("aws", "secret"), case=Case.FOLDED,
    ),
    Pattern(
        "password", "Values assigned to a password",
        rf"(?i)(?:{'|'.join(_PASSWORDS)}|(?<![A-Za-z])pass|(?<![A-Za-z])pw){_ASSIGN}"
        r"(?P<value>(?<=\")[^\"\n]+|(?<=')[^'\n]+|[^\s\"'&;]+)",
        Gate.ASSIGNED, (*_PASSWORDS, "pass", "pw"), _any, case=Case.FOLDED,
    ),
    Pattern(
        "secret", "Values assigned to a secret, key or credential",
        rf"(?i){_KEYS}{_ASSIGN}(?P<value>[^\s\"'&;,]{{6,}})",
        Gate.ASSIGNED, _SECRETS, _any, case=Case.FOLDED,
    ),
    Pattern(
        "token", "Values assigned to a token, where no word",
        rf"(?i)(?:token|jwt|session[_ -]?id){_ASSIGN}(?P<value>[^\s\"'&;,]{{8,}})",
        Gate.ASSIGNED, ("token", "jwt", "session"), checksums.random_looking, case=Case.FOLDED,
    ),
)  # fmt: skip
"""Secrets recognized by their surroundings; tried after those with a form of their own."""
