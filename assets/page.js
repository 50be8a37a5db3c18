// Draws the page's widgets with no kernel and no network.
//
// Each widget's state lies in the page as JSON, its script and style in a file that the pages share
// (tools/book_site.py). This hosts them as the AFM specification asks (https://anywidget.dev/en/afm/):
// it imports each script once, gives it a model, and calls render where each view belongs. Two views
// of one widget share its model.

function createModel(state) {
  const listeners = new EventTarget();
  const wrapped = new Map();
  const names = (events) => events.split(/\s+/);
  return {
    get: (name) => state[name],
    set(name, value) {
      if (JSON.stringify(state[name]) === JSON.stringify(value)) return;
      state[name] = value;
      listeners.dispatchEvent(new CustomEvent(`change:${name}`, { detail: value }));
      listeners.dispatchEvent(new Event("change"));
    },
    on(events, callback) {
      const listener = (event) => callback(event, event.detail);
      wrapped.set(callback, listener);
      for (const name of names(events)) listeners.addEventListener(name, listener);
    },
    off(events, callback) {
      for (const name of names(events)) listeners.removeEventListener(name, wrapped.get(callback));
    },
    save_changes() {},
    send() {},
  };
}

/** Imports the script of a widget once, however many widgets are made from it. */
const imports = new Map();
function load(script) {
  if (!imports.has(script))
    imports.set(script, import(URL.createObjectURL(new Blob([script], { type: "text/javascript" }))));
  return imports.get(script);
}

const styles = new Set();
function addStyle(css) {
  if (!css || styles.has(css)) return;
  styles.add(css);
  const style = document.createElement("style");
  style.textContent = css;
  document.head.append(style);
}

/** The script and the style of a widget, once the file that holds them has arrived. */
async function shared(name) {
  const tag = document.querySelector(`script[src$="widgets/${name}.js"]`);
  if (!globalThis.widgetScripts?.[name]) await new Promise((done) => tag.addEventListener("load", done));
  return globalThis.widgetScripts[name];
}

async function draw() {
  const bundle = document.querySelector('script[type="application/vnd.jupyter.widget-state+json"]');
  if (!bundle) return;
  const states = JSON.parse(bundle.textContent).state;
  const models = new Map();
  for (const view of document.querySelectorAll('script[type="application/vnd.jupyter.widget-view+json"]')) {
    const id = JSON.parse(view.textContent).model_id;
    const { _shared: name, ...state } = states[id].state;
    const el = document.createElement("div");
    view.after(el);
    try {
      const [script, css] = await shared(name);
      if (!models.has(id)) models.set(id, createModel(state));
      addStyle(css);
      const { default: widget } = await load(script);
      await widget.render({ model: models.get(id), el });
    } catch (error) {
      el.textContent = `This widget could not be drawn: ${error.message}. It needs a browser of 2023 or later.`;
      console.error(error);
    }
  }
}

// What was opened once opens again without a network: assets/offline.js. From disk all is at hand anyway.
const root = new URL(document.documentElement.dataset.content_root, location);
const canKeep = "serviceWorker" in navigator && root.protocol !== "file:";

/** Keeps files of this site, six at a time. */
async function keep(addresses, progress = () => {}) {
  const cache = await caches.open("book");
  const all = new Set(addresses.filter((one) => one.startsWith(root.href))), todo = [...all];
  async function work() {
    for (let one = todo.pop(); one; one = todo.pop()) {
      const answer = await fetch(one);
      if (!answer.ok) throw new Error(`${one}: ${answer.status}`);
      await cache.delete(one, { ignoreSearch: true });
      await cache.put(one, answer);
      progress(all.size - todo.length, all.size);
    }
  }
  await Promise.all(Array.from({ length: 6 }, work));
}

/** On the first visit no worker has seen what the page asked for. */
async function keepThisPage() {
  const first = !navigator.serviceWorker.controller;
  await navigator.serviceWorker.register(new URL("offline.js", root));
  const loaded = performance.getEntriesByType("resource").map(({ name }) => name);
  if (first) await keep([location.href.split("#")[0], ...loaded]);
}

/** The button that keeps the whole book. */
async function offerToKeep(box) {
  const [button, status] = [box.querySelector("button"), box.querySelector("[role=status]")];
  const list = new URL("offline.json", root).href;
  const tell = () => (status.textContent = "The whole book is on this device, and opens here without a network.");
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      const files = await (await fetch(list)).json();
      await keep(["./", ...files].map((file) => new URL(file, root).href),
        (count, all) => (status.textContent = `${count} of ${all} files`));
      await keep([list]);
      tell();
    } catch (error) {
      status.textContent = `Not everything could be kept (${error.message}). Try again with a network.`;
    }
    button.disabled = false;
  });
  if (await caches.match(list)) tell();
  box.hidden = false;
}

function start() {
  draw();
  if (canKeep) document.querySelectorAll(".keep-offline").forEach(offerToKeep);
}

// As soon as the page is read: deferred scripts, such as the theme's icons, may take longer.
if (document.readyState === "loading") document.addEventListener("readystatechange", start, { once: true });
else start();
if (canKeep) {
  const late = () => keepThisPage().catch(() => {}); // a browser may forbid it: then nothing is kept
  if (document.readyState === "complete") late();
  else addEventListener("load", late);
}

// Paper is white, whatever the theme.
let screenTheme;
addEventListener("beforeprint", () => {
  screenTheme ??= document.documentElement.dataset.theme;
  document.documentElement.dataset.theme = "light";
});
addEventListener("afterprint", () => {
  document.documentElement.dataset.theme = screenTheme;
  screenTheme = undefined;
});
