"""Find a Chromium for the tests and the screenshot; as a command, install one where none is."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import Browser, Playwright, sync_playwright

APPLICATIONS = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
# Without a sandbox, because root and containers have none; the rest keeps the browser itself
# from asking other hosts.
FLAGS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
    "--no-first-run",
]


def executable(playwright: Playwright) -> str | None:
    """Return the system's Chromium or Chrome, else Playwright's own, else None.

    Debian's headless shell comes first: it is the same engine without the rest of the browser, and
    opens a page in little more than half the time.
    """
    names = ("chromium-headless-shell", "google-chrome", "chromium")
    found = [shutil.which(name) for name in names]
    # Ubuntu's snap cannot read the temporary profile that Playwright gives it.
    system = [path for path in found if path and os.path.basename(os.path.realpath(path)) != "snap"]
    candidates = [*system, *APPLICATIONS, playwright.chromium.executable_path]
    return next((path for path in candidates if Path(path).exists()), None)


def launch(playwright: Playwright) -> Browser:
    """Start the browser that `executable` finds, without a window."""
    path = executable(playwright)
    if path is None:
        raise FileNotFoundError("no Chrome or Chromium: run `python -m tools.browser`")
    return playwright.chromium.launch(executable_path=path, args=FLAGS)


def main() -> None:
    """Install Playwright's Chromium unless there is a browser."""
    with sync_playwright() as playwright:
        if executable(playwright):
            return
    print("There is no Chrome or Chromium; installing Playwright's own.")
    command = [sys.executable, "-m", "playwright", "install", "chromium"]
    if subprocess.run(command).returncode:
        sys.exit(
            "The browser could not be installed. Connect to the network, or install Chrome "
            "or Chromium yourself, and run make again."
        )


if __name__ == "__main__":
    main()
