"""
This module lists the personal data that is recognized, most of it by check digits.
"""

import ipaddress
from collections.abc import Callable
from typing import Final

from otel_confidence.sdk.redaction import checksums
from otel_confidence.sdk.redaction.pattern import Case, Gate, Pattern

_LEFT: Final = r"(?<![\w.])"
_RIGHT: Final = r"(?!\w|\.[0-9])"
_LOCAL: Final = r"\w.+-"
_DOMAIN: Final = r"(?:[^\W_](?:[\w-]*[^\W_])?\.)+[^\W\d_]{2,63}"


def _number(
    kind: str,
    about: str,
    regex: str,
    *shapes: str,
    check: Callable[[str], int] | None = None,
) -> Pattern:
    bounded = f"{_LEFT}(?:{regex}){_RIGHT}"
    return Pattern(kind, about, bounded, Gate.NUMBER, shapes, check, Case.SHAPE, personal=True)


def _address(text: str) -> int:
    """
    An address that exists, other than the unspecified and the loopback one.
    """
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return 0
    return 0 if found.is_loopback or found.is_unspecified else len(text)


PERSONAL: Final = (
    Pattern(
        "email", "E-mail addresses, also as they stand in an address's query",
        rf"(?<![%{_LOCAL}])[%{_LOCAL}]+@{_DOMAIN}",
        Gate.ADDRESS, ("@",), personal=True,
    ),
    Pattern(
        "email", "",
        rf"(?i)(?<![{_LOCAL}])[{_LOCAL}]+%40{_DOMAIN}",
        Gate.ADDRESS, ("%40",), personal=True,
    ),
    _number(
        "iban", "Bank account numbers (ISO 13616: country's length and modulus 97)",
        r"[A-Z]{2}[0-9]{2}(?:[A-Z0-9]{11,30}|(?: [A-Z0-9]{4}){2,7}(?: [A-Z0-9]{1,3})?)",
        "AA99 ", "AA9999", "AA99A", check=checksums.iban,
    ),
    _number(
        "credit_card", "Payment card numbers (issuer's range, length and Luhn digit)",
        r"[2-6][0-9]{3}([ -]?)[0-9]{4}\1[0-9]{4}\1[0-9]{4}(?:\1[0-9]{1,3})?"
        r"|3[47][0-9]{2}([ -]?)[0-9]{6}\2[0-9]{5}|3[0689][0-9]{2}([ -]?)[0-9]{6}\3[0-9]{4}",
        "9" * 14, "9999 9999 9999", "9999-9999-9999", "9999 999999", "9999-999999",
        check=checksums.card,
    ),
    _number(
        "us_ssn", "US social security numbers",
        r"(?!000|666|9)[0-9]{3}([ -])(?!00)[0-9]{2}\1(?!0000)[0-9]{4}",
        "999-99-9999", "999 99 9999",
    ),
    _number(
        "us_itin", "US taxpayer numbers",
        r"9[0-9]{2}([ -])(?:5[0-9]|6[0-5]|7[0-9]|8[0-8]|9[0-24-9])\1[0-9]{4}",
        "999-99-9999", "999 99 9999",
    ),
    _number(
        "ca_sin", "Canadian social insurance numbers (Luhn digit)",
        r"[1-79][0-9]{2}([ -])[0-9]{3}\1[0-9]{3}", "999 999 999", "999-999-999",
        check=checksums.luhn,
    ),
    _number(
        "uk_nino", "British national insurance numbers",
        r"(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]( ?)"
        r"[0-9]{2}\1[0-9]{2}\1[0-9]{2}\1[A-D]",
        "AA999999A", "AA 99 99 99 A",
    ),
    _number(
        "uk_nhs", "British health service numbers (modulus 11)",
        r"[0-9]{3} [0-9]{3} [0-9]{4}", "999 999 9999", check=checksums.nhs,
    ),
    _number(
        "in_aadhaar", "Indian Aadhaar numbers (Verhoeff digit)",
        r"[2-9][0-9]{3}([ -])[0-9]{4}\1[0-9]{4}", "9999 9999 9999", "9999-9999-9999",
        check=checksums.verhoeff,
    ),
    _number(
        "br_cpf", "Brazilian CPF numbers (two check digits)",
        r"[0-9]{3}\.[0-9]{3}\.[0-9]{3}-[0-9]{2}", "999.999.999-99", check=checksums.cpf,
    ),
    _number(
        "fr_nir", "French social security numbers (modulus 97)",
        r"[12]( ?)[0-9]{2}\1[0-9]{2}\1(?:[0-9]{2}|2[AB])\1[0-9]{3}\1[0-9]{3}\1[0-9]{2}",
        "9 99 99 9", "99999999999999", "999999A99999999", check=checksums.nir,
    ),
    _number(
        "es_dni", "Spanish identity numbers (check letter)",
        r"(?:[0-9]{8}|[XYZ]-?[0-9]{7})-?[A-HJ-NP-TV-Z]", "9999999A", "9999999-A",
        check=checksums.dni,
    ),
    Pattern(
        "it_codice_fiscale", "Italian tax codes (check letter)",
        rf"{_LEFT}[A-Z]{{6}}[0-9]{{2}}[A-EHLMPRST][0-9]{{2}}[A-Z][0-9]{{3}}[A-Z]{_RIGHT}",
        Gate.TOKEN, ("AAAAAA99A99A999A",), checksums.codice_fiscale, Case.SHAPE, personal=True,
    ),
    _number(
        "ch_ahv", "Swiss AHV numbers (EAN-13 digit)",
        r"756\.[0-9]{4}\.[0-9]{4}\.[0-9]{2}", "999.9999.9999.99", check=checksums.ahv,
    ),
    _number(
        "se_personnummer", "Swedish personal numbers (a day that exists, Luhn digit)",
        r"(?:19|20)?[0-9]{6}[-+][0-9]{4}", "999999-9999", "999999+9999",
        check=checksums.personnummer,
    ),
    Pattern(
        "phone", "Telephone numbers: international, North American, or named as one",
        r"(?<![\w+.])(?:\+|00(?=[1-9][0-9]{0,2}[ (-]))[1-9][0-9]{0,2}[ .()/-]{0,2}[0-9]"
        r"(?:[ .()/-]{0,2}[0-9]){5,12}(?!\w)",
        Gate.NUMBER, ("+9", "009"), checksums.international, Case.SHAPE, personal=True,
    ),
    Pattern(
        "phone", "",
        r"(?<![\w.+-])(?:1[ .-])?(?:\([2-9][0-9]{2}\) ?|[2-9][0-9]{2}[ .-])[2-9][0-9]{2}[.-]"
        r"[0-9]{4}(?!\w|[.-][0-9])",
        Gate.NUMBER, ("999-9999", "999.9999"), case=Case.SHAPE, personal=True,
    ),
    Pattern(
        "phone", "",
        r"(?i)\b(?:tele)?(?:phone|fon|tel|mobile|cell|fax|whatsapp|handy)\.?"
        r"(?: {0,2}(?:number|no|nr)\.?)?(?: is)? {0,2}[:=]? {0,2}[\"']?"
        r"(?P<value>[+(]?[0-9](?:[ .()/-]{0,2}[0-9]){6,14})(?!\w)",
        Gate.NUMBER, ("phone", "fon", "tel", "mobile", "cell", "fax", "whatsapp", "handy"),
        case=Case.FOLDED, personal=True,
    ),
)  # fmt: skip
"""Personal data searched for unless left out."""

OPTIONAL: Final = (
    Pattern(
        "ip_address", "IPv4 and IPv6 addresses other than loopback",
        r"(?<![\w.:])(?:(?:[0-9]{1,3}\.){3}[0-9]{1,3}|[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7})"
        r"(?![\w:]|\.[0-9])",
        Gate.ANY, (".", ":"), _address, optional=True, personal=True,
    ),
    Pattern(
        "mac_address", "Hardware addresses",
        r"(?<![\w:-])[0-9A-Fa-f]{2}([:-])[0-9A-Fa-f]{2}(?:\1[0-9A-Fa-f]{2}){4}(?![\w:-])",
        Gate.ANY, (":", "-"), optional=True, personal=True,
    ),
    Pattern(
        "coordinates", "Latitude and longitude with four decimals or more",
        r"(?<![\w.])[+-]?[0-9]{1,2}\.[0-9]{4,12}, ?[+-]?[0-9]{1,3}\.[0-9]{4,12}(?!\w|\.[0-9])",
        Gate.ANY, (".",), optional=True, personal=True,
    ),
)  # fmt: skip
"""Personal data searched for only on request: ordinary texts are full of what looks like it."""
