"""Recordings in a bucket: any store that speaks the S3 protocol, through the library obstore.

obstore is imported when a bucket is configured and first used: it is the extra
``ccmiddleware[s3]``. Only this module knows it; its errors become ``StoreAway``, which may be over
later, and ``NoObject``. Contents are compared by reading them back: stores differ in which
checksums they keep and check, and a file is removed here on the strength of it.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ccmiddleware.config import RecordingStoreSettings
from ccmiddleware.errors import ConfigError, PermanentError, TemporaryError
from ccmiddleware.plaintext import plain

if TYPE_CHECKING:
    from obstore.store import S3Store

SLOWEST = 50_000
"""Bytes a second that a transfer must reach on average, beyond the timeout, to be waited for."""

PIECE = 1024 * 1024
PAGE = 500
SCHEME = "s3://"


class StoreAway(TemporaryError):
    """The store can't be reached, or does not do what it is asked."""


class NoObject(PermanentError):
    """There is no such object."""


@dataclass(frozen=True)
class Object:
    """An object of a listing. ``size`` in bytes."""

    key: str
    size: int
    modified: datetime


class Bucket:
    """The bucket of the settings, and others in the same store that rows still name.

    An object is named by its address ``s3://BUCKET/KEY``.
    """

    def __init__(self, settings: RecordingStoreSettings) -> None:
        """Does not connect. Raises ConfigError when obstore is not installed."""
        self.settings = settings
        self._stores: dict[str, S3Store] = {}
        try:
            import obstore
        except ImportError:
            raise ConfigError(
                ["recording_store: obstore is not installed: pip install 'ccmiddleware[s3]'"]
            ) from None
        self._api = obstore

    def address(self, key: str) -> str:
        """The address of an object in the bucket of the settings."""
        return f"{SCHEME}{self.settings.bucket}/{key}"

    def _find(self, address: str) -> tuple["S3Store", str]:
        bucket, slash, key = address.removeprefix(SCHEME).partition("/")
        if not address.startswith(SCHEME) or not slash or not key:
            raise NoObject(f"{address!r} is no address of an object")
        return self._store(bucket), key

    def _store(self, bucket: str) -> "S3Store":
        from obstore.store import S3Store

        if bucket not in self._stores:
            limit = timedelta(seconds=self.settings.timeout)
            secret = self.settings.reveal()
            given: dict[str, Any] = {}
            if self.settings.endpoint is not None:
                given["endpoint"] = self.settings.endpoint
            self._stores[bucket] = S3Store(
                bucket,
                region=self.settings.region,
                access_key_id=self.settings.access_key,
                secret_access_key=secret,
                virtual_hosted_style_request=False,
                client_options={
                    "allow_http": (self.settings.endpoint or "").startswith("http://"),
                    "timeout": limit,
                    "connect_timeout": limit,
                },
                # Trying again is the business of who asks.
                retry_config={"max_retries": 0},
                **given,
            )
        return self._stores[bucket]

    async def put(self, address: str, file: Path, size: int) -> None:
        """Bring a file there, replacing what is there. Raises StoreAway, NoObject and OSError."""
        store, key = self._find(address)
        if not await asyncio.to_thread(file.is_file):
            raise FileNotFoundError(f"there is no file {file}")
        with _translated(address):
            async with asyncio.timeout(self._patience(size)):
                await self._api.put_async(store, key, file)

    async def digest(self, address: str) -> tuple[int, str]:
        """Size and SHA-256 of what is there, read from there. Raises StoreAway and NoObject."""
        size, hasher = 0, hashlib.sha256()
        async for piece in self.read(address):
            size += len(piece)
            hasher.update(piece)
        return size, hasher.hexdigest()

    async def read(self, address: str) -> AsyncIterator[bytes]:
        """What is there, in pieces. Raises StoreAway and NoObject."""
        store, key = self._find(address)
        with _translated(address):
            async with asyncio.timeout(self.settings.timeout):
                answer = await self._api.get_async(store, key)
            pieces = aiter(answer.stream(min_chunk_size=PIECE))
            while True:
                try:
                    async with asyncio.timeout(self._patience(PIECE)):
                        piece = await anext(pieces)
                except StopAsyncIteration:
                    return
                yield bytes(piece)

    async def size(self, address: str) -> int | None:
        """Size of what is there; None when nothing is. Raises StoreAway."""
        store, key = self._find(address)
        try:
            with _translated(address):
                async with asyncio.timeout(self.settings.timeout):
                    return int((await self._api.head_async(store, key))["size"])
        except NoObject:
            return None

    async def remove(self, address: str) -> None:
        """Remove what is there, if anything is. Raises StoreAway."""
        store, key = self._find(address)
        try:
            with _translated(address):
                async with asyncio.timeout(self.settings.timeout):
                    await self._api.delete_async(store, key)
        except NoObject:
            return

    async def list(self) -> AsyncIterator[Object]:
        """Everything under the prefix of the settings. Raises StoreAway and NoObject."""
        store = self._store(self.settings.bucket)
        prefix = self.settings.prefix
        with _translated(self.address(prefix)):
            pages = aiter(self._api.list(store, prefix=prefix or None, chunk_size=PAGE))
            while True:
                try:
                    async with asyncio.timeout(self.settings.timeout):
                        page = await anext(pages)
                except StopAsyncIteration:
                    return
                for one in page:
                    yield Object(one["path"], int(one["size"]), one["last_modified"])

    async def check(self) -> None:
        """Whether the bucket can be listed. Raises StoreAway and NoObject."""
        async for _ in self.list():
            return

    def _patience(self, size: int) -> float:
        return self.settings.timeout + size / SLOWEST


@contextmanager
def _translated(address: str) -> Iterator[None]:
    """The library's errors as ours; their first lines, since the rest are its internals."""
    from obstore.exceptions import BaseError

    try:
        yield
    except FileNotFoundError as error:
        if "NoSuchBucket" in str(error):
            raise StoreAway(f"{address}: {_words(error)}") from None
        raise NoObject(f"{address}: there is no such object") from None
    except TimeoutError:
        raise StoreAway(f"{address}: the store did not answer in time") from None
    except (BaseError, OSError) as error:
        raise StoreAway(f"{address}: {_words(error)}") from None


def _words(error: Exception) -> str:
    text = str(error)
    for mark, words in (
        ("NoSuchBucket", "there is no such bucket"),
        ("InvalidAccessKeyId", "the store does not know the access key"),
        ("SignatureDoesNotMatch", "the secret does not fit the access key"),
        ("AccessDenied", "the access key may not do this"),
    ):
        if mark in text:
            return words
    return plain(text.partition("\n")[0], 300)
