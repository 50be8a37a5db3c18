"""The book's own Sphinx extension: buttons, page descriptions, widgets, what is kept offline."""

import functools
import inspect
import json
import os
import re
import shutil
import subprocess
import zlib
from collections import Counter
from collections.abc import Callable
from hashlib import sha256
from html import escape, unescape
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote, unquote, urljoin

import ipywidgets
from docutils import nodes
from docutils.parsers.rst import directives
from jupyter_cache.executors.utils import single_nb_execution
from myst_nb.core.execute import direct
from PIL import Image
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.environment import BuildEnvironment
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.docutils import SphinxDirective
from traitlets import TraitError

from cnnlib import widgets
from cnnlib.widgets import links
from cnnlib.widgets.widget import STYLE, Widget, modules

ASSETS = Path(__file__).parents[1] / "assets"


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
    """Set what _config.yml cannot know: the repository."""
    config.executed_with = executed_with(Path(app.srcdir))
    # What _toc.yml leaves out is added to this list, and Sphinx would read and run all else again.
    excluded = config.values["exclude_patterns"]
    config.values["exclude_patterns"] = type(excluded)(excluded.default, "", excluded.valid_types)

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


def offer_slides(
    app: Sphinx, page: str, template: str, context: dict, doctree: nodes.document
) -> None:
    """Add the button that shows a chapter as slides, to those of the theme."""
    if context.get("page_source_suffix") == ".ipynb":
        slides = {"type": "javascript", "javascript": "location.hash = 'slides'"}
        looks = {"icon": "fas fa-person-chalkboard", "classes": "pst-navbar-icon"}
        names = {"tooltip": "Slides", "label": "slides-button"}
        context["header_buttons"].append(slides | looks | names)


# What Python says of an object that says nothing of itself, with the name of its class.
ADDRESS = re.compile(r"<[\w.<>]*?(\w+) object at 0x\w+>")
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
WIDGET_STATE = "application/vnd.jupyter.widget-state+json"
# The library's widgets, by the name that their states give them.
SHARED = {
    f"{one.__module__}.{one.__qualname__}": one
    for one in vars(widgets).values()
    if isinstance(one, type) and issubclass(one, Widget)
}


class WidgetText(SphinxPostTransform):
    """Put what a widget says of itself beside it, for a reader whose browser did not draw it."""

    default_priority = 3  # before MyST-NB chooses one form of each output
    formats = ("html",)

    def run(self, **kwargs: object) -> None:
        """Add the text to each view; assets/page.js removes it where it draws the widget."""
        for output in self.document.findall(nodes.container):
            if output.get("nb_element") != "mime_bundle":
                continue
            forms = {form["mime_type"]: form for form in output}
            if WIDGET_VIEW in forms and "text/plain" in forms:
                text = escape(ADDRESS.sub(r"\1", forms["text/plain"].astext()))
                note = "This is a widget. Until its script has run, it shows itself in words:"
                html = f'<div class="widget-text"><p>{note}</p><pre>{text}</pre></div>'
                forms[WIDGET_VIEW] += nodes.raw("", html, format="html")


SCRIPT = '<script async src="{}_static/widgets/{}.js?v=0" onload="{}" onerror="{}"></script>'
ENDED = "this.ended = true"


class Playable(SphinxDirective):
    """A widget in a page that is no notebook, written as in Python, and a picture of it.

    The picture stands where no script runs; elsewhere it is not even loaded.
    """

    required_arguments = 1
    final_argument_whitespace = True
    option_spec: ClassVar[dict] = {"picture": directives.path, "alt": directives.unchanged_required}

    def run(self) -> list[nodes.Node]:
        """Return the widget's state, its scripts and its view, as MyST-NB writes them."""
        code = " ".join(self.arguments[0].split())
        widget = eval(code, vars(widgets))
        names = [*widget._arguments(), "_anywidget_id"]
        state = {name: widget.get_state(name)[name] for name in names}
        bundle = json.dumps({"state": {code: {"state": state}}}).replace("<", "\\u003c")
        root = "../" * self.env.docname.count("/")
        scripts = [
            SCRIPT.format(root, name, ENDED, ENDED) for name in ("shared", type(widget).__name__)
        ]
        address = f"{root}_static/{self.options['picture']}"
        picture = f'<img src="{address}" alt="{escape(self.options["alt"])}" width="600"/>'
        html = (
            f'<div class="playable"><script type="{WIDGET_STATE}">{bundle}</script>'
            f'{"".join(scripts)}<script type="{WIDGET_VIEW}">{json.dumps({"model_id": code})}'
            f'</script><div class="widget-text"><noscript>{picture}</noscript></div></div>'
        )
        return [nodes.raw("", html, format="html")]


