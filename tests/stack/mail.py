"""
This module is a mail server: it asks for TLS and a password, and keeps what it is given.

Its certificate is ``cert.pem`` in its home folder, with ``key.pem`` beside it.
"""

import asyncio
import json
import ssl
import sys
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

FILE = "mails.jsonl"
PORT = 18587
NAME = "mail.example.com"
USER = "otel-confidence@example.com"
PASSWORD = "for the mail server"


@dataclass(frozen=True, slots=True)
class Mail:
    """What arrived, and for whom."""

    to: list[str]
    message: EmailMessage


def mails(folder: Path) -> list[Mail]:
    """What arrived, in order."""
    file = folder / FILE
    lines = file.read_text().splitlines(keepends=True) if file.exists() else []
    kept = [json.loads(line) for line in lines if line.endswith("\n")]
    return [
        Mail(each["to"], message_from_bytes(each["content"].encode("latin-1"), policy=default))
        for each in kept
    ]


class Keeper:
    """Writes down each mail."""

    async def handle_DATA(self, _: SMTP, __: Session, envelope: Envelope) -> str:  # noqa: N802  its name
        """Take a mail."""
        assert isinstance(envelope.content, bytes)
        kept = {"to": envelope.rcpt_tos, "content": envelope.content.decode("latin-1")}
        with (Path.home() / FILE).open("a") as file:
            file.write(f"{json.dumps(kept)}\n")
        return "250 kept"


def known(_: SMTP, __: Session, ___: Envelope, ____: str, given: Any) -> AuthResult:
    """Whether user and password are the right ones."""
    return AuthResult(success=given == LoginPassword(USER.encode(), PASSWORD.encode()))


async def serve(host: str, port: int) -> None:
    """Listen until the end."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(Path.home() / "cert.pem", Path.home() / "key.pem")

    def session() -> SMTP:
        return SMTP(
            Keeper(), hostname=NAME, tls_context=context, require_starttls=True,
            auth_required=True, authenticator=known,
            # What it asks there is not what Alertmanager expects to be asked.
            auth_exclude_mechanism=["LOGIN"],
        )  # fmt: skip

    server = await asyncio.get_running_loop().create_server(session, host, port)
    await server.serve_forever()


if __name__ == "__main__":
    where, _, number = sys.argv[1].rpartition(":")
    asyncio.run(serve(where, int(number)))
