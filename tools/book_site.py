"""The book's own Sphinx extension: MathJax from the site itself, buttons, page descriptions."""

import json
import os
import re
import subprocess
from hashlib import sha256
from html import escape
from importlib.metadata import distribution
from pathlib import Path
from urllib.parse import quote, unquote, urljoin

from docutils import nodes
from PIL import Image
from sphinx.application import Sphinx
from sphinx.config import Config


def repository_url() -> str:
    """Return the address of the repository that the book is built from, or "" if it has none.

    GitHub Actions names it in GITHUB_REPOSITORY; elsewhere it is the git remote `origin`.
    Only the hosts that the theme knows count; user names and tokens are dropped.
    """
    if name := os.environ.get("GITHUB_REPOSITORY"):
        return f"{os.environ.get('GITHUB_SERVER_URL', 'https://github.com')}/{name}"
    command = ["git", "-C", str(Path(__file__).parent), "remote", "get-url", "origin"]
    try:
        origin = subprocess.run(command, capture_output=True, text=True).stdout.strip()
    except FileNotFoundError:  # the book may be built from an archive, on a machine without git
        return ""
    pattern = (
        r"(?:\w+://)?(?:[^@/]+@)?((?:github|gitlab)\.com)(?::\d+)?[:/]([^/]+/[^/]+?)(?:\.git)?/?"
    )
    match = re.fullmatch(pattern, origin)
    return f"https://{match[1]}/{match[2]}" if match else ""


def configure(app: Sphinx, config: Config) -> None:
    """Set what _config.yml cannot know: where MathJax lies, and the repository."""
    # One self-contained file, copied from the installed package. It must not lie in a static
    # folder of the project: it would be committed.
    files = distribution("sphinx-mathjax-offline").files or []
    mathjax = next(file for file in files if file.match("static/mathjax/tex-svg.js"))
    config.html_extra_path = [*config.html_extra_path, str(mathjax.locate())]
    config.mathjax_path = "../tex-svg.js"  # relative to _static

    url = repository_url()
    options = config.html_theme_options
    options["repository_url"] = url
    options["use_repository_button"] = options["use_issues_button"] = bool(url)
    if not url.startswith("https://github.com/"):  # Colab opens nothing else
        options["launch_buttons"] = {}

    # These do not say whether pages may be read side by side. They may: the first numbers pages
    # when all are read, the second has to do with PDF alone.
    for name in ("sphinx_multitoc_numbering", "sphinx_jupyterbook_latex"):
        app.extensions[name].parallel_read_safe = True

    # Social cards need absolute addresses, which only the publisher knows.
    config.html_baseurl = os.environ.get("BOOK_URL", "")


def describe(app: Sphinx, page: str, template: str, context: dict, doctree: nodes.document) -> None:
    """Add the page's description and social card, made of its title and first paragraph."""
    if doctree is None:
        return
    paragraph = next(doctree.findall(nodes.paragraph), None)
    description = " ".join(paragraph.astext().split()) if paragraph else app.config.html_title
    if len(description) > 200:
        description = description[:200].rsplit(" ", 1)[0] + " …"
    tags = {
        "og:title": next(doctree.findall(nodes.title)).astext(),
        "og:type": "website" if page == app.config.root_doc else "article",
        "og:site_name": app.config.html_title,
        "og:description": description,
        "twitter:card": "summary_large_image",
    }
    if base := app.config.html_baseurl:
        tags["og:url"] = urljoin(base, f"{page}.html")
        tags["og:image"] = urljoin(base, "_static/sliding-kernel.png")
        tags["og:image:alt"] = "A 3x3 kernel on a 6x6 image, and the sum of its products."
    tags = {"description": description, **tags}
    context["metatags"] += "".join(
        f'<meta {"name" if ":" not in name else "property"}="{name}" content="{escape(value)}" />\n'
        for name, value in tags.items()
    )