def share_widgets(app: Sphinx, page: str, template: str, context: dict, doctree: object) -> None:
    """Let the page load the scripts and styles that MyST-NB has written into each widget's state.

    A widget of another library keeps them in its state. In JSON `<` may be written as a number;
    as a sign, a label that holds `<!-- <script>` would swallow the rest of the page.
    """
    if app.builder.name != "html":
        return
    bundles = [
        file for file in context["script_files"] if file.attributes.get("type") == WIDGET_STATE
    ]
    for bundle in bundles:
        content = json.loads(bundle.attributes["body"])
        for model in content["state"].values():
            if widget := SHARED.get(model["state"].get("_anywidget_id")):
                del model["state"]["_esm"], model["state"]["_css"]
                for name in ("shared", widget.__name__):
                    app.add_js_file(
                        f"widgets/{name}.js", loading_method="async", onload=ENDED, onerror=ENDED
                    )
        bundle.attributes["body"] = json.dumps(content).replace("<", "\\u003c")


def widget_files() -> dict[str, tuple[str, str | dict]]:
    """Return the script and the style of each of the library's widgets, without what they share.

    What more than one is built of is in "shared": a page loads it once, and the next page not at
    all. Each script is a function: that of "shared" gives an object of the shared modules by their
    names, and that of a widget takes it and gives what its module exports.
    """
    # With the links comes what each class lets a link hold, where others have their style.
    known = {one.__name__: one for one in SHARED.values()}
    held = {
        n: {"traits": links.schemas(one), "left": links.left_out(one)} for n, one in known.items()
    }
    parts = {name: modules(STYLE.with_name(f"{name}.js")) for name in ("links", "slides")}
    styles = {"shared": STYLE.read_text("utf-8"), "links": held}
    styles["slides"] = STYLE.with_name("slides.css").read_text("utf-8")
    for widget in SHARED.values():
        path = Path(inspect.getfile(widget))
        parts[widget.__name__] = modules(path.with_suffix(".js"))
        style = path.with_suffix(".css")
        styles[widget.__name__] = style.read_text("utf-8") if style.exists() else ""
    count = Counter(name for of_one in parts.values() for name in of_one if name)
    shared, scripts = {}, {"shared": ""}
    for widget, of_one in parts.items():
        names = [name for name in of_one if count[name] > 1]
        shared |= {name: of_one[name] for name in names}
        own = "\n".join(text for name, text in of_one.items() if name not in names)
        own = own.replace("\nexport default ", "\nreturn ")
        scripts[widget] = f"({{ {', '.join(names)} }}) => {{\n{own}}}"
    scripts["shared"] = f"() => {{\n{''.join(shared.values())}return {{ {', '.join(shared)} }};\n}}"
    return {name: (script, styles[name]) for name, script in scripts.items()}


def write_widgets(site: Path) -> None:
    """Write the script and the style of each of the library's widgets to a file of its own.

    No file is a module, because a page that was opened from disk may load a script, but may not
    import; and what a browser loads as a script it reads beside the page, and keeps as read.
    """
    folder = site / "_static" / "widgets"
    folder.mkdir(parents=True, exist_ok=True)
    files = widget_files()
    for name, (script, style) in files.items():
        style = json.dumps(style, separators=(",", ":"))
        text = f"(globalThis.widgetScripts ??= {{}}).{name} = [{script}, {style}];\n"
        (folder / f"{name}.js").write_text(text, "utf-8")
    for file in folder.glob("*.js"):  # of a build before this one
        if file.stem not in files:
            file.unlink()


LOADED = re.compile(r"(_static/[\w./-]+)\?v=\w+")


STATE = re.compile(rf'(<script type="{re.escape(WIDGET_STATE)}">)(.*?)(</script>)', re.DOTALL)
LARGE = 15_000  # letters of a state's part that lies in a file of its own
# What ipywidgets give to every widget, and no page asks for.
UNUSED = set(ipywidgets.DOMWidget.class_trait_names(sync=True))


