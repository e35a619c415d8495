"""The key that signs seals: Ed25519 (RFC 8032), made once, its file 0600; never in logs or in the database (R29).

The public half stands beside the checkpoints, so that whoever has those can check them.
"""

import hashlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Self

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from config.sources import ConfigError

_FINGERPRINT = 32  # characters: 128 bits
PUBLIC_SUFFIX = ".pub"


class PublicKey:
    """The half that checks; `key_id` is its fingerprint, the beginning of the SHA-256 of its 32 bytes, in hex."""

    def __init__(self, key: Ed25519PublicKey) -> None:
        self._key = key
        self.raw = key.public_bytes_raw()
        self.key_id = hashlib.sha256(self.raw).hexdigest()[:_FINGERPRINT]

    @classmethod
    def read(cls, path: Path) -> Self:
        """Return the key of a PEM file. Raises ConfigError when it has none, OSError when it is not there."""
        try:
            key = serialization.load_pem_public_key(path.read_bytes())
        except (ValueError, UnsupportedAlgorithm):
            key = None
        if not isinstance(key, Ed25519PublicKey):
            raise ConfigError(f"{path}: expected the PEM of an Ed25519 public key")
        return cls(key)

    @property
    def pem(self) -> bytes:
        """The key as a PEM file has it."""
        kind = serialization.PublicFormat.SubjectPublicKeyInfo
        return self._key.public_bytes(serialization.Encoding.PEM, kind)

    def has_signed(self, data: bytes, signature: bytes) -> bool:
        """Tell whether the signature is this key's, of these data."""
        try:
            self._key.verify(signature, data)
        except InvalidSignature:
            return False
        return True


class SealKey:
    """Both halves."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public = PublicKey(key.public_key())

    @classmethod
    def open(cls, path: Path) -> Self:
        """Return the key of this file, made now where there is none. Raises ConfigError for a file that is no key."""
        try:
            made = path.read_bytes()
        except FileNotFoundError:
            made = _make(path)
        try:
            key = serialization.load_pem_private_key(made, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            key = None
        if not isinstance(key, Ed25519PrivateKey):
            raise ConfigError(f"{path}: expected the PEM of an Ed25519 private key, as this system wrote it")
        return cls(key)

    def sign(self, data: bytes) -> bytes:
        """Return the signature, 64 bytes."""
        return self._key.sign(data)

    def publish(self, directory: Path) -> None:
        """Write the public half into a directory, under its fingerprint."""
        path = directory / f"{self.public.key_id}{PUBLIC_SUFFIX}"
        if not path.exists():
            _write_once(path, self.public.pem)


def public_keys(paths: Iterable[Path]) -> Mapping[str, PublicKey]:
    """Return the keys of these files by their fingerprints."""
    keys = [PublicKey.read(path) for path in paths]
    return {key.key_id: key for key in keys}


def _make(path: Path) -> bytes:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    content = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    _write_once(path, content)
    return path.read_bytes()  # another process may have been first


def _write_once(path: Path, content: bytes) -> None:
    """Give a file its content, whole or not at all, mode 0600; one that is there is left as it is."""
    staged = path.with_name(f".{path.name}.{os.getpid()}")
    staged.unlink(missing_ok=True)
    descriptor = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(staged, path)
    except FileExistsError:
        return
    finally:
        staged.unlink()
    sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Make a new name inside `path` survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
