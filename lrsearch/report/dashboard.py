"""optuna-dashboard on a storage, read-only unless asked otherwise (it knows no passwords), and our verdict in it."""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Callable, Iterable, Iterator
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import plotly.graph_objects as go
from optuna.storages import BaseStorage
from optuna.study import Study

from lrsearch.comparison import Comparison
from lrsearch.errors import InputError, RunError
from lrsearch.names import base_name, is_search
from lrsearch.report.figures.base_lr import all_panels_figure, panels_data
from lrsearch.report.figures.first_page import rivals, rivals_figure
from lrsearch.report.figures.forest import forest_data, forest_figure, headline
from lrsearch.report.source import study_styles
from lrsearch.report.style import NEUTRAL, label, translucent
from lrsearch.storage import StoredStudy, StudyPart, load_study
from lrsearch.text import plain
from lrsearch.verdict.study_verdict import StudyVerdict

logger = logging.getLogger(__name__)

_FRAME_PIXELS = 450
"""The height that the dashboard's page keeps for a figure."""
_THIS_MACHINE = ("127.0.0.1", "localhost", "::1")
_IMPORTANCES = re.compile(r"/api/studies/(\d+)/param_importances")
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
    """Return optuna-dashboard as a WSGI application that refuses every request that could change the storage.

    Args:
        storage: from `open_storage`.
        allow_edit: refuse nothing: everyone who can reach the port can then delete studies.
    """
    from optuna_dashboard import wsgi

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # optuna-dashboard announces its own experimental parts
        dashboard: Application = wsgi(storage)

    def application(environment: Environment, respond: Respond) -> Iterable[bytes]:
        if not allow_edit and environment["REQUEST_METHOD"] not in _READING:
            respond("405 Method Not Allowed", [("Content-Type", "text/plain"), ("Allow", ", ".join(_READING))])
            return [b"This dashboard is read-only; start it with --allow-edit to change studies.\n"]
        if (asked := _IMPORTANCES.fullmatch(environment["PATH_INFO"])) and _was_not_searched(storage, int(asked[1])):
            respond("200 OK", [("Content-Type", "application/json")])
            return [b'{"param_importances": [[]]}']
        # The dashboard fails for a client that does not name the encodings it accepts.
        environment.setdefault("HTTP_ACCEPT_ENCODING", "identity")
        return dashboard(environment, respond)

    return application


def _was_not_searched(storage: BaseStorage, study: int) -> bool:
    """Return whether a study, by its id, repeats configurations: no parameter of them is more important than another.

    The dashboard would give each an equal share, and divide by zero where an older study stored no parameters at all.
    """
    try:
        return not is_search(storage.get_study_name_from_id(study))
    except KeyError:
        return False


def show_verdict(storage: BaseStorage, study: StoredStudy, verdict: StudyVerdict) -> None:
    """Write a study's verdict where the dashboard shows its confirmation and its searches; log why if that fails."""
    try:
        write_verdict([load_study(storage, part.name) for part in (study.confirmed(), *study.searches)], study, verdict)
    except RunError as error:
        logger.info(f"the dashboard's pages of this study do not get this verdict: {error}")


