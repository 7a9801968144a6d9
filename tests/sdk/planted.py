"""
This module makes up secrets and personal data of every kind, anew for each draw.

Nothing here is anybody's: letters and digits are drawn, check digits computed by the numbers' own
published rules, written down here a second time.
"""

import base64
import random
import string
from collections.abc import Callable

LOWER_HEX = "0123456789abcdef"
WORD = string.ascii_letters + string.digits
UPPER = string.ascii_uppercase + string.digits


class Maker:
    """
    Draws texts that hold one secret each.
    """

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)

    def draw(self, letters: str, count: int) -> str:
        return "".join(self.rng.choices(letters, k=count))

    def word(self, count: int) -> str:
        """
        Letters and digits, at least one of each.
        """
        return "a7" + self.draw(WORD, count - 2)

    def hex(self, count: int) -> str:
        return self.draw(LOWER_HEX, count)

    def digits(self, count: int) -> str:
        return self.draw("123456789", 1) + self.draw(string.digits, count - 1)

    def number(self, shape: str, valid: Callable[[str], bool]) -> str:
        """
        A text of a shape, ``#`` for each digit, whose digits are valid.
        """
        while True:
            text = "".join(self.draw(string.digits, 1) if ch == "#" else ch for ch in shape)
            if valid("".join(ch for ch in text if ch.isdigit())):
                return text


def luhn(number: str) -> bool:
    """
    Doubling every second digit from the right, nine taken from what has two digits.
    """
    total = 0
    for place, digit in enumerate(reversed(number)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def iban(maker: Maker, country: str = "DE", size: int = 18) -> str:
    """
    An account number whose two check digits are 98 less the rest modulo 97.
    """
    account = maker.digits(size)
    spelled = "".join(str(ord(ch) - 55) for ch in country)
    rest = int(account + spelled + "00") % 97
    return f"{country}{98 - rest:02d}{account}"


def verhoeff(number: str) -> bool:
    """
    Products in the dihedral group of order ten, computed from its rotations and reflections.
    """

    def times(a: int, b: int) -> int:
        turned = (a % 5 + (b % 5 if a < 5 else -(b % 5))) % 5
        return turned + 5 * ((a > 4) ^ (b > 4))

    permutation = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4]
    found = 0
    for place, digit in enumerate(reversed(number)):
        value = int(digit)
        for _ in range(place):
            value = permutation[value]
        found = times(found, value)
    return found == 0


def weighted(number: str, weights: list[int]) -> int:
    return sum(int(d) * w for d, w in zip(number, weights, strict=False))


def cpf(number: str) -> bool:
    first = weighted(number[:9], list(range(10, 1, -1))) * 10 % 11 % 10
    second = weighted(number[:10], list(range(11, 1, -1))) * 10 % 11 % 10
    return number[9:] == f"{first}{second}" and len(set(number)) > 1


def nhs(number: str) -> bool:
    check = 11 - weighted(number[:9], list(range(10, 1, -1))) % 11
    return {10: -1, 11: 0}.get(check, check) == int(number[9])


def ean(number: str) -> bool:
    return weighted(number, [1, 3] * 6 + [1]) % 10 == 0


def codice_fiscale(maker: Maker) -> str:
    odd = dict(zip(string.digits, (1, 0, 5, 7, 9, 13, 15, 17, 19, 21), strict=True))
    values = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25)
    odd |= dict(zip(string.ascii_uppercase, (*values, 24, 23), strict=True))
    body = f"{maker.draw(string.ascii_uppercase, 6)}85M01H501"[:15]
    total = sum(
        odd[ch] if place % 2 == 0 else (int(ch) if ch.isdigit() else ord(ch) - 65)
        for place, ch in enumerate(body)
    )
    return body + string.ascii_uppercase[total % 26]


def dni(maker: Maker) -> str:
    number = maker.digits(8)
    return number + "TRWAGMYFPDXBNJZSQVHLCKE"[int(number) % 23]


def _jwt(m: Maker) -> str:
    return f"eyJ{m.word(20)}.eyJ{m.word(40)}.{m.word(43)}"


def _basic(m: Maker) -> str:
    return base64.b64encode(f"user:{m.word(9)}".encode()).decode()


