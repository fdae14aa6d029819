"""A headless Chromium, driven over the WebDriver protocol (https://www.w3.org/TR/webdriver2/) with the standard library."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
DRIVERS = ("chromedriver", "chromium.chromedriver")
QUIET = (
    "--headless", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--disable-dev-shm-usage", "--hide-scrollbars", "--window-size=1280,1000",
)  # fmt: skip


def find(names: tuple[str, ...]) -> str | None:
    return next((path for path in map(shutil.which, names) if path), None)


class Browser:
    """One session; every call is one HTTP request to the driver."""

    def __init__(self, address: str, session: str) -> None:
        self.address, self.session = address, session

    def call(self, path: str, body: dict[str, Any] | None = None) -> Any:
        return _request(f"{self.address}/session/{self.session}/{path}", body)

    def open(self, page: Path) -> None:
        self.call("url", {"url": page.as_uri()})

    def script(self, code: str, *arguments: Any) -> Any:
        """Run JavaScript; `arguments` are its arguments, what it returns comes back."""
        return self.call("execute/sync", {"script": code, "args": list(arguments)})

    def complaints(self) -> list[str]:
        """What the console got since it was last asked."""
        return [f"{entry['level']}: {entry['message']}" for entry in self.call("se/log", {"type": "browser"})]

    def emulate_dark(self, dark: bool) -> None:
        features = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.call("goog/cdp/execute", {"cmd": "Emulation.setEmulatedMedia", "params": {"features": features}})


def _request(url: str, body: dict[str, Any] | None, method: str = "") -> Any:
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method or None)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=60) as answer:
        return json.load(answer)["value"]


@contextlib.contextmanager
def browser(chromium: str, driver: str, profile: Path) -> Iterator[Browser]:
    """A browser with a fresh profile, ended with all its processes."""
    process = subprocess.Popen([driver, "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout is not None
        port = next(m.group(1) for m in (re.search(r"successfully on port (\d+)", line) for line in process.stdout) if m)
        address = f"http://127.0.0.1:{port}"
        root = ("--no-sandbox",) if os.geteuid() == 0 or os.environ.get("CI") else ()
        options = {"binary": chromium, "args": [*QUIET, *root, f"--user-data-dir={profile}"]}
        wanted = {"browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
        session = _request(f"{address}/session", {"capabilities": {"alwaysMatch": wanted}})["sessionId"]
        yield Browser(address, session)
        _request(f"{address}/session/{session}", None, "DELETE")
    finally:
        process.terminate()
        process.wait(timeout=20)
        if process.stdout is not None:
            process.stdout.close()
