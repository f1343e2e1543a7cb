"""Optuna's gRPC proxy, through which hundreds of workers share a few connections to one database."""

from __future__ import annotations

import importlib.util
import re
import warnings
from typing import Any

from optuna.exceptions import ExperimentalWarning
from optuna.storages import BaseStorage, GrpcStorageProxy
from optuna.trial import TrialState

from lrsearch.errors import InputError
from lrsearch.passwords import redacted
from lrsearch.storage.database.patience import patient, set_state_idempotently

_CONNECT_SECONDS = 10.0


class _Proxy(GrpcStorageProxy):
    """The proxy's client, which knows its address, and waits for a server that is restarted."""

    url: str

    def set_trial_state_values(self, trial_id: int, state: TrialState, values: Any = None) -> bool:
        """Set the state and the values of a trial, as the proxy does; the same end twice is no error."""
        return set_state_idempotently(super().set_trial_state_values, super().get_trial, trial_id, state, values)


patient(_Proxy, sorted(BaseStorage.__abstractmethods__ - {"set_trial_state_values"}))


def open_proxy(url: str) -> BaseStorage:
    """Connect to the server of `grpc://host:port`.

    Raises:
        InputError: if the address is none or the library is missing.
        ConnectionError: if none answers.
    """
    address = re.fullmatch(r"grpc://([^:/@]+):([0-9]+)", url)
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
    except ConnectionError:
        proxy.close()
        raise ConnectionError("no proxy answers at this address, start one or wait for it") from None
    return proxy
