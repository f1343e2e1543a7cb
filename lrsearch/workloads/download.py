"""One file from the network: complete or not at all, and never waited for without end."""

from __future__ import annotations

import hashlib
import logging
import time
import urllib.request
import uuid
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path

from lrsearch.errors import RunError

STALL_SECONDS = 30.0
"""A server that sends nothing for so long is given up."""

SLOWEST_RATE = 1024
"""A server that sends fewer bytes a second, measured over the time in which none at all are waited for, is given up."""

_CHUNK_BYTES = 1 << 18
_logger = logging.getLogger(__name__)


def download(url: str, target: Path, md5: str) -> None:
    """Download a file and put it in its place when it is complete and its MD5 is right.

    Several processes may download the same file at once: each writes beside it under a name of its own.

    Args:
        url: an http(s) address.
        target: the file; missing folders are made.
        md5: of its content, in hexadecimal.

    Raises:
        RunError: if it cannot be reached, stalls, sends less than 1 KiB/s, or is another file; nothing is left behind.
    """
    part = target.with_name(f".{target.name}.{uuid.uuid4().hex}.part")
    digest = hashlib.md5(usedforsecurity=False)
    try:
        request = urllib.request.Request(url, headers={"User-Agent": "lrsearch"})
        target.parent.mkdir(parents=True, exist_ok=True)
        with urllib.request.urlopen(request, timeout=STALL_SECONDS) as answer, part.open("wb") as file:
            _logger.info("downloading %s", url)
            since, received = time.monotonic(), 0
            while chunk := answer.read1(_CHUNK_BYTES):  # what has arrived, where read() would wait for a whole chunk
                file.write(chunk)
                digest.update(chunk)
                received += len(chunk)
                if (passed := time.monotonic() - since) >= STALL_SECONDS:
                    if received < SLOWEST_RATE * passed:
                        raise RunError(f"{url}: too slow: {received:,} bytes in {passed:.0f} s")
                    since, received = time.monotonic(), 0
        if digest.hexdigest() != md5:
            raise RunError(f"{url}: incomplete or another file (its MD5 is not {md5})")
        part.replace(target)
    except TimeoutError as error:
        raise RunError(f"{url}: no data for {STALL_SECONDS:g} s") from error
    except (OSError, ValueError, HTTPException) as error:
        raise RunError(f"{url}: {error}") from error
    finally:
        with suppress(OSError):
            part.unlink()