def share_states(site: Path) -> None:
    """Take out of the pages what is large in their widgets' states, and what is of no use there.

    What is large, a network's weights say, goes into a file that is named by its content: pages
    share it, and a page is read before it has come. It is a script, as `write_widgets` says.
    """
    folder = site / "_static" / "widgets" / "parts"
    folder.mkdir(parents=True, exist_ok=True)
    named, pages = set(), {}

    def light(model: dict) -> dict:
        """A widget's model without what is large or of no use."""
        state, files = model["state"], model.get("files", {})
        own = state.get("_anywidget_id") in SHARED
        for trait in list(state):
            text = json.dumps(state[trait], separators=(",", ":"))
            if own and trait in UNUSED:
                del state[trait]
            elif len(text) > LARGE and trait != "_esm":
                files[trait] = name = f"parts/{sha256(text.encode()).hexdigest()[:12]}"
                script = f'(globalThis.widgetScripts ??= {{}})["{name}"] = {text};\n'
                (folder.parent / f"{name}.js").write_text(script, "utf-8")
                del state[trait]
        named.update(files.values())
        return {"state": state, "files": files} if files else {"state": state}

    def lighten(bundle: re.Match) -> str:
        models = json.loads(bundle[2])["state"].items()
        kept = [(key, one) for key, one in models if one.get("model_module") != BASE]
        text = json.dumps({"state": {key: light(one) for key, one in kept}}, separators=(",", ":"))
        return bundle[1] + text.replace("<", "\\u003c") + bundle[3]

    for page in site.rglob("*.html"):
        text = page.read_text("utf-8")
        new = STATE.sub(lighten, text)
        if new != text:
            page.write_text(new, "utf-8")
        if found := STATE.search(new):
            pages[page] = shown(new, json.loads(found[2])["state"])
    write_alone(site, pages, light)
    for file in folder.iterdir():
        if f"parts/{file.stem}" not in named:
            file.unlink()


BASE = "@jupyter-widgets/base"
VIEW = re.compile(rf'<script type="{re.escape(WIDGET_VIEW)}">(.*?)</script>')
TITLE = re.compile(r"<title>(?:[\d.]+ )?(.*?)(?: &#8212; (.*))?</title>")


def shown(text: str, models: dict[str, dict]) -> dict:
    """What the page with one widget knows of a page: its title, the book's, and its widgets."""
    ids = [json.loads(view)["model_id"] for view in VIEW.findall(text)]
    there = [models[one] for one in ids if one in models]
    own = [(SHARED.get(one["state"].get("_anywidget_id")), one) for one in there]
    title, book = found.groups() if (found := TITLE.search(text)) else ("", "")
    widgets = [[kind.__name__, one] for kind, one in own if kind]
    return {"title": unescape(title), "book": unescape(book or title), "widgets": widgets}


def write_alone(site: Path, pages: dict[Path, dict], light: Callable[[dict], dict]) -> None:
    """Write the page that shows one widget alone, and what it may show.

    That is any widget of any page, and each class as it is when Python gives it nothing; where it
    has to be given something, as in the first page that has one. They are scripts, because a page
    in a frame that is cut off from its site may load no other file.
    """
    folder = site / "_static" / "widgets" / "alone"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    files, first, toc = {}, {}, (ASSETS.parent / "_toc.yml").read_text("utf-8")
    for page, has in sorted(pages.items(), key=lambda item: toc.find(f"{item[0].stem}\n")):
        has["page"] = page.relative_to(site).as_posix()
        files[f"in_{page.stem}"] = has
        for name, model in has["widgets"]:
            first.setdefault(name, has | {"widgets": [[name, model]]})
    for kind in SHARED.values():
        name = kind.__name__
        if name not in first:
            continue
        try:
            made = kind()
        except (TypeError, TraitError):
            pass
        else:
            names = [*kind._arguments(), "_anywidget_id"]
            state = {one: made.get_state(one)[one] for one in names if made.has_trait(one)}
            first[name] |= {"widgets": [[name, light(json.loads(json.dumps({"state": state})))]]}
        files[name] = first[name]
    for name, content in files.items():
        text = json.dumps(content, separators=(",", ":"))
        script = f'(globalThis.widgetScripts ??= {{}})["alone/{name}"] = {text};\n'
        (folder / f"{name}.js").write_text(script, "utf-8")
    shutil.copy(ASSETS / "widget.html", site)


def stamp(site: Path) -> None:
    """Name the content of each script and style in the pages that load it, as Sphinx does: ?v=.

    And what the theme and Sphinx leave unnamed there.
    """

    @functools.cache
    def stamped(path: str) -> str:
        content = (site / path).read_bytes().replace(b"\r", b"")
        return f"{path}?v={zlib.crc32(content):08x}"

    for page in site.rglob("*.html"):
        text = page.read_text("utf-8")
        new = name_parts(LOADED.sub(lambda found: stamped(found[1]), text))
        if new != text:
            page.write_text(new, "utf-8")


# Sphinx writes the parameters of a long signature as a list of terms without a term.
PARAMETERS = re.compile(r"<dl>\n((?:<dd>.*</dd>\n)+)</dl>")
SIDEBAR = '<div id="pst-primary-sidebar" class='