def write_verdict(pages: Iterable[Study], study: StoredStudy, verdict: StudyVerdict) -> None:
    """Let the dashboard show a verdict on the page of each of these studies: as a note and as figures.

    Args:
        pages: the searches and the confirmation of `study`.
        study: with the trials that are drawn.
        verdict: of the study.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # optuna-dashboard announces its own experimental parts
        from optuna_dashboard import save_note, save_plotly_graph_object

        comparison, figures = verdict.comparison, dict(_figures(study, verdict.comparison))
        for page in pages:
            name, description = base_name(page.study_name), StudyPart.of(page).config.description
            # The sentences quote names, and the description is free text: neither may be read as Markdown.
            about, beside = [description] if description else [], (comparison.verdict_text, *_CAUTIONS)
            said = "\n\n".join([*map(_literal, about), *_answer(comparison), *map(_literal, beside)])
            command = f"`lrsearch report --study-name {plain(name).replace('`', '?')}`"
            save_note(page, f"{said}\n\n{command} has the rest.")
            for identity, figure in figures.items():
                save_plotly_graph_object(page, figure, graph_object_id=identity)


_CAUTIONS = (
    "Best Trial on this page is the luckiest trial of the search, not the recommendation above.",
    "Hyperparameter Importance on this page mixes the families: a parameter that only some of them have is ranked over "
    "those trials alone, beside others that all have. The report ranks the parameters within each family.",
)


def _figures(study: StoredStudy, comparison: Comparison) -> Iterator[tuple[str, go.Figure]]:
    """Yield the figures by their names: the verdict, and every searched trial by its rate."""
    styled = study_styles(study)
    if rows := rivals(comparison):
        said = f"Paired differences to {label(str(comparison.preferred))}, simultaneous {comparison.level} intervals"
        yield "lrsearch-verdict", _on_its_own(rivals_figure(rows, comparison.settings, styled), said)
    elif pairs := headline(forest_data(comparison)):
        said = f"Paired differences, simultaneous {comparison.level} intervals"
        yield "lrsearch-verdict", _on_its_own(forest_figure(pairs, comparison.settings), said)
    if (panels := panels_data(study.trials, study.metric)) is not None:
        drawn = all_panels_figure(panels, study.metric, styled, height=_FRAME_PIXELS)
        yield "lrsearch-base-lr", _on_its_own(drawn, f"Validation {study.metric.title} by base_lr")


def _literal(text: str) -> str:
    """Return text that Markdown shows as it is: on one line, its signs written out."""
    return _escaped(plain(" ".join(text.split())))


def _escaped(text: str) -> str:
    return re.sub(r"([\\`*_{}\[\]<#&|~$!])", r"\\\1", text)


def _answer(comparison: Comparison) -> Iterator[str]:
    """Yield the four lines as Markdown: the first one and the labels bold, the names between backticks as code."""
    first, *others = comparison.lines
    yield f"**{_with_names(first)}**"
    for line in others:
        opening, _, rest = line.partition(":")
        yield f"**{_literal(opening)}:** {_with_names(rest.strip())}"


def _with_names(line: str) -> str:
    """Return text that Markdown shows as it is, what stands between backticks as code."""
    pieces = re.split(r"(`[^`]+`)", plain(" ".join(line.split())))
    return "".join(piece if place % 2 else _escaped(piece) for place, piece in enumerate(pieces))


def _on_its_own(figure: go.Figure, title: str) -> go.Figure:
    """Return a figure of the report with a title, in colours for any background, of the height that the page has."""
    # The buttons that the dashboard shows above every figure stand where a title would.
    below = {"yref": "container", "y": 1, "yanchor": "top", "pad": {"t": 42}}
    figure.update_layout(
        title={"text": title, "font": {"size": 14}, **below}, margin={"t": 92}, font={"color": NEUTRAL}
    )
    figure.update_layout(height=_FRAME_PIXELS)
    figure.update_xaxes(gridcolor=translucent(NEUTRAL, 0.25))
    return figure.update_yaxes(gridcolor=translucent(NEUTRAL, 0.25))


def _for_this_machine(application: Application) -> Application:
    """Return the application for requests to this machine's own names alone.

    Otherwise a page of another site could read the storage through a name of its own that leads here (DNS rebinding).
    """

    def guarded(environment: Environment, respond: Respond) -> Iterable[bytes]:
        if environment.get("HTTP_HOST", "").rpartition(":")[0].strip("[]") not in _THIS_MACHINE:
            respond("403 Forbidden", [("Content-Type", "text/plain")])
            return [b"This dashboard is for this machine alone: open it under the address that lrsearch printed.\n"]
        return application(environment, respond)

    return guarded


def make_dashboard(storage: BaseStorage, *, host: str, port: int, allow_edit: bool) -> WSGIServer:
    """Return a server, already listening, whose `serve_forever` serves the dashboard; port 0 takes any that is free.

    Raises:
        InputError: if it cannot listen on that address.
    """
    application = dashboard_application(storage, allow_edit=allow_edit)
    if host in _THIS_MACHINE:
        application = _for_this_machine(application)
    try:
        return make_server(host, port, application, server_class=_Server, handler_class=_Quiet)
    except (OSError, OverflowError) as error:
        raise InputError(f"cannot listen on {host}:{port} ({error}): choose another --host or --port") from error