MAKERS: dict[str, Callable[[Maker], tuple[str, str]]] = {
    "private_key": lambda m: (
        f"-----BEGIN {m.rng.choice(['RSA ', 'EC ', ''])}PRIVATE KEY-----\n{{}}\n-----END",
        "\n".join(m.word(64) for _ in range(8)),
    ),
    "aws_access_key_id": lambda m: ("{}", "AKIA" + m.draw(UPPER, 16)),
    "google_api_key": lambda m: ("{}", "AIza" + m.word(35)),
    "google_oauth_token": lambda m: ("{}", "ya29." + m.word(60)),
    "google_oauth_secret": lambda m: ("{}", "GOCSPX-" + m.word(28)),
    "azure_client_secret": lambda m: ("{}", m.word(3) + "8Q~" + m.word(34)),
    "azure_storage_key": lambda m: ("AccountName=a;AccountKey={}", m.word(86) + "=="),
    "azure_sas_signature": lambda m: ("?sv=2024-11-04&sig={}", m.word(43) + "%3D"),
    "digitalocean_token": lambda m: ("{}", "dop_v1_" + m.hex(64)),
    "alibaba_access_key_id": lambda m: ("{}", "LTAI" + m.word(20)),
    "databricks_token": lambda m: ("{}", "dapi" + m.hex(32)),
    "vault_token": lambda m: ("{}", "hvs." + m.word(28)),
    "terraform_token": lambda m: ("{}", m.word(14) + ".atlasv1." + m.word(67)),
    "anthropic_key": lambda m: ("{}", "sk-ant-api03-" + m.word(80)),
    "langfuse_key": lambda m: (
        "{}",
        f"sk-lf-{m.hex(8)}-{m.hex(4)}-{m.hex(4)}-{m.hex(4)}-{m.hex(12)}",
    ),
    "openrouter_key": lambda m: ("{}", "sk-or-v1-" + m.hex(64)),
    "openai_key": lambda m: (
        "{}",
        m.rng.choice(["sk-proj-", "sk-svcacct-", "sk-"]) + m.word(48),
    ),
    "huggingface_token": lambda m: ("{}", "hf_" + m.draw(string.ascii_letters, 34)),
    "replicate_token": lambda m: ("{}", "r8_" + m.word(37)),
    "groq_key": lambda m: ("{}", "gsk_" + m.word(52)),
    "xai_key": lambda m: ("{}", "xai-" + m.word(80)),
    "perplexity_key": lambda m: ("{}", "pplx-" + m.word(48)),
    "langsmith_key": lambda m: ("{}", f"lsv2_pt_{m.hex(32)}_{m.hex(10)}"),
    "pinecone_key": lambda m: ("{}", "pcsk_" + m.word(70)),
    "github_token": lambda m: (
        "{}",
        m.rng.choice(["ghp_", "gho_", "ghs_", "github_pat_"]) + m.word(40),
    ),
    "gitlab_token": lambda m: ("{}", "glpat-" + m.word(20)),
    "npm_token": lambda m: ("{}", "npm_" + m.word(36)),
    "pypi_token": lambda m: ("{}", "pypi-" + m.word(150)),
    "rubygems_key": lambda m: ("{}", "rubygems_" + m.hex(48)),
    "docker_token": lambda m: ("{}", "dckr_pat_" + m.word(27)),
    "atlassian_token": lambda m: ("{}", "ATATT3" + m.word(180)),
    "linear_key": lambda m: ("{}", "lin_api_" + m.word(40)),
    "notion_token": lambda m: ("{}", "ntn_" + m.word(46)),
    "postman_key": lambda m: ("{}", f"PMAK-{m.hex(24)}-{m.hex(34)}"),
    "figma_token": lambda m: ("{}", "figd_" + m.word(40)),
    "grafana_token": lambda m: ("{}", f"glsa_{m.word(32)}_{m.hex(8)}"),
    "new_relic_key": lambda m: ("{}", "NRAK-" + m.draw(UPPER, 27)),
    "sentry_token": lambda m: ("{}", "sntryu_" + m.hex(64)),
    "age_key": lambda m: ("{}", "AGE-SECRET-KEY-1" + m.draw(UPPER, 58)),
    "slack_token": lambda m: ("{}", f"xoxb-{m.digits(11)}-{m.digits(12)}-{m.word(24)}"),
    "slack_webhook": lambda m: (
        "https://{}",
        f"hooks.slack.com/services/T{m.draw(UPPER, 8)}/B{m.draw(UPPER, 8)}/{m.word(24)}",
    ),
    "discord_webhook": lambda m: (
        "https://{}",
        f"discord.com/api/webhooks/{m.digits(18)}/{m.word(68)}",
    ),
    "discord_token": lambda m: ("{}", f"M{m.word(24)}.{m.word(6)}.{m.word(38)}"),
    "telegram_token": lambda m: ("{}", f"{m.digits(9)}:AA{m.word(33)}"),
    "stripe_key": lambda m: ("{}", m.rng.choice(["sk_live_", "rk_test_", "whsec_"]) + m.word(32)),
    "square_token": lambda m: ("{}", "sq0atp-" + m.word(22)),
    "shopify_token": lambda m: ("{}", "shpat_" + m.hex(32)),
    "twilio_key": lambda m: ("{}", "SK" + m.hex(32)),
    "sendgrid_key": lambda m: ("{}", f"SG.{m.word(22)}.{m.word(43)}"),
    "mailgun_key": lambda m: ("{}", "key-" + m.hex(32)),
    "mailchimp_key": lambda m: ("{}", f"{m.hex(32)}-us12"),
    "facebook_token": lambda m: ("{}", "EAA" + m.word(120)),
    "jwt": lambda m: ("{}", _jwt(m)),
    "connection_string": lambda m: ("postgresql+asyncpg://{}@db.internal/x", "app:" + m.word(12)),
    "url_credentials": lambda m: ("ftp://{}@files.internal/x", "joe:" + m.word(10)),
    "basic_auth": lambda m: ("Authorization: Basic {}", _basic(m)),
    "bearer_token": lambda m: ("Authorization: Bearer {}", m.word(24)),
    "authorization_header": lambda m: ("X-Api-Key: {}", m.word(24)),
    "cookie": lambda m: ("Cookie: {}", f"sid={m.word(24)}; theme=dark"),
    "url_parameter": lambda m: ("https://h/x?a=1&access_token={}#top", m.word(20)),
    "aws_secret_access_key": lambda m: ("aws_secret_access_key = {}", m.word(40)),
    "password": lambda m: (
        m.rng.choice(["password={}", '"password": "{}"', "DB_PASSWORD: {}", "Pwd={};Server=x"]),
        m.word(10),
    ),
    "secret": lambda m: (m.rng.choice(["client_secret={}", '"api_key": "{}"']), m.word(24)),
    "token": lambda m: ("session_id={}", m.word(24)),
    "email": lambda m: (
        "{}",
        m.rng.choice(["joe.", "j+", "jos\u00e9-"]) + m.word(6) + "@mail.example.co.uk",
    ),
    "credit_card": lambda m: (
        "{}",
        m.rng.choice(
            [
                m.number("4### #### #### ####", luhn),
                m.number("51##############", luhn),
                m.number("37## ###### #####", luhn),
                m.number("6011-####-####-####", luhn),
            ]
        ),
    ),
    "iban": lambda m: (
        "{}",
        m.rng.choice([iban(m), iban(m, "AT", 16), _grouped(iban(m))]),
    ),
    "us_ssn": lambda m: ("{}", f"{m.rng.randint(100, 665)}-{m.rng.randint(10, 99)}-{m.digits(4)}"),
    "us_itin": lambda m: ("{}", f"9{m.draw(string.digits, 2)}-72-{m.digits(4)}"),
    "ca_sin": lambda m: ("{}", m.number("4## ### ###", luhn)),
    "uk_nino": lambda m: ("{}", f"AB {m.digits(2)} {m.digits(2)} {m.digits(2)} C"),
    "uk_nhs": lambda m: ("{}", m.number("94# ### ####", nhs)),
    "in_aadhaar": lambda m: ("{}", m.number("5### #### ####", verhoeff)),
    "br_cpf": lambda m: ("{}", m.number("###.###.###-##", cpf)),
    "fr_nir": lambda m: ("{}", _nir(m)),
    "es_dni": lambda m: ("{}", dni(m)),
    "it_codice_fiscale": lambda m: ("{}", codice_fiscale(m)),
    "ch_ahv": lambda m: ("{}", m.number("756.####.####.##", ean)),
    "se_personnummer": lambda m: ("{}", m.number("850714-####", luhn)),
    "phone": lambda m: (
        m.rng.choice(["{}", "call {} now"]),
        m.rng.choice(
            [
                f"+49 171 {m.digits(7)}",
                f"+1 (415) 555-{m.digits(4)}",
                f"(415) 555-{m.digits(4)}",
                f"+44{m.digits(10)}",
                f"415-555-{m.digits(4)}",
            ]
        ),
    ),
    "ip_address": lambda m: (
        "{}",
        m.rng.choice([f"10.{m.rng.randint(0, 255)}.7.9", f"2001:db8::{m.hex(4)}:1"]),
    ),
    "mac_address": lambda m: ("{}", ":".join(m.hex(2) for _ in range(6))),
    "coordinates": lambda m: ("{}", f"52.{m.digits(6)}, 13.{m.digits(6)}"),
}
"""By kind: a text with a place for the secret, and the secret."""


def _grouped(number: str) -> str:
    return " ".join(number[i : i + 4] for i in range(0, len(number), 4))


def _nir(m: Maker) -> str:
    body = f"2 85 07 75 {m.digits(3)} {m.digits(3)}"
    return f"{body} {97 - int(body.replace(' ', '')) % 97:02d}"


def planted(kind: str, maker: Maker) -> tuple[str, str]:
    """
    A text that holds a secret of a kind, and the secret.
    """
    around, secret = MAKERS[kind](maker)
    return around.replace("{}", secret), secret