def name_parts(text: str) -> str:
    """Make of a page one whose parts are what they are, for those who hear it."""
    lines = '<span class="sig-line">', "</span>"
    text = PARAMETERS.sub(
        lambda found: re.sub(r"<(/?)dd>", lambda end: lines[bool(end[1])], found[1]), text
    )
    text = text.replace('role="doc-biblioentry"', 'role="listitem"')  # given up by DPUB-ARIA 1.1
    # The theme leaves the logo and the search outside of all landmarks.
    return text.replace(
        SIDEBAR, SIDEBAR.replace(" class", ' role="navigation" aria-label="Book" class')
    )


REFERENCES = re.compile(r"""(?:src|href)="([^"#?:]+)(\?[^"#]*)?|url\(["']?([^"'#?:)]+)""")


def list_for_offline(site: Path) -> None:
    """Write offline.json: what a reader needs to keep the whole book, as pages name it.

    That is all pages, but not the pages of the library's source, and all files that they name.
    """
    site = site.resolve()
    # The menu of the page of results leads to all the others.
    todo = [(site / f"{page}.html", "") for page in ("index", "search", "genindex", "widget")]
    needed = set(todo)
    while todo:
        file, _ = todo.pop()
        if file.suffix not in (".html", ".css"):
            continue
        for name, version, by_style in set(REFERENCES.findall(file.read_text("utf-8"))):
            other = Path(os.path.normpath(file.parent / unquote(name or by_style)))
            one = (other, version)
            left_out = other.suffix == ".ipynb" or other.name in BOOKS
            if one in needed or site not in other.parents or left_out:
                continue
            if other.is_file() and "_modules" not in other.parts:
                needed.add(one)
                todo.append(one)
    python = python_files(site, [file for file, _ in needed if file.suffix == ".html"])
    needed |= python | asked_for(site)
    paths = sorted(quote(file.relative_to(site).as_posix()) + version for file, version in needed)
    (site / "offline.json").write_text(json.dumps(paths), "utf-8")
    size = sum(file.stat().st_size for file, _ in needed) / 1e6
    told = f"({size:.0f} MB{', Python among them' if python else ''})"
    for page in [file for file, _ in needed if file.suffix == ".html"]:
        text = page.read_text("utf-8")
        if (new := KEEP_SIZE.sub(rf"\g<1>{told}", text)) != text:
            page.write_text(new, "utf-8")


KEEP_SIZE = re.compile(r'(class="keep-size">)[^<]*')
PYTHON = re.compile(r'"([^"]*_static/python/[^"?]+)(\?v=\w+)"')


def asked_for(site: Path) -> set[tuple[Path, str]]:
    """The scripts that page.js and alone.js ask for, and no page names, as they ask for them."""
    folder = site / "_static" / "widgets"
    alone = {(file, "") for file in (folder / "alone").iterdir()}
    alone |= {(folder / f"{name}.js", "") for name in ("links", "slides")}
    return alone | {(f, "?v=0") for f in (folder / "parts").iterdir()}


def python_files(site: Path, pages: list[Path]) -> set[tuple[Path, str]]:
    """The files of Python in the page, as the pages and the manifest name them."""
    found = set()
    for page in pages:
        for name, version in PYTHON.findall(page.read_text("utf-8")):
            found.add((Path(os.path.normpath(page.parent / name)), version))
    for file in [file for file, _ in found if file.name == "manifest.json"]:
        manifest = json.loads(file.read_text("utf-8"))
        if manifest["from"]:  # another host's files are not kept
            continue
        found |= {(one, "") for one in (file.parent / manifest["core"]).iterdir()}
        for addresses in manifest["packages"].values():
            names = [address.partition("?") for address in addresses]
            found |= {(file.parent / name, f"?{version}") for name, _, version in names}
    return found


# What tools/paper.py makes of the pages, and for whom.
BOOKS = {
    "cnn-book.pdf": "the book as a PDF, to print",
    "cnn-book.epub": "as an EPUB, for e-readers",
    "cnn-book.zip": "all pages in one archive, to be opened from a folder",
}
OFFER = re.compile(r'(<p class="take-along")[^>]*>.*?(</p>)', re.DOTALL)


def offer_books(site: Path) -> None:
    """Offer on the first page those of the books that lie in the site, with their sizes."""
    links = [
        f'<a href="{name}" download>{words}</a> ({(site / name).stat().st_size / 1e6:.1f} MB)'
        for name, words in BOOKS.items()
        if (site / name).exists()
    ]
    offer = rf"\1>To take along: {', '.join(links)}.\2" if links else r"\1 hidden>\2"
    for page in site.glob("*.html"):
        text = page.read_text("utf-8")
        if (new := OFFER.sub(offer, text)) != text:
            page.write_text(new, "utf-8")


