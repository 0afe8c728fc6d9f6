"""Documents in an S3 bucket, through the minio SDK (its only door).

```text
(staging folder)/3f1c…   a document that streams in: a local file, hashed on the way
bucket/
  blobs/abcd12…          a document by its SHA-256
  quarantine/abcd12…-…   an altered one, and when it was stored
```

A document is staged on a local disk and sent when it is whole: its key, which is its hash, is known
only then, and so is its length, which lets the SDK send it in small parts of a known number. The
upload of an object is atomic: a name in the bucket always stands for the whole content.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import parse_qs, unquote, urlsplit

import urllib3
from minio import Minio
from minio.commonconfig import CopySource
from minio.error import MinioException, S3Error

from hub.settings import SettingsError
from ihe.errors import Unavailable
from ihe.messages import CHUNK
from repository.blobs import staging
from repository.blobs.content import CheckedContent
from repository.blobs.port import BlobInfo, is_key
from repository.blobs.staging import StagedFile, StagingWriter

T = TypeVar("T")

PREFIX: Final = "blobs/"
QUARANTINE: Final = "quarantine/"
_PART: Final = 5 * 1024**2
"""Octets that the SDK holds in memory of a document that it sends: S3's smallest part."""
_NOT_THERE: Final = frozenset({"NoSuchKey", "NoSuchObject", "NotFound"})
_WHAT: Final = "the object store"
_REGION: Final = "us-east-1"
"""What servers of one region call it."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """Where a bucket is, and who may use it."""

    endpoint: str
    name: str
    access_key: str
    secret_key: str
    secure: bool
    region: str

    def __repr__(self) -> str:
        """Leave the secret out."""
        return f"Bucket({self.endpoint}/{self.name})"


def parse_bucket(url: str) -> Bucket:
    """Return the bucket of `s3+https://access:secret@host:port/bucket` (`s3+http` without TLS).

    `?region=eu-north-1` behind it names the region, where a server has several.

    Raises
    ------
    SettingsError
        The URL has another form; the message does not repeat it, for it holds a secret.
    """
    parts = urlsplit(url)
    name = parts.path.strip("/")
    if parts.scheme not in {"s3+https", "s3+http"} or not parts.hostname or not name:
        raise SettingsError(
            "blobs: s3+https://access:secret@host:port/bucket was expected (s3+http without TLS)"
        )
    if not parts.username or not parts.password:
        raise SettingsError("blobs: the S3 URL has no access key and secret")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return Bucket(
        endpoint=f"{host}:{parts.port}" if parts.port else host,
        name=name,
        access_key=unquote(parts.username),
        secret_key=unquote(parts.password),
        secure=parts.scheme == "s3+https",
        region=parse_qs(parts.query).get("region", [_REGION])[0],
    )


class S3Blobs:
    """Keeps documents in a bucket; implements `Blobs`.

    Parameters
    ----------
    bucket
        Made when it is not there and may be made.
    folder
        Local folder for documents that stream in.
    authorities
        PEM file of the authorities that the server is trusted by; None for the system's.
    timeout_s
        Seconds without a byte after which the server counts as gone.
    """

    def __init__(
        self,
        bucket: Bucket,
        folder: Path,
        *,
        authorities: Path | None = None,
        timeout_s: float = 30.0,
    ) -> None:
        self.bucket = bucket
        self._staging = staging.prepare(folder, "the staging folder")
        self._http = urllib3.PoolManager(
            num_pools=4,
            maxsize=32,
            timeout=urllib3.Timeout(connect=5.0, read=timeout_s),
            retries=urllib3.Retry(
                total=4, backoff_factor=0.2, status_forcelist=[500, 502, 503, 504], redirect=0
            ),
            cert_reqs="CERT_REQUIRED",
            ca_certs=str(authorities) if authorities else None,
        )
        self._client = Minio(
            bucket.endpoint,
            access_key=bucket.access_key,
            secret_key=bucket.secret_key,
            secure=bucket.secure,
            region=bucket.region,
            http_client=self._http,
        )

    def open(self) -> StagingWriter:
        """Stage a new document on the local disk."""
        return StagingWriter(self._staging, self._commit, "the staging folder")

    def _commit(self, staged: StagedFile) -> None:
        def send() -> None:
            with staged.path.open("rb") as file:
                self._client.put_object(
                    self.bucket.name,
                    PREFIX + staged.sha256,
                    file,
                    staged.size,
                    part_size=_PART,
                    num_parallel_uploads=1,
                )

        _ask(send)

    def read(self, key: str) -> CheckedContent | None:
        """Return a blob's content, checked while it is read."""
        info = self.stat(key)
        if info is None:
            return None
        return CheckedContent(key, info.size, lambda: self._chunks(key))

    def _chunks(self, key: str) -> Iterator[bytes]:
        answer: Any = _ask(lambda: self._client.get_object(self.bucket.name, PREFIX + key))
        try:
            pieces = answer.stream(CHUNK)
            while chunk := _ask(lambda: next(pieces, b"")):
                yield chunk
        finally:
            # a connection with bytes still to come can't be used again
            answer.close()
            answer.release_conn()

    def stat(self, key: str) -> BlobInfo | None:
        """Return what is known of a blob."""
        found: Any = _ask(
            lambda: self._client.stat_object(self.bucket.name, PREFIX + key), absent=None
        )
        if found is None:
            return None
        return BlobInfo(key, found.size, _stored(found.last_modified))

    def delete(self, key: str) -> None:
        """Delete a blob."""
        _ask(lambda: self._client.remove_object(self.bucket.name, PREFIX + key), absent=None)

    def set_aside(self, seen: BlobInfo) -> bool:
        """Move an altered blob out of the way: copied, looked at once more, and deleted."""
        if self.stat(seen.key) != seen:
            return False
        _ask(
            lambda: self._client.copy_object(
                self.bucket.name,
                QUARANTINE + seen.aside,
                CopySource(self.bucket.name, PREFIX + seen.key),
            )
        )
        if self.stat(seen.key) != seen:  # the same content came while it was copied
            return False
        self.delete(seen.key)
        return True

    def list(self) -> Iterator[BlobInfo]:
        """Yield all blobs."""
        listed: Any = self._client.list_objects(self.bucket.name, prefix=PREFIX, recursive=True)
        while (found := _ask(lambda: next(listed, None))) is not None:
            key = str(found.object_name).removeprefix(PREFIX)
            if is_key(key):
                yield BlobInfo(key, found.size, _stored(found.last_modified))

    def clean(self, before: datetime) -> int:
        """Forget old staged files."""
        return staging.clean(self._staging, before)

    def ready(self) -> None:
        """Return when the bucket is there, making it if it is not."""
        if not _ask(lambda: self._client.bucket_exists(self.bucket.name)):
            _ask(lambda: self._client.make_bucket(self.bucket.name))

    def close(self) -> None:
        """Close all connections."""
        self._http.clear()


def _stored(modified: datetime | None) -> datetime:
    if modified is None:
        raise Unavailable(_WHAT, "it does not say when an object was stored")
    return modified


_RAISE: Final = object()


def _ask(work: Callable[[], T], *, absent: Any = _RAISE) -> T:
    """Ask the server; an object that is not there gives `absent`, if that is given.

    Raises
    ------
    Unavailable
        The server does not answer, or refuses; the reason holds its error code and no secret.
    """
    try:
        return work()
    except S3Error as failure:
        if failure.code in _NOT_THERE and absent is not _RAISE:
            return absent  # type: ignore[no-any-return]  # the caller's own
        raise Unavailable(_WHAT, f"it answers {failure.code}") from failure
    except (MinioException, urllib3.exceptions.HTTPError, OSError) as failure:
        raise Unavailable(_WHAT, type(failure).__name__) from failure
