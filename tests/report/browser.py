"""A real browser for tests: Debian's chromium, spoken to through its debugging pipe; no driver, no port."""

from __future__ import annotations

import base64
import json
import os
import re
import select
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-sync",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--remote-debugging-pipe",
)
_PATIENCE_SECONDS = 90


@dataclass
class Visit:
    """What a page did: the addresses it asked for, what it wrote on the console as an error, and its answers."""

    requested: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    answers: dict[str, Any] = field(default_factory=dict)
    screenshot: bytes = b""


class Browser:
    """One chromium with a fresh profile; a context manager that ends it."""

    def __enter__(self) -> Browser:
        self._profile = tempfile.mkdtemp(prefix="lrsearch-browser-")
        read_commands, self._commands = os.pipe()
        self._answers, write_answers = os.pipe()

        def as_3_and_4() -> None:
            # The pipe's ends must be the file descriptors 3 and 4 of the child; they may hold other ends now.
            kept_read, kept_write = os.dup(read_commands), os.dup(write_answers)
            os.dup2(kept_read, 3)
            os.dup2(kept_write, 4)

        self._process = subprocess.Popen(
            [str(CHROMIUM), *_FLAGS, f"--user-data-dir={self._profile}", "about:blank"],
            preexec_fn=as_3_and_4,
            close_fds=False,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(read_commands)
        os.close(write_answers)
        self._number, self._buffer = 0, b""
        self._events: list[dict[str, Any]] = []
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._commands)
        os.close(self._answers)
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(20)
        shutil.rmtree(self._profile, ignore_errors=True)

    def visit(
        self,
        page: Path | str,
        questions: dict[str, str],
        *,
        ready: str = "true",
        width: int = 1200,
        dark: bool = False,
        height: int = 900,
        picture: bool = False,
    ) -> Visit:
        """Open a file or an address, wait for its load event, and evaluate JavaScript expressions, by name.

        Args:
            page: a file's path, or an address.
            questions: expressions by name; promises are waited for.
            ready: an expression that is asked again until it is true, for a page that is made by scripts.
            width, height: of the window, in pixels.
            dark: whether the reader prefers dark pages.
            picture: whether a screenshot is taken.
        """
        target = self._call("Target.createTarget", {"url": "about:blank"})["targetId"]
        session = self._call("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self._call(f"{domain}.enable", {}, session)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._call("Emulation.setEmulatedMedia", {"features": [scheme]}, session)
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self._call("Emulation.setDeviceMetricsOverride", metrics, session)
        self._events.clear()
        self._call("Page.navigate", {"url": page.resolve().as_uri() if isinstance(page, Path) else page}, session)
        self._wait_for("Page.loadEventFired")
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not self._ask(ready, session) and time.monotonic() < deadline:
            time.sleep(0.1)
        visit = Visit(answers={name: self._ask(expression, session) for name, expression in questions.items()})
        if picture:
            shot = self._call("Page.captureScreenshot", {}, session)
            visit.screenshot = base64.b64decode(shot["data"])
        for event in self._events:
            _read_event(event, visit)
        self._call("Target.closeTarget", {"targetId": target})
        return visit

    def printed_pages(self, page: Path, before: str = "true") -> int:
        """Return on how many sheets of A4 a file is printed, after an expression was evaluated."""
        target = self._call("Target.createTarget", {"url": "about:blank"})["targetId"]
        session = self._call("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
        self._call("Page.enable", {}, session)
        self._events.clear()
        self._call("Page.navigate", {"url": page.resolve().as_uri()}, session)
        self._wait_for("Page.loadEventFired")
        self._ask(f"{before}, new Promise(done => setTimeout(done, 500))", session)
        paper = {"paperWidth": 8.27, "paperHeight": 11.69, "preferCSSPageSize": True, "printBackground": True}
        printed = base64.b64decode(self._call("Page.printToPDF", paper, session)["data"])
        self._call("Target.closeTarget", {"targetId": target})
        return len(re.findall(rb"/Type\s*/Page\b", printed))

    def _ask(self, expression: str, session: str) -> Any:
        asked = {"expression": expression, "returnByValue": True, "awaitPromise": True}
        return self._call("Runtime.evaluate", asked, session)["result"].get("value")

    def _call(self, method: str, params: dict[str, Any], session: str | None = None) -> dict[str, Any]:
        self._number += 1
        message = {
            "id": self._number,
            "method": method,
            "params": params,
            **({"sessionId": session} if session else {}),
        }
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return dict(answer["result"])
            self._events.append(answer)

    def _wait_for(self, method: str) -> None:
        while not any(event.get("method") == method for event in self._events):
            self._events.append(self._next())

    def _next(self) -> dict[str, Any]:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._answers], [], [], max(deadline - time.monotonic(), 0))
            read = os.read(self._answers, 1 << 20) if ready else b""
            if not read:
                raise RuntimeError("chromium does not answer")
            self._buffer += read
        message, _, self._buffer = self._buffer.partition(b"\0")
        return dict(json.loads(message))


def _read_event(event: dict[str, Any], visit: Visit) -> None:
    """Enter what one event of the browser says into `visit`."""
    method, params = event.get("method"), event.get("params", {})
    if method == "Network.requestWillBeSent":
        visit.requested.append(params["request"]["url"])
    elif method == "Runtime.exceptionThrown":
        details = params["exceptionDetails"]
        visit.errors.append(details.get("exception", {}).get("description") or details["text"])
    elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
        visit.errors.append(" ".join(str(argument.get("value")) for argument in params["args"]))
    elif method == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
        visit.errors.append(params["entry"]["text"])
