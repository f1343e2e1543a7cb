"""optuna-dashboard on a storage, read-only unless asked otherwise: it knows no passwords."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from optuna.storages import BaseStorage

from lrsearch.errors import InputError

_READING = ("GET", "HEAD", "OPTIONS")
Environment = dict[str, Any]
Respond = Callable[..., Any]
Application = Callable[[Environment, Respond], Iterable[bytes]]


class _Server(ThreadingMixIn, WSGIServer):
    """A server with a thread for each request, so that one slow figure does not hold up the page."""

    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    """Requests are not logged."""

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


def dashboard_application(storage: BaseStorage, *, allow_edit: bool = False) -> Application:
    """Return optuna-dashboard as a WSGI application that refuses whatever could change the storage.

    Args:
        storage: from `open_storage`.
        allow_edit: refuse nothing; whoever reaches the port can delete studies then.
    """
    from optuna_dashboard import wsgi

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # optuna-dashboard announces its own experimental parts
        dashboard: Application = wsgi(storage)

    def application(environment: Environment, respond: Respond) -> Iterable[bytes]:
        if not allow_edit and environment["REQUEST_METHOD"] not in _READING:
            respond("405 Method Not Allowed", [("Content-Type", "text/plain"), ("Allow", ", ".join(_READING))])
            return [b"This dashboard is read-only; start it with --allow-edit to change studies.\n"]
        # The dashboard takes it for granted that every client says which encodings it knows.
        environment.setdefault("HTTP_ACCEPT_ENCODING", "identity")
        return dashboard(environment, respond)

    return application


def make_dashboard(storage: BaseStorage, *, host: str, port: int, allow_edit: bool) -> WSGIServer:
    """Return a server, already listening, whose `serve_forever` serves the dashboard; port 0 takes any that is free.

    Raises:
        InputError: if it cannot listen there.
    """
    application = dashboard_application(storage, allow_edit=allow_edit)
    try:
        return make_server(host, port, application, server_class=_Server, handler_class=_Quiet)
    except (OSError, OverflowError) as error:
        raise InputError(f"cannot listen on {host}:{port} ({error}): choose another --host or --port") from error
