"""Keys of clients: only their SHA-256 is stored, and they are compared in constant time."""

import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from emolens.core.errors import ConfigError, OutputError

KEY_VARIABLE: Final = "EMOLENS_KEY"
"""Environment variable with one key, for containers."""
_LEAST_CHARACTERS: Final = 24
_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_LINE: Final = re.compile(r"(?P<name>[A-Za-z0-9._-]{1,64}) sha256:(?P<digest>[0-9a-f]{64})")
_HEADER: Final = "# Keys of emolens: a name and the SHA-256 of the key.\n"


@dataclass(frozen=True, slots=True)
class Keys:
    """A set of keys.

    Attributes:
        digests: Name of each client to the SHA-256 of its key, as hexadecimal text.
    """

    digests: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "digests", dict(self.digests))

    def __bool__(self) -> bool:
        return bool(self.digests)

    def owner(self, key: str) -> str | None:
        """Return the name of the client with a key, or None, in the same time for every key."""
        digest = _digest(key)
        found = None
        for name, stored in self.digests.items():
            if hmac.compare_digest(digest, stored):
                found = name
        return found


def read_keys(path: Path | None, environment: Mapping[str, str] | None = None) -> Keys:
    """Read keys from a file and from the environment variable `EMOLENS_KEY`.

    Args:
        path: A file from `add_key`, or None.
        environment: The environment; by default, that of the process.

    Raises:
        ConfigError: The file cannot be read, has no key or a line that is none, or the key in the
            environment is too short or cannot be sent in a header.
    """
    digests = {} if path is None else _parse(path)
    if path is not None and not digests:
        # Who names a file wants a server that needs a key.
        raise ConfigError(
            f"{path} has no key. Create one with `emolens serve --new-key NAME --keys {path}`."
        )
    key = (os.environ if environment is None else environment).get(KEY_VARIABLE)
    if key is not None:
        if len(key) < _LEAST_CHARACTERS:
            raise ConfigError(
                f"{KEY_VARIABLE} has {len(key)} characters; allowed: {_LEAST_CHARACTERS} or more. "
                "Create one with: python -c 'import secrets; print(secrets.token_urlsafe(32))'"
            )
        if not (key.isascii() and key.isprintable()) or key != key.strip():
            # The key itself is not shown.
            raise ConfigError(
                f"{KEY_VARIABLE} has characters that no header carries, such as a line break at "
                "its end; allowed: printable ASCII characters, without a space at either end"
            )
        digests[KEY_VARIABLE] = _digest(key)
    return Keys(digests)


def add_key(path: Path, name: str) -> str:
    """Create a key, append its digest to a file that only its owner can read, and return the key.

    Raises:
        ConfigError: The name is not allowed or already in the file.
        OutputError: The file cannot be written.
    """
    if not _NAME.fullmatch(name):
        raise ConfigError(
            f"the name of the key is {name!r}; allowed: 1 to 64 letters, digits, '.', '_' and '-'"
        )
    known = _parse(path) if path.exists() else {}
    if name in known:
        raise ConfigError(f"{path} already has a key named {name!r}. Choose another name.")
    key = secrets.token_urlsafe(32)
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "w") as file:
            file.write(f"{_start_of_entry(path)}{name} sha256:{_digest(key)}\n")
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}") from error
    return key


def _start_of_entry(path: Path) -> str:
    """Return the text before the next entry; editors may leave a last line without an end."""
    content = path.read_bytes()
    if not content:
        return _HEADER
    return "" if content.endswith(b"\n") else "\n"


def _parse(path: Path) -> dict[str, str]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not a text file"
        raise ConfigError(f"cannot read the keys in {path}: {reason}") from error
    return dict(_entries(path, text.splitlines()))


def _entries(path: Path, lines: Iterable[str]) -> Iterable[tuple[str, str]]:
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith("#"):
            continue
        entry = _LINE.fullmatch(line.strip())
        if entry is None:
            # The line may be a key, so it is not shown.
            raise ConfigError(
                f"{path}, line {number}: not a key; allowed: NAME sha256:DIGEST. Create keys with "
                "`emolens serve --new-key NAME --keys FILE`."
            )
        yield entry["name"], entry["digest"]


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
