// One widget on a page of its own, for a frame in another page: widget.html?in=CHAPTER#w1/CLASS/NUMBER/STATE
//
// Without ?in the widget is as Python makes it when nothing is given; STATE is what the link changes, and the rest as
// page.js draws it in a chapter. All comes as scripts: in a sandbox the page may fetch nothing, and keeps nothing.
{
  const asked = new URLSearchParams(location.search), { dataset } = document.documentElement;
  const [, name, number] = location.hash.match(/^#w\d+\/(\w+)\/(\d+)\//) ?? [];
  const chapter = asked.get("in") ?? "", main = document.querySelector("main"), footer = document.querySelector("footer");

  const dark = matchMedia("(prefers-color-scheme: dark)");
  const color = () => (dataset.theme = ["dark", "light"].includes(asked.get("theme")) ? asked.get("theme") : dark.matches ? "dark" : "light");
  dark.addEventListener("change", color);
  color();

  // The page around a frame hears how high this one is: {type: "cnnlib-height", height: pixels}.
  if (parent !== window)
    new ResizeObserver(() => parent.postMessage({ type: "cnnlib-height", height: Math.ceil(document.body.getBoundingClientRect().height) }, "*")).observe(document.body);

  function load(file) {
    const script = document.createElement("script");
    script.src = file;
    document.head.append(script);
    return new Promise((done, fail) => {
      script.addEventListener("load", done);
      script.addEventListener("error", fail);
    });
  }

  /** A script of this type, which page.js reads. */
  function data(type, content, attributes = {}) {
    const script = document.createElement("script");
    script.type = `application/vnd.jupyter.widget-${type}+json`;
    script.textContent = JSON.stringify(content);
    Object.assign(script.dataset, attributes);
    return script;
  }

  /** The way back. In a frame it opens beside the page around it, where that is allowed. */
  function wayBack({ page, title, book }) {
    const link = document.createElement("a");
    link.href = `${page}${chapter ? `#w1/${name}/${number}/` : ""}`;
    link.textContent = title;
    link.addEventListener("click", (event) => {
      const opened = parent !== window && open(link.href);
      if (opened) event.preventDefault();
    });
    footer.append("From ", link, title === book ? "" : ` in “${book}”`);
  }

  async function start() {
    if (!name) throw new Error("This page shows one widget of the book. Its address comes from the widget’s menu, “Embed this”.");
    const file = chapter ? `in_${chapter}` : name;
    if (/^\w+$/.test(file)) await load(`_static/widgets/alone/${file}.js`).catch(() => {});
    const found = globalThis.widgetScripts?.[`alone/${file}`];
    const [, model] = found?.widgets.filter(([one]) => one === name)[number - 1] ?? [];
    if (found) wayBack(found);
    if (!model) throw new Error(`The book has no widget ${name} ${number}${chapter ? ` in “${chapter}”` : ""}: this link may be of another version of it.`);
    document.title = `${name.replace(/([a-z])(?=[A-Z])/g, "$1 ")} from ${found.title}`;
    dataset.from = chapter;
    main.append(data("state", { state: { only: model } }), data("view", { model_id: "only" }, { number }));
    await load(document.querySelector("link[as=script]").href);
  }

  addEventListener("hashchange", () => location.hash.split("/").slice(0, 3).join() === `#w1,${name},${number}` || location.reload());
  start().catch(({ message = "A part of this page did not arrive. There may be no network." }) => {
    const words = document.createElement("p");
    words.setAttribute("role", "alert");
    words.textContent = message;
    main.append(words);
  });
}
