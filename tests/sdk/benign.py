"""
This module makes up ordinary texts as they stand in labels, comments, attributes and exceptions.
"""

import random
import string
import uuid
from collections.abc import Callable, Iterator

_WORDS = """
    the model answer was right wrong slow late because image label customer order invoice ticket
    token password secret key basic bearer market phone mobile card account email address number
    classification misunderstanding well-documented e.g. please thanks version update retry total
    confidence session cookie authorization header credentials training epoch batch loss gradient
""".split()  # noqa: SIM905  read more easily
_NAMES = ("digits", "gpt-4o-mini", "bert-base-uncased", "resnet50.a1_in1k", "xgboost", "whisper-1")


def _digits(rng: random.Random, count: int) -> str:
    return "".join(rng.choices(string.digits, k=count))


def _hex(rng: random.Random, count: int) -> str:
    return "".join(rng.choices("0123456789abcdef", k=count))


def _sentence(rng: random.Random) -> str:
    return " ".join(rng.choices(_WORDS, k=rng.randint(2, 14))).capitalize() + rng.choice(".!?,")


def _time(rng: random.Random) -> str:
    day = f"20{rng.randint(10, 29)}-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}"
    clock = f"{rng.randint(0, 23):02d}:{rng.randint(0, 59):02d}:{rng.randint(0, 59):02d}"
    return rng.choice([f"{day}T{clock}Z", f"{day} {clock}.{_digits(rng, 6)}+00:00", day])


def _path(rng: random.Random) -> str:
    parts = rng.choices(_WORDS[:20], k=3)
    return rng.choice(["/var/lib/", "s3://bucket/", "https://shop.example/", "C:\\data\\"]) + (
        "/".join(parts) + rng.choice([".png", ".parquet", "/", f"?page={_digits(rng, 2)}&sort=asc"])
    )


_MAKERS: tuple[Callable[[random.Random], str], ...] = (
    _sentence,
    _sentence,
    _time,
    _path,
    lambda r: str(uuid.UUID(int=r.getrandbits(128), version=4)),
    lambda r: _hex(r, r.choice([7, 16, 32, 40, 64])),
    lambda r: str(r.random()),
    lambda r: str(r.uniform(-1e6, 1e6)),
    lambda r: str(r.randint(0, 10**6)),
    lambda r: str(1_700_000_000_000 + r.getrandbits(36)),
    lambda r: str(1_700_000_000_000_000_000 + r.getrandbits(56)),
    lambda r: f"order {_digits(r, 7)}, invoice INV-{_digits(r, 5)}",
    lambda r: f"ISBN 978-3-{_digits(r, 2)}-{_digits(r, 6)}-{_digits(r, 1)}",
    lambda r: f"v{r.randint(0, 30)}.{r.randint(0, 20)}.{r.randint(0, 900)}+build{_digits(r, 4)}",
    lambda r: f"{r.choice(_NAMES)}@{_hex(r, 12)}",
    lambda r: f"sha256:{_hex(r, 64)}",
    lambda r: f"max_tokens={r.randint(1, 4096)} temperature={r.random():.2f} seed={_digits(r, 9)}",
    lambda r: f"IndexError: index {r.randint(0, 99)} is out of bounds for axis 0 with size 4",
    lambda r: f"Unexpected token: {r.choice('}]),')} at line {r.randint(1, 900)} column 4 (char 9)",
    lambda r: f'File "/srv/app/predict.py", line {r.randint(1, 900)}, in classify',
    lambda r: f"shape=({r.randint(1, 512)}, 3, 224, 224) dtype=float32 device='cuda:0'",
    lambda r: f"{r.randint(1, 999):,}.{_digits(r, 2)} EUR for {r.randint(2, 90)} items",
    lambda r: f"[{', '.join(f'{r.random():.4f}' for _ in range(10))}]",
    lambda r: f'{{"id": {_digits(r, 8)}, "label": "cat", "score": {r.random():.6f}}}',
    lambda r: f"size {r.randint(100, 9999)}x{r.randint(100, 9999)}, {r.randint(1, 99)}%",
    lambda r: f"trace {_hex(r, 32)} span {_hex(r, 16)}",
    lambda r: f"key: {r.choice(_WORDS)}, value: {r.choice(_WORDS)}",
    lambda r: f"p50={r.random():.3f}s p99={r.random() * 9:.3f}s n={_digits(r, 6)}",
    lambda r: f"tracking no. {_digits(r, 12)}",
    lambda r: f"SKU-{_digits(r, 4)}-{r.choice('ABCDEF')}{_digits(r, 3)} in stock",
)


def benign(seed: int, count: int) -> Iterator[str]:
    """
    Texts without secrets, of each kind in turn.
    """
    rng = random.Random(seed)
    for number in range(count):
        yield _MAKERS[number % len(_MAKERS)](rng)
