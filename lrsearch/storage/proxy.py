"""Optuna's gRPC proxy, through which hundreds of workers share a few connections to one database."""

from __future__ import annotations

import importlib.util
import re
import warnings

from optuna.exceptions import ExperimentalWarning
from optuna.storages import BaseStorage, GrpcStorageProxy

from lrsearch.errors import InputError
from lrsearch.storage.patience import patient
from lrsearch.storage.secrets import redacted

_CONNECT_SECONDS = 10.0


class _Proxy(GrpcStorageProxy):
    """The proxy's client, which knows its address, and waits for a server that is restarted."""

    url: str


patient(_Proxy, sorted(name for name in BaseStorage.__abstractmethods__))


def open_proxy(url: str) -> BaseStorage:
    """Connect to the server of `grpc://host:port`.

    Raises:
        InputError: if the address is none, the library is missing, or nobody answers.
    """
    address = re.fullmatch(r"grpc://([^:/@]+):(\d+)", url)
    if address is None:
        raise InputError(
            f"storage {redacted(url)!r} cannot be opened: name host and port, as in grpc://127.0.0.1:13000"
        )
    if importlib.util.find_spec("grpc") is None:
        raise InputError(f"storage {redacted(url)!r} cannot be opened: gRPC is missing; pip install 'lrsearch[grpc]'")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        proxy = _Proxy(host=address[1], port=int(address[2]))
    proxy.url = url
    try:
        proxy.wait_server_ready(timeout=_CONNECT_SECONDS)
    except ConnectionError as error:
        raise InputError(
            f"storage {redacted(url)!r} cannot be opened: no proxy answers there, start one or wait for it"
        ) from error
    return proxy
