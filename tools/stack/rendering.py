"""
This module turns what is written for containers into what holds natively, in copies.

A service's mounts are copied below a folder of its own; in the copies, its command and its
environment, container paths become paths of that folder, names of services become their addresses,
and ``0.0.0.0`` and ``localhost`` the service's own address.
"""

import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from tools.stack.compose import Mount, Service
from tools.stack.errors import StackError

_ADDRESS: Final = re.compile(r"https?://")
_OWN: Final = r"0\.0\.0\.0|127\.0\.0\.1"
Overrides = Mapping[str, Mapping[str, Any]]
"""By container path of a file: by path of a setting, its keys joined by dots, the value instead.

A number is an element of a list and ``*`` each of them. A setting must be there, so that one that
was renamed is noticed; a ``+`` before its path allows it to be new.
"""


@dataclass(frozen=True, slots=True)
class Translation:
    """
    From one service's container to this host.
    """

    service: Service
    folder: Path
    """What the container's ``/`` becomes."""
    addresses: Mapping[str, str]
    """Of every service."""
    published: Mapping[int, str]
    """By port of the host, the ``address:port`` that it leads to."""

    def path(self, inside: str) -> Path:
        """
        Where a path of the container lies.
        """
        return self.folder / inside.lstrip("/")

    def __call__(self, text: str) -> str:
        """
        The text as it holds natively.
        """
        return self._pattern().sub(self._translated, text)

    def _pattern(self) -> re.Pattern[str]:
        targets = [mount.target for mount in self.service.mounts]
        targets += [f"/run/secrets/{name}" for name in self.service.secrets]
        paths = "|".join(re.escape(each) for each in sorted(targets, key=len, reverse=True))
        names = "|".join(re.escape(name) for name in self.addresses)
        return re.compile(
            rf"(?P<path>(?<![\w./])(?:{paths or '(?!)'})(?![\w.-]))"
            rf"|(?P<name>(?<![\w.-])(?:{names})(?=:\d))"
            rf"|(?P<own>(?<![\w.])(?:{_OWN})(?![\w.]))"
            r"|(?P<local>(?<![\w.-])localhost(?::(?P<port>\d+))?(?![\w.-]))"
        )

    def _translated(self, found: re.Match[str]) -> str:
        if found["path"]:
            return str(self.path(found["path"]))
        if found["name"]:
            return self.addresses[found["name"]]
        own = self.addresses[self.service.name]
        if found["own"] or not found["port"]:
            return own
        port = int(found["port"])
        if port not in self.service.tcp_ports and port in self.published:
            return self.published[port]  # a link for whoever reads it on this host
        return f"{own}:{port}"


def render(
    translation: Translation,
    *,
    secrets: Mapping[str, str],
    absent: Sequence[str],
    overrides: Overrides,
    settings: Overrides | None = None,
) -> None:
    """
    Lay a service's mounts and secrets out in its folder, translated.

    Whatever a list holds of services that are ``absent`` is left out of YAML files. ``settings``
    are overrides in which no address is translated.

    Raises:
        StackError: a mounted path, a secret or an overridden setting does not exist.
    """
    for mount in translation.service.mounts:
        _mount(mount, translation, absent)
    for name in translation.service.secrets:
        _keep(name, secrets[name], translation)
    for inside, wanted in overrides.items():
        _override(translation.path(inside), _values(wanted, translation))
    for inside, wanted in (settings or {}).items():
        _override(translation.path(inside), wanted)


def _mount(mount: Mount, translation: Translation, absent: Sequence[str]) -> None:
    target = translation.path(mount.target)
    if mount.source is None:
        target.mkdir(parents=True, exist_ok=True)
        return
    if not mount.source.exists():
        raise StackError(
            f"service {translation.service.name} mounts {mount.source}, which does not exist"
        )
    _copy(mount.source, target)
    for path in [target] if target.is_file() else sorted(target.rglob("*")):
        _translate(path, translation, absent)


def _keep(name: str, secret: str, translation: Translation) -> None:
    path = translation.path(f"/run/secrets/{name}")
    path.parent.mkdir(parents=True, exist_ok=True)
    # An address may name a service; whatever else a secret says is nobody's business.
    path.write_text(translation(secret) if _ADDRESS.match(secret) else secret)
    path.chmod(0o600)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)
    else:
        shutil.copyfile(source, target)


def _translate(path: Path, translation: Translation, absent: Sequence[str]) -> None:
    if not path.is_file():
        return
    try:
        text = path.read_text()
    except UnicodeDecodeError:
        return  # whatever it is, it names no service
    if path.suffix in {".yaml", ".yml"} and any(f"{name}:" in text for name in absent):
        text = _without(text, absent)
    path.write_text(translation(text))


def _without(text: str, absent: Sequence[str]) -> str:
    """
    YAML without the elements of lists that name a port of an absent service.
    """
    gone = re.compile(rf"(?:{'|'.join(map(re.escape, absent))}):\d+")

    def pruned(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: pruned(below) for key, below in value.items()}
        if isinstance(value, list):
            return [
                pruned(each)
                for each in value
                if not (isinstance(each, str) and gone.fullmatch(each))
            ]
        return value

    return yaml.safe_dump(pruned(yaml.safe_load(text)), sort_keys=False)


def _override(path: Path, settings: Mapping[str, Any]) -> None:
    if not path.is_file():
        raise StackError(f"settings of {path} are overridden, but there is no such file")
    loaded = yaml.safe_load(path.read_text())
    for where, value in settings.items():
        keys = where.removeprefix("+").split(".")
        if not _put(loaded, keys, value, new=where.startswith("+")):
            raise StackError(f"{path} has no setting {where} to override")
    path.write_text(yaml.safe_dump(loaded, sort_keys=False))


def _values(value: Any, translation: Translation) -> Any:
    """
    The value with every text in it translated.
    """
    if isinstance(value, dict):
        return {key: _values(below, translation) for key, below in value.items()}
    if isinstance(value, list):
        return [_values(below, translation) for below in value]
    return translation(value) if isinstance(value, str) else value


def _put(value: Any, keys: Sequence[str], wanted: Any, *, new: bool) -> int:
    """
    Put a value where the keys lead to; how often that was.
    """
    key, *rest = keys
    if not isinstance(value, dict | list):
        return 0
    if key == "*":
        each = value if isinstance(value, list) else list(value.values())
        return sum(_put(below, rest, wanted, new=new) for below in each)
    place: Any = int(key) if isinstance(value, list) else key
    if isinstance(value, dict) and place not in value:
        if not new:
            return 0
        value[place] = {}
    if rest:
        return _put(value[place], rest, wanted, new=new)
    value[place] = wanted
    return 1
