"""Find a browser for the tests and the pictures; as a command, install those that are missing.

python -m tools.browser [chromium] [firefox] [webkit]; Chromium if none is named.
"""

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
# Without a sandbox, because root and containers have none; where a key scrolls, it is done at once;
# the rest keeps the browser itself from asking other hosts.
FLAGS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-smooth-scrolling",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
    "--no-first-run",
]
# No other host is found; a page is as wide as its window, as in the others; keys scroll at once.
PREFERENCES = {
    "network.dns.disabled": True,
    "ui.useOverlayScrollbars": 1,
    "general.smoothScroll": False,
}


def executable(playwright: Playwright, engine: str = "chromium") -> str | None:
    """Return the path of a browser that Playwright can drive, or None.

    For Chromium the system's comes first, for Firefox and WebKit Playwright's own. Debian's
    headless shell is the same engine without the rest of Chromium, and opens a page in little more
    than half the time.
    """
    own = getattr(playwright, engine).executable_path
    if engine == "chromium":
        names = ("chromium-headless-shell", "google-chrome", "chromium")
        found = [shutil.which(name) for name in names]
        # Ubuntu's snap cannot read the temporary profile that Playwright gives it.
        system = [p for p in found if p and os.path.basename(os.path.realpath(p)) != "snap"]
        candidates = [*system, *APPLICATIONS, own]
    else:
        debian = shutil.which("firefox-esr") if engine == "firefox" else None
        candidates = [own, *([debian] if debian else [])]
    return next((path for path in candidates if Path(path).exists()), None)


def launch(playwright: Playwright, engine: str = "chromium") -> Browser:
    """Start the browser that `executable` finds, without a window."""
    path = executable(playwright, engine)
    if path is None:
        raise FileNotFoundError(f"no browser: run `python -m tools.browser {engine}`")
    kind = getattr(playwright, engine)
    if engine == "chromium":
        return kind.launch(executable_path=path, args=FLAGS)
    if engine == "webkit":
        return kind.launch()
    channel = None if path == kind.executable_path else "moz-firefox"
    return kind.launch(channel=channel, executable_path=path, firefox_user_prefs=PREFERENCES)


def main() -> None:
    """Install Playwright's own of those engines for which there is no browser."""
    engines = sys.argv[1:] or ["chromium"]
    with sync_playwright() as playwright:
        missing = [engine for engine in engines if not executable(playwright, engine)]
    if shutil.which("WebKitWebDriver") and "webkit" in missing:
        missing.remove("webkit")  # tests/test_engines.py drives Debian's
    for engine in missing:
        print(f"There is no {engine}; installing Playwright's own.")
        libraries = [] if engine == "chromium" else ["--with-deps"]
        command = [sys.executable, "-m", "playwright", "install", *libraries, engine]
        if subprocess.run(command).returncode:
            sys.exit(
                f"{engine} could not be installed. Connect to the network, or install one yourself "
                "(Chrome or Chromium; on Debian firefox-esr, webkit2gtk-driver and xvfb)."
            )


if __name__ == "__main__":
    main()
