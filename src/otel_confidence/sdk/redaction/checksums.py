"""
This module computes the check digits that tell card, account and identity numbers from others.

Each function takes what a pattern found and returns how many of its characters are meant, counted
from the start: all of them, or 0 where the check digits are wrong.
"""

import base64
import binascii
import datetime as dt
import re
from typing import Final

_MIXED_LENGTH: Final = 20
_SHORTEST_SECRET: Final = 6
_NO_DIGITS: Final = re.compile(r"[^0-9]+")
_CARD: Final = (
    r"4[0-9]{15}(?:[0-9]{3})?"  # Visa
    r"|(?:5[1-5]|2[3-6])[0-9]{14}"  # Mastercard
    r"|2(?:22[1-9]|2[3-9][0-9]|7[01][0-9]|720)[0-9]{12}"  # Mastercard
    r"|3[47][0-9]{13}"  # American Express
    r"|3(?:0[0-5]|[689][0-9])[0-9]{11}"  # Diners Club
    r"|6(?:011|5[0-9]{2}|4[4-9][0-9])[0-9]{12}"  # Discover
    r"|35(?:2[89]|[3-8][0-9])[0-9]{12}"  # JCB
    r"|62[0-9]{14,17}"  # UnionPay
    r"|(?:5[06-8]|6[0137])[0-9]{14}"  # Maestro
)
_IBAN_LENGTHS: Final = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22,
    "BR": 29, "BY": 28, "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DK": 18, "DO": 28,
    "EE": 20, "EG": 29, "ES": 24, "FI": 18, "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23,
    "GL": 18, "GR": 27, "GT": 28, "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IQ": 23, "IS": 26,
    "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28, "LC": 32, "LI": 21, "LT": 20, "LU": 20,
    "LV": 21, "MC": 27, "MD": 24, "ME": 22, "MK": 19, "MR": 27, "MT": 31, "MU": 30, "NL": 18,
    "NO": 15, "PK": 24, "PL": 28, "PS": 29, "PT": 25, "QA": 29, "RO": 24, "RS": 22, "SA": 24,
    "SC": 31, "SE": 24, "SI": 19, "SK": 24, "SM": 27, "TN": 24, "TR": 26, "UA": 29, "VA": 22,
    "VG": 24, "XK": 20,
}  # fmt: skip
_DNI_LETTERS: Final = "TRWAGMYFPDXBNJZSQVHLCKE"
_DIHEDRAL: Final = (
    (0, 1, 2, 3, 4, 5, 6, 7, 8, 9), (1, 2, 3, 4, 0, 6, 7, 8, 9, 5), (2, 3, 4, 0, 1, 7, 8, 9, 5, 6),
    (3, 4, 0, 1, 2, 8, 9, 5, 6, 7), (4, 0, 1, 2, 3, 9, 5, 6, 7, 8), (5, 9, 8, 7, 6, 0, 4, 3, 2, 1),
    (6, 5, 9, 8, 7, 1, 0, 4, 3, 2), (7, 6, 5, 9, 8, 2, 1, 0, 4, 3), (8, 7, 6, 5, 9, 3, 2, 1, 0, 4),
    (9, 8, 7, 6, 5, 4, 3, 2, 1, 0),
)  # fmt: skip
_PERMUTATION: Final = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)
_ODD_VALUES: Final = dict(
    zip(
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3,
         6, 8, 12, 14, 16, 10, 22, 25, 24, 23),
        strict=True,
    )
)  # fmt: skip


def digits(text: str) -> str:
    """
    The digits of a text.
    """
    return _NO_DIGITS.sub("", text)


def luhn(text: str) -> int:
    """
    Luhn's modulus 10 (ISO/IEC 7812-1, annex B).
    """
    numbers = [int(d) for d in reversed(digits(text))]
    total = sum(numbers[0::2]) + sum(sum(divmod(2 * n, 10)) for n in numbers[1::2])
    return len(text) if total % 10 == 0 else 0


def card(text: str) -> int:
    """
    A payment card: a known issuer's range and length, and Luhn's digit.
    """
    return luhn(text) if re.fullmatch(_CARD, digits(text)) else 0


