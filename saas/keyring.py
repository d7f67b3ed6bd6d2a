"""Secrets at rest: encrypted under a ring of keys, each bound to the workspace that it belongs to.

Fernet (AES-128-CBC and HMAC-SHA256); the first key of `ENCRYPTION_KEYS` writes, all of them read.
"""

import base64
from uuid import UUID

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


class Unreadable(Exception):
    """No key of the ring opens this secret, or it was sealed for another owner."""


def seal(secret: str, *, owner: UUID) -> str:
    """The secret as it may be stored."""
    return _ring(owner).encrypt(secret.encode()).decode()


def unseal(sealed: str, *, owner: UUID) -> str:
    """The secret itself; raises Unreadable."""
    try:
        return _ring(owner).decrypt(sealed.encode()).decode()
    except InvalidToken as error:
        raise Unreadable("A stored secret cannot be decrypted with ENCRYPTION_KEYS.") from error


def _ring(owner: UUID) -> MultiFernet:
    return MultiFernet([_key(master, owner) for master in settings.ENCRYPTION_KEYS])


def _key(master: str, owner: UUID) -> Fernet:
    """A key of the owner's own, so that a secret moved to another's row opens no more."""
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"secret at rest " + owner.bytes)
    return Fernet(base64.urlsafe_b64encode(derived.derive(master.encode())))