def refresh(root: Path) -> None:
    """Put the scripts and styles as they are now into pages that are built."""
    site, assets = root / "_build" / "html", root / "assets"
    for file in (*assets.glob("*.js"), *assets.glob("*.css")):
        shutil.copy(file, site / "_static")
    shutil.copy(assets / "offline.js", site)
    if (python := site / "_static" / "python").exists():
        for file in (assets / "python").glob("*.js"):
            shutil.copy(file, python)
    write_widgets(site)
    share_states(site)
    stamp(site)
    offer_books(site)
    list_for_offline(site)


def executed_with(root: Path) -> str:
    """A digest of all files, but a chapter's own, that decide what its cells print."""
    kept = ("jpg", "json", "safetensors")
    patterns = ("cnnlib/**/*.py", *(f"assets/*.{one}" for one in kept), "tools/book_*.py")
    files = [file for pattern in patterns for file in sorted(root.glob(pattern))]
    files += root.glob("requirements.txt")
    of_page = "book_python.py", "cells.json"  # what is done in a page alone
    files = [file for file in files if file.name not in of_page]
    parts = [str(file.relative_to(root)).encode() + file.read_bytes() for file in files]
    return sha256(b"".join(parts)).hexdigest()


def compress_images(app: Sphinx) -> None:
    """Give the figures a palette of 256 colors: a third of the bytes, and no eye sees it."""
    for path in (Path(app.outdir) / "_images").glob("*.png"):
        with Image.open(path) as image:
            if image.mode != "P":
                image.convert("RGBA").quantize(256).save(path, optimize=True)


def prepare(app: Sphinx) -> None:
    """Write the widgets' files first: a page that names one names its content."""
    if app.builder.name == "html":
        write_widgets(Path(app.outdir))


def note_read(app: Sphinx, env: BuildEnvironment, names: list[str]) -> None:
    """Keep in mind which pages are read in this build."""
    app.read_now = set(names)


def finish(app: Sphinx, exception: Exception | None) -> None:
    """Do what needs the finished pages; after a warning, have what was read now read again."""
    if exception or app._warncount:  # else the next build would keep the fault and say nothing
        for name in getattr(app, "read_now", ()):
            Path(app.doctreedir, f"{name}.doctree").unlink(missing_ok=True)
    if not exception and app.builder.name == "html":
        compress_images(app)
        share_states(Path(app.outdir))
        stamp(Path(app.outdir))
        offer_books(Path(app.outdir))
        list_for_offline(Path(app.outdir))


BEGIN = """{
  const { dataset, classList } = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  if (dataset.mode === "auto") dataset.theme = dark ? "dark" : "light";
  classList.add("arriving");
  addEventListener("load", () => classList.remove("arriving"));
}"""


def setup(app: Sphinx) -> dict:
    """Register the extension."""
    # One print may come in pieces, cut by chance; joined by MyST-NB, each would begin a line. And a
    # kernel that has printed all is of no more use, and takes its time when asked to end.
    direct.single_nb_execution = functools.partial(
        single_nb_execution, coalesce_streams=True, shutdown_kernel="immediate"
    )
    # Jupyter Book sets this value of sphinx_comments whether or not it is loaded.
    app.add_config_value("comments_config", {}, "html")
    # From disk a script may not read the pages it found, so the results come without excerpts.
    no_excerpts = 'if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = 0'
    app.add_js_file(None, body=no_excerpts)
    # The theme would choose between light and dark when all is read, and have all drawn anew.
    app.add_js_file(None, body=BEGIN, priority=100)
    app.add_post_transform(WidgetText)
    app.add_directive("playable", Playable)
    app.connect("config-inited", configure)
    app.connect("html-page-context", describe)
    app.connect("html-page-context", offer_slides, priority=502)  # after the theme's buttons
    app.connect("html-page-context", share_widgets, priority=900)  # after MyST-NB
    app.connect("builder-inited", prepare)
    # When it changes, Sphinx reads, and so runs, every chapter; else only those that changed.
    app.add_config_value("executed_with", "", "env")
    app.connect("env-before-read-docs", note_read)
    app.connect("build-finished", finish, priority=700)  # after tools/book_files.py
    return {"parallel_read_safe": True, "parallel_write_safe": True}


if __name__ == "__main__":
    refresh(Path(__file__).parents[1])