def iban(text: str) -> int:
    """
    An account number of ISO 13616: the country's length, modulus 97 (ISO 7064).
    """
    wanted = _IBAN_LENGTHS.get(text[:2], 0)
    compact, end = "", 0
    while end < len(text) and len(compact) < wanted:
        compact += text[end].strip()
        end += 1
    if not wanted or len(compact) < wanted:
        return 0
    number = "".join(str(int(ch, 36)) for ch in compact[4:] + compact[:4])
    return end if int(number) % 97 == 1 else 0


def verhoeff(text: str) -> int:
    """
    Verhoeff's check over the dihedral group of order ten, as of India's Aadhaar number.
    """
    found = 0
    for position, digit in enumerate(reversed(digits(text))):
        number = int(digit)
        for _ in range(position % 8):
            number = _PERMUTATION[number]
        found = _DIHEDRAL[found][number]
    return len(text) if found == 0 else 0


def nhs(text: str) -> int:
    """
    The modulus 11 of the British National Health Service.
    """
    numbers = [int(d) for d in digits(text)]
    check = -sum(n * (10 - i) for i, n in enumerate(numbers[:9])) % 11
    return len(text) if check == numbers[9] else 0


def cpf(text: str) -> int:
    """
    The two check digits of Brazil's CPF.
    """
    numbers = [int(d) for d in digits(text)]
    for size in (9, 10):
        total = sum(n * (size + 1 - i) for i, n in enumerate(numbers[:size]))
        if total * 10 % 11 % 10 != numbers[size]:
            return 0
    return len(text) if len(set(numbers)) > 1 else 0


def nir(text: str) -> int:
    """
    France's social security number: 97 less the rest modulo 97; Corsica's letters count as digits.
    """
    compact = "".join(text.split()).upper().replace("2A", "19").replace("2B", "18")
    return len(text) if 97 - int(compact[:13]) % 97 == int(compact[13:]) else 0


def dni(text: str) -> int:
    """
    The letter of a Spanish identity number, also of a foreigner's (X, Y, Z).
    """
    number = text[:-1].rstrip("-").upper().translate(str.maketrans("XYZ", "012")).replace("-", "")
    return len(text) if _DNI_LETTERS[int(number) % 23] == text[-1].upper() else 0


def codice_fiscale(text: str) -> int:
    """
    The last letter of Italy's codice fiscale (decree of 23 December 1976).
    """
    body = text[:15]
    odd = sum(_ODD_VALUES[ch] for ch in body[0::2])
    even = sum(int(ch) if ch.isdigit() else ord(ch) - 65 for ch in body[1::2])
    return len(text) if chr(65 + (odd + even) % 26) == text[15] else 0


def ahv(text: str) -> int:
    """
    The EAN-13 check digit of Switzerland's AHV number.
    """
    numbers = [int(d) for d in digits(text)]
    total = sum(n * (3 if i % 2 else 1) for i, n in enumerate(numbers))
    return len(text) if total % 10 == 0 else 0


def personnummer(text: str) -> int:
    """
    A Swedish personal number: a day that exists, and Luhn over the last ten digits.
    """
    number = digits(text)[-10:]
    day = int(number[4:6])
    try:
        dt.date(2000, int(number[2:4]), day - 60 if day > 60 else day)  # noqa: PLR2004
    except ValueError:
        return 0
    return len(text) if luhn(number) else 0


def basic_auth(text: str) -> int:
    """
    Base64 of ``user:password``.
    """
    try:
        return len(text) if ":" in base64.b64decode(text, validate=True).decode() else 0
    except (binascii.Error, ValueError):
        return 0


def random_looking(text: str) -> int:
    """
    A value that no word is: letters beside digits, or long and of both cases.
    """
    letters = any(ch.isalpha() for ch in text)
    if len(text) >= _SHORTEST_SECRET and letters and any(ch.isdigit() for ch in text):
        return len(text)
    mixed = text.lower() != text != text.upper()
    return len(text) if len(text) >= _MIXED_LENGTH and mixed else 0


def international(text: str) -> int:
    """
    A telephone number of E.164: 8 to 15 digits, and not a signed decimal.
    """
    decimal = text.count(".") == 1 and not any(ch in " ()-/" for ch in text)
    return len(text) if 8 <= len(digits(text)) <= 15 and not decimal else 0  # noqa: PLR2004