WIDGETS = re.compile(
    r'<script type="application/vnd.jupyter.widget-state\+json">(.*?)</script>', re.DOTALL
)


def share_widgets(app: Sphinx, exception: Exception | None) -> None:
    """Move the widgets' scripts and styles from the pages into files that a browser keeps.

    MyST-NB writes them into every page, once for each widget. A file holds them as strings,
    because a page that was opened from disk may load a script, but may not import a module.
    """
    if exception:  # there may be no pages
        return
    folder = Path(app.outdir) / "_static" / "widgets"
    folder.mkdir(exist_ok=True)
    used = set()
    for page in Path(app.outdir).rglob("*.html"):
        text = page.read_text("utf-8")
        used.update(re.findall(r"_static/widgets/(\w+\.js)", text))
        match = WIDGETS.search(text)
        if not match:
            continue
        page_state = json.loads(match[1])
        names = []
        for model in page_state["state"].values():
            if "_esm" not in model["state"]:  # a layout, or a page that was done before
                continue
            parts = json.dumps([model["state"].pop(key) for key in ("_esm", "_css")])
            name = sha256(parts.encode()).hexdigest()[:16]
            model["state"]["_shared"] = name
            (folder / f"{name}.js").write_text(
                f"(globalThis.widgetScripts ??= {{}})[{name!r}] = {parts};\n", "utf-8"
            )
            names.append(name)
        if names:
            root = "../" * len(page.relative_to(app.outdir).parents[:-1])
            tags = "".join(
                f'<script async src="{root}_static/widgets/{name}.js"></script>\n'
                for name in dict.fromkeys(names)
            )
            body = match[0].replace(match[1], json.dumps(page_state).replace("</", "<\\/"))
            page.write_text(text.replace(match[0], tags + body), "utf-8")
        used.update(f"{name}.js" for name in names)
    for file in folder.iterdir():  # of a build before this one
        if file.name not in used:
            file.unlink()


REFERENCES = re.compile(r"""(?:src|href)="([^"#?:]+)|url\(["']?([^"'#?:)]+)""")


def list_for_offline(app: Sphinx, exception: Exception | None) -> None:
    """Write offline.json: what a reader needs to keep the whole book, as paths in the site.

    That is all pages, but not the pages of the library's source, and all files that they name.
    """
    if exception:
        return
    site = Path(app.outdir).resolve()
    todo = [site / f"{page}.html" for page in (*app.env.found_docs, "index", "search", "genindex")]
    needed = set(todo)
    while todo:
        file = todo.pop()
        if file.suffix not in (".html", ".css"):
            continue
        for references in REFERENCES.findall(file.read_text("utf-8")):
            other = (file.parent / unquote("".join(references))).resolve()
            own = other.is_file() and site in other.parents and other.suffix != ".ipynb"
            if own and other not in needed and "_modules" not in other.parts:
                needed.add(other)
                todo.append(other)
    paths = sorted(quote(file.relative_to(site).as_posix()) for file in needed)
    (site / "offline.json").write_text(json.dumps(paths), "utf-8")


def compress_images(app: Sphinx, exception: Exception | None) -> None:
    """Give the figures a palette of 256 colors: a third of the bytes, and no eye sees it."""
    for path in (Path(app.outdir) / "_images").glob("*.png"):
        with Image.open(path) as image:
            if image.mode != "P":
                image.convert("RGBA").quantize(256).save(path, optimize=True)


def setup(app: Sphinx) -> dict:
    """Register the extension."""
    # Jupyter Book sets this value of sphinx_comments whether or not it is loaded.
    app.add_config_value("comments_config", {}, "html")
    # From disk a script may not read the pages it found, so the results come without excerpts.
    no_excerpts = 'if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = 0'
    app.add_js_file(None, body=no_excerpts)
    app.connect("config-inited", configure)
    app.connect("html-page-context", describe)
    app.connect("build-finished", share_widgets)
    app.connect("build-finished", compress_images)
    app.connect("build-finished", list_for_offline)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
