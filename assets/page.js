// Draws the page's widgets with no kernel and no network.
//
// Each widget's state lies in the page as JSON, but for what is large in it: that, and the widget's script and
// style, lie in files that the pages share (tools/book_site.py); or all is in the state itself. Until it is
// drawn, its text stands in its place. This hosts them as the AFM specification asks
// (https://anywidget.dev/en/afm/): it imports each script once, gives it a model, and calls render where each
// view belongs. Two views of one widget share its model.

// Where Python has made the widget, in this page, `sendChanges` takes what the page changes.
function createModel(state, sendChanges = () => {}) {
  const listeners = new EventTarget();
  const wrapped = new Map(), changed = new Set();
  const names = (events) => events.split(/\s+/);
  const put = (name, value) => {
    if (JSON.stringify(state[name]) === JSON.stringify(value)) return false;
    state[name] = value;
    listeners.dispatchEvent(new CustomEvent(`change:${name}`, { detail: value }));
    listeners.dispatchEvent(new Event("change"));
    return true;
  };
  return {
    get: (name) => state[name],
    set(name, value) {
      if (put(name, value)) changed.add(name);
    },
    receive(update) {
      for (const [name, value] of Object.entries(update)) put(name, value);
    },
    on(events, callback) {
      const listener = (event) => callback(event, event.detail);
      wrapped.set(callback, listener);
      for (const name of names(events)) listeners.addEventListener(name, listener);
    },
    off(events, callback) {
      for (const name of names(events)) listeners.removeEventListener(name, wrapped.get(callback));
    },
    save_changes() {
      if (changed.size) sendChanges(Object.fromEntries([...changed].map((name) => [name, state[name]])));
      changed.clear();
    },
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

function addStyle(css) {
  const there = [...document.head.querySelectorAll("style")];
  if (!css || there.some((style) => style.textContent === css)) return;
  const style = document.createElement("style");
  style.textContent = css;
  document.head.append(style);
}

/** Waits for the file that holds a widget's script and style, or a large part of states; loads it again if it did not come. */
const files = new Map();
function fetched(name, version = "") {
  if (!files.has(name)) {
    const file = fetchFile(name, version);
    file.catch(() => files.delete(name));
    files.set(name, file);
  }
  return files.get(name);
}

const addressOf = (name, version = "") => new URL(`_static/widgets/${name}.js${version}`, root).href;

async function fetchFile(name, version) {
  const found = () => globalThis.widgetScripts?.[name];
  let tag = document.querySelector(`script[src*="widgets/${name}.js"]`);
  if (!tag) { // a part of states, or a widget that a reader's own code has made
    tag = document.createElement("script");
    tag.src = addressOf(name, version);
    document.head.append(tag);
  }
  if (!found() && tag.ended) {
    const again = document.createElement("script");
    again.src = tag.src;
    tag.replaceWith(again);
    tag = again;
  }
  if (!found()) {
    const arrived = await new Promise((done) => {
      tag.addEventListener("load", () => done(true));
      tag.addEventListener("error", () => done(false));
    });
    tag.ended = true;
    if (!arrived) throw new Error(`its script ${name}.js did not arrive: there may be no network`);
  }
  if (!found()) throw new Error(`${name}.js arrived, but not as the script of this widget`);
  return found();
}

/** Loads the file again when it is asked for again, because what came was of no use. */
function forget(name) {
  files.delete(name);
  made.delete(name);
  delete globalThis.widgetScripts[name];
  document.querySelector(`script[src*="widgets/${name}.js"]`).ended = true;
}

/** Makes one of the library's widgets, and what several are built of, each once. */
const made = new Map();
async function ofLibrary(name) {
  const [[makeShared, base], [make, css]] = await Promise.all([fetched("shared"), fetched(name)]);
  try {
    if (!made.has("shared")) made.set("shared", makeShared());
    if (!made.has(name)) made.set(name, make(made.get("shared")));
  } catch (error) {
    forget(name);
    if (!made.has("shared")) forget("shared");
    throw new Error(`its script could not be read: ${error.message}`);
  }
  addStyle(base);
  return [made.get(name), css];
}

/** Makes a widget that holds its script in its state. */
async function ofState({ _esm, _css }) {
  const { default: widget } = await load(_esm).catch((error) => {
    imports.delete(_esm);
    throw new Error(`its script could not be read: ${error.message}`);
  });
  return [widget, _css];
}

/** Widgets are drawn one by one, the first at once. Between two of them the page shows it, and answers the reader. */
let last = null, endPause, forPaper = false;
function turn() {
  const before = last;
  last = Promise.resolve(before).then(() => forPaper || new Promise((done) => {
    endPause = done;
    if (before) return setTimeout(done);
    requestAnimationFrame(() => setTimeout(done));
    setTimeout(done, 100); // a page in the background has no frames
  }));
  return before;
}

/** What is far from the screen waits until a reader comes near, or the page has arrived, or is printed. */
const far = new Map();
const sight = new IntersectionObserver((seen) => {
  for (const { isIntersecting, target } of seen) if (isIntersecting) come(target);
}, { rootMargin: "100%" });
function nearness(place) {
  return new Promise((done) => {
    far.set(place, done);
    sight.observe(place);
  });
}
function come(place) {
  sight.unobserve(place);
  far.get(place)?.();
  far.delete(place);
}
const comeAll = () => [...far.keys()].forEach(come);

const nameOf = (state) => state._anywidget_id.split(".").pop();

async function drawModel(model, state, el, ready = () => {}) {
  const name = state._esm ? null : nameOf(state);
  const [widget, css] = await (name ? ofLibrary(name) : ofState(state));
  try {
    if (!widget?.render) throw new Error("its script exports no render");
    addStyle(css);
    await ready();
    return await widget.render({ model, el });
  } catch (error) {
    if (name) forget(name);
    throw error;
  }
}

/** Whether the browser lacks what the widgets' scripts and styles are written with. */
const old = () => !Array.prototype.findLast || !CSS.supports("color", "color-mix(in srgb, red, blue)");

/** The whole state of a widget. What is large in it lies in files that pages share, each named by its content. */
const ONLY = "?v=0"; // so that what is kept of it stays: offline.js
async function wholeState({ state, files: parts = {} }) {
  await Promise.all(Object.entries(parts).map(async ([trait, name]) => (state[trait] = await fetched(name, ONLY))));
  return state;
}

// A state is a link: cnnlib/widgets/shared/view/links.js, loaded when the page stands, or sooner where a link is followed.
const { from } = document.documentElement.dataset; // on the page that shows one widget alone, by alone.js

/** The widget that a link in the page's address means, as CLASS/NUMBER. The Playground's first links had no name. */
function meant() {
  const [, key] = location.hash.match(/^#w\d+\/(\w+\/\d+)\//) ?? [];
  return key ?? (location.hash.startsWith("#playground-") ? "Playground/1" : undefined);
}

/** What shows and hides the menu with the links to a model's state. */
const sharing = (model, stored, key) => async (widget, button) => {
  const [links, schemas] = await ofLibrary("links"), [name, number] = key.split("/");
  const chapter = from ?? DOCUMENTATION_OPTIONS.pagename.split("/").pop();
  const alone = new URL(`widget.html${chapter && `?in=${chapter}`}`, root);
  links.toggle({ root: widget, button, model, stored, name, number, schemas: schemas[name], page: location.href.split("#")[0], alone: alone.href });
};

/** What the link in the page's address brings: {traits, words, arrive}. The words say what it does not bring. */
async function brought(state) {
  try {
    const name = nameOf(state), [[links, schemas], [widget]] = await Promise.all([ofLibrary("links"), ofLibrary(name)]);
    return { ...links.restore(location.hash, state, schemas[name], widget.problem), arrive: links.arrive };
  } catch ({ message }) {
    return { traits: {}, words: message, arrive: (el) => el.prepend(message) };
  }
}

/** A model of a stored state, drawn with what a link brings; without it where it cannot be drawn. */
async function drawStored(id, state, el, key) {
  const bring = key === meant() ? await brought(state) : { traits: {} };
  async function drawWith(traits) {
    const model = createModel({ ...state, ...traits });
    if (!state._esm) model.share = sharing(model, state, key); // of the library
    models.set(id, model);
    return drawModel(model, state, el, turn);
  }
  if (Object.keys(bring.traits).length)
    try {
      const leave = await drawWith(bring.traits);
      if (!/\bNaN\b|undefined/.test(el.textContent)) return { leave, ...bring };
      leave?.();
      throw new Error("no numbers");
    } catch {
      el.replaceChildren();
      models.delete(id);
      Object.assign(bring, { traits: {}, words: "What this link holds does not fit together, so nothing was changed." });
    }
  const known = models.get(id);
  return { leave: known ? await drawModel(known, state, el, turn) : await drawWith({}), ...bring };
}

/** Draws a widget as if the page had just been opened at its address. */
function drawAgain(view) {
  const { id, el, leave } = drawnAt.get(view);
  if (!el.isConnected) return;
  if (!id) return come(el); // it is not drawn yet
  leave?.();
  el.remove();
  models.delete(id);
  drawView(view);
}

/** Follows the link in the page's address, in a page that is open; says so if the page has no such widget. */
async function followLink() {
  document.querySelector("article > .link-note")?.remove();
  if (!/^#(w\d+\/|playground-)/.test(location.hash)) return;
  const [view] = [...known].find(([, key]) => key === meant()) ?? [];
  if (view) return drawAgain(view);
  const [links] = await ofLibrary("links");
  links.miss(document.querySelector("article"), meant());
}

// Slides for the lecture hall: slides.js, loaded when a reader presses the button or follows a link to one of them.

/** What draws a widget as the page has it, apart from the one in the page. */
async function apart(view) {
  const state = await wholeState(states[JSON.parse(view.textContent).model_id]);
  const [widget, css] = await (state._esm ? ofState(state) : ofLibrary(nameOf(state)));
  addStyle(css);
  return (el) => widget.render({ model: createModel({ ...state }), el });
}

let deck = null;
/** Shows the slide that the page's address names, or leaves the slides. A page without them may have a part of this name. */
async function followSlides() {
  const [asked, number] = (document.querySelector(".btn-slides-button") && location.hash.match(/^#slides(?:\/(\d+))?$/)) ?? [];
  if (!asked) return deck?.leave();
  const article = document.querySelector("article"), plain = () => history.replaceState(null, "", location.href.split("#")[0]);
  try {
    const [createDeck, css] = await ofLibrary("slides");
    addStyle(css);
    deck ??= createDeck(article, apart, (now) => {
      if (!now) deck = null;
      if (now) history.replaceState(null, "", `#slides/${now}`);
      else if (location.hash.startsWith("#slides")) plain();
    });
    deck.open(Number(number));
  } catch ({ message }) {
    plain(); // so that a second press is one
    const words = document.createElement("p");
    words.setAttribute("role", "alert");
    words.textContent = `The slides cannot be shown: ${message}.`;
    article.prepend(words);
    words.scrollIntoView();
  }
}

/** Draws one widget, or says in its place why not. */
async function drawView(view) {
  const text = view.nextElementSibling?.matches(".widget-text") ? view.nextElementSibling : null;
  const el = document.createElement("div"), key = known.get(view);
  view.after(el);
  drawnAt.set(view, { el });
  if (known.size > 1 && document.readyState !== "complete" && key !== meant()) await nearness(el);
  try {
    const id = JSON.parse(view.textContent).model_id;
    if (!states[id]) throw new Error("the page does not hold its state");
    const state = await wholeState(states[id]), { leave, ...bring } = await drawStored(id, state, el, key);
    drawnAt.set(view, { id, el, leave });
    text?.remove();
    bring.arrive?.(el, bring, from === undefined && (() => {
      asStored.add(view);
      drawAgain(view);
    }));
    if (!state._esm) { // assets/progress.js listens
      view.drawn = { model: models.get(id), stored: state, key, links: () => Promise.all([ofLibrary("links"), ofLibrary(nameOf(state))]), linked: key === meant() || asStored.has(view) };
      view.dispatchEvent(new Event("drawn", { bubbles: true }));
    }
  } catch (error) {
    console.error(error);
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Try again";
    button.addEventListener("click", async () => {
      el.remove();
      const again = await drawView(view);
      (again.querySelector("button, [tabindex='0']") ?? view.parentElement).focus();
    });
    const age = old() ? " This browser is too old for it: it needs one of 2023 or later." : "";
    const reason = document.createElement("p");
    reason.setAttribute("role", "alert");
    reason.textContent = `This widget could not be drawn: ${error.message}.${age} `;
    reason.append(button);
    el.className = "widget-failed";
    el.replaceChildren(reason);
  }
  return el;
}

/** What a link calls a widget: CLASS/NUMBER, of those of its class from 1 on. */
function keyOf(view) {
  const state = states[JSON.parse(view.textContent).model_id]?.state, name = state && !state._esm ? nameOf(state) : "other";
  const before = [...known.values()].filter((key) => key.startsWith(`${name}/`));
  return `${name}/${view.dataset.number ?? before.length + 1}`;
}

/** Draws the widgets that the page has so far. */
const known = new Map(), drawnAt = new Map(), models = new Map();
const asStored = new WeakSet(); // of these a reader has asked for what the page has
let states;
function draw() {
  const bundle = document.querySelector('script[type="application/vnd.jupyter.widget-state+json"]');
  if (!bundle && document.readyState === "loading") return; // it may still be on its way
  states ??= bundle ? JSON.parse(bundle.textContent).state : {};
  for (const view of document.querySelectorAll('script[type="application/vnd.jupyter.widget-view+json"]')) {
    const whole = view.nextElementSibling || document.readyState !== "loading";
    if (!whole || known.has(view)) continue;
    known.set(view, keyOf(view));
    drawView(view);
  }
}

// What was opened once opens again without a network: assets/offline.js. From disk all is at hand anyway.
const root = new URL(document.documentElement.dataset.content_root, location);
const canKeep = from === undefined && "serviceWorker" in navigator && "caches" in globalThis && root.protocol !== "file:";

/** Keeps files of this site, six at a time. Returns how many, and [address, reason] of each that failed. */
async function keep(addresses, options = {}, progress = () => {}) {
  const cache = await caches.open("book");
  const all = [...new Set(addresses)].filter((one) => one.startsWith(root.href));
  const todo = [...all], failed = [];
  let kept = 0;
  async function work() {
    for (let one = todo.pop(); one; one = todo.pop()) {
      try {
        const answer = await fetch(one, options);
        if (answer.status !== 200) throw new Error(answer.status);
        await cache.put(one, answer);
        progress(++kept, all.length);
      } catch (error) {
        const full = error.name === "QuotaExceededError";
        failed.push([one, full ? "this device has no more room" : error.message]);
        if (full) todo.length = 0;
      }
    }
  }
  await Promise.all(Array.from({ length: 6 }, work));
  return { all, kept, failed };
}

/** On the first visit no worker has seen what the page asked for. */
async function keepThisPage() {
  const first = !navigator.serviceWorker.controller;
  await navigator.serviceWorker.register(new URL("offline.js", root));
  const loaded = performance.getEntriesByType("resource").map(({ name }) => name);
  const all = Object.values(states ?? {});
  const coming = all.flatMap(({ files: parts = {} }) => Object.values(parts)).map((name) => addressOf(name, ONLY));
  if (all.length) coming.push(addressOf("links")); // it may be on its way
  if (document.querySelector(".btn-slides-button")) coming.push(addressOf("slides"));
  if (first) await keep([location.href.split("#")[0], ...loaded, ...coming]);
}

/** Forgets what files of the book were before: ?v= names their content. */
async function forgetOldVersions(current) {
  const cache = await caches.open("book");
  const old = (await cache.keys()).filter(({ url }) => url.includes("?v=") && !current.includes(url));
  await Promise.all(old.map((one) => cache.delete(one)));
}

/** Keeps the whole book, and says how far that went. */
async function keepBook(list, say) {
  const fresh = { cache: "no-cache" }; // offline.js leaves such requests to the network
  const answer = await fetch(list, fresh);
  if (!answer.ok) throw new Error(`the list of files: ${answer.status}`);
  const files = ["./", ...(await answer.json())].map((file) => new URL(file, root).href);
  const { all, kept, failed } = await keep(files, fresh, (count, of) => say(`${count} of ${of} files`));
  if (failed.length) {
    const [[address, reason]] = failed;
    const more = failed.length > 1 ? `, and ${failed.length - 1} more` : "";
    throw new Error(`${kept} of ${all.length} files are kept, without ${address.slice(root.href.length)}: ${reason}${more}`);
  }
  await forgetOldVersions(files);
  await keep([list], fresh);
}

/** The button that keeps the whole book. tools/book_site.py has put the size of it there. */
async function offerToKeep(box) {
  const [button, status] = [box.querySelector("button"), box.querySelector("[role=status]")];
  const list = new URL("offline.json", root).href;
  const say = (text) => (status.textContent = text);
  const tell = () => say("The whole book is on this device, and opens here without a network.");
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      await keepBook(list, say);
      tell();
    } catch (error) {
      say(`Not everything could be kept (${error.message}). What was kept stays.`);
      button.textContent = "Try again";
    }
    button.disabled = false;
  });
  const kept = await caches.match(list);
  if (kept) tell();
  box.hidden = false;
}

// Python in the page. Nothing of it is loaded before a reader asks for it: python/run.js does the rest.
const python = JSON.parse(document.getElementById("python")?.textContent ?? "null");
let loading, tries = 0;
function withPython() {
  if (root.protocol === "file:")
    throw new Error("From disk a browser starts no Python. It does on the web, and after `make serve`.");
  if (python.missing) throw new Error(`Python is not here: ${python.missing}.`);
  if (loading) return loading;
  // A browser does not ask again for a module that did not come, unless its address is another.
  const again = tries++ ? `&again=${tries}` : "";
  const names = Object.entries(python).map(([name, file]) => [name, new URL(file + again, location).href]);
  const files = Object.fromEntries(names);
  loading = import(files.run).then(({ begin }) => begin({ createModel, drawModel }, files));
  loading.catch(() => (loading = null));
  return loading;
}

/** A button that does something with Python, and beside it what became of it. */
function pythonButton(text, status, act) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = text;
  button.className = text.split(" ")[0].toLowerCase();
  button.addEventListener("click", async () => {
    try {
      const waiting = "The editor is loading";
      if (!loading) status.textContent = waiting;
      const page = await withPython();
      if (status.textContent === waiting) status.textContent = "";
      await act(page);
    } catch (error) {
      status.textContent = error.message;
    }
  });
  return button;
}

function offerPython() {
  for (const place of document.querySelectorAll(":is(.run-tools, .run-page):empty")) {
    const status = document.createElement("span");
    status.setAttribute("role", "status");
    const cell = place.closest(".cell");
    const run = cell?.matches(".tag_exercise") ? "Check my solution" : "Run";
    if (cell)
      place.append(
        pythonButton(run, status, (page) => page.run(page.find(cell.id))),
        pythonButton("Edit", status, (page) => page.find(cell.id).editor.focus()),
        status,
      );
    else
      place.append(
        pythonButton("Run all", status, (page) => page.runAll(status)),
        pythonButton("Restart", status, (page) => {
          page.restart();
          status.textContent = "Python begins anew at the next run.";
        }),
        pythonButton("Forget my changes", status, (page) => (status.textContent = page.restoreAll())),
        status,
      );
  }
}

/** What a reader has changed, or what came with a link, stands there again. */
async function reopen() {
  const chapter = python.cells?.match(/([\w-]+)\.json/)[1];
  let changed = false;
  try {
    changed = Object.keys(localStorage).some((key) => key.startsWith(`code:${chapter}:`));
  } catch {
    // this browser keeps nothing
  }
  const linked = /^#code-[\w-]+=/.test(location.hash);
  if (!changed && !linked) return;
  try {
    const page = await withPython();
    await page.openLink();
  } catch (error) {
    document.querySelector(".run-page [role=status]").textContent = error.message;
  }
}

// A formula that is wider than its place is scrolled with the keys, too.
const formulas = new ResizeObserver((boxes) => {
  for (const { target } of boxes) {
    if (target.scrollWidth > target.clientWidth) target.tabIndex = 0;
    else target.removeAttribute("tabindex");
  }
});

function start() {
  draw();
  followSlides();
  addEventListener("hashchange", followSlides);
  if (python) {
    offerPython();
    reopen();
    addEventListener("hashchange", reopen);
  }
  for (const box of document.querySelectorAll("span.math, div.math > div")) formulas.observe(box);
  if (canKeep) document.querySelectorAll(".keep-offline").forEach((box) => offerToKeep(box).catch(() => {}));
}

// What is read already is drawn while the rest is on its way; the theme's script may take longer.
if (document.readyState === "loading") {
  const parts = new MutationObserver(draw);
  parts.observe(document, { childList: true, subtree: true });
  document.addEventListener("readystatechange", () => (parts.disconnect(), start()), { once: true });
} else start();
if (canKeep) {
  const late = () => keepThisPage().catch(() => {}); // a browser may forbid it: then nothing is kept
  if (document.readyState === "complete") late();
  else addEventListener("load", late);
}

// A word of the glossary shows its meaning where it stands: under the mouse, with the focus, or at the first tap.
const note = Object.assign(document.createElement("div"), { id: "meaning", role: "tooltip" });
let word = null, hiding;

function hideMeaning() {
  clearTimeout(hiding);
  word?.removeAttribute("aria-describedby");
  word = null;
  note.remove();
}

function showMeaning(link) {
  clearTimeout(hiding);
  if (word === link) return;
  hideMeaning();
  if (link.title) {
    link.dataset.meaning = link.title; // else the browser would show it a second time
    link.removeAttribute("title");
  }
  if (!link.dataset.meaning) return;
  word = link;
  word.setAttribute("aria-describedby", note.id);
  note.textContent = link.dataset.meaning;
  document.body.append(note);
  const [box, own] = [link.getClientRects()[0], note.getBoundingClientRect()];
  const above = box.bottom + own.height + 8 > innerHeight;
  note.style.left = `${scrollX + Math.max(8, Math.min(box.left, document.documentElement.clientWidth - own.width - 8))}px`;
  note.style.top = `${scrollY + (above ? box.top - own.height - 6 : box.bottom + 6)}px`;
}

const wordAt = ({ target }) => { // Firefox before 121 cannot select by what is inside
  const link = target.closest?.("a");
  return link?.matches(".glossary-term") || link?.querySelector(":scope > .std-term") ? link : null;
};
let touched = false;
addEventListener("pointerdown", ({ pointerType }) => (touched = pointerType === "touch"), { capture: true });
addEventListener("pointerover", (event) => {
  if (event.pointerType !== "mouse") return;
  const link = wordAt(event);
  if (link) showMeaning(link);
  else if (note.contains(event.target)) clearTimeout(hiding);
  else if (word && word !== document.activeElement) {
    clearTimeout(hiding);
    hiding = setTimeout(hideMeaning, 200); // time to move onto it
  }
});
addEventListener("focusin", (event) => {
  const link = wordAt(event);
  if (link?.matches(":focus-visible")) showMeaning(link);
  else if (word && word !== link) hideMeaning();
});
addEventListener("click", (event) => {
  const link = wordAt(event);
  if (!link) {
    if (!note.contains(event.target)) hideMeaning();
    return;
  }
  if (!touched || word === link) return; // the link leads to the glossary
  showMeaning(link);
  if (word) event.preventDefault();
});
addEventListener("keydown", ({ key }) => key === "Escape" && hideMeaning());

addEventListener("load", comeAll);
addEventListener("hashchange", followLink);
const missLink = () => [...known.values()].includes(meant()) || followLink();
if (document.readyState === "complete") missLink();
else addEventListener("load", missLink);
// Paper is white, whatever the theme, and has no place for what comes later. What is folded with all that it
// prints belongs to the text and is unfolded; folded code whose output is shown anyway is left out.
let screenTheme, unfolded = [];
addEventListener("beforeprint", () => {
  unfolded = [...unfolded, ...document.querySelectorAll(".tag_hide-cell > details:not([open])")];
  for (const fold of unfolded) fold.open = true;
  forPaper = true;
  endPause?.();
  comeAll();
  screenTheme ??= document.documentElement.dataset.theme;
  document.documentElement.dataset.theme = "light";
});
addEventListener("afterprint", () => {
  for (const fold of unfolded.splice(0)) fold.open = false;
  forPaper = false;
  document.documentElement.dataset.theme = screenTheme;
  screenTheme = undefined;
});

// Of a formula its TeX is copied. What is pasted with its looks keeps the formula.
addEventListener("copy", (event) => {
  const selection = getSelection();
  if (!selection.rangeCount) return;
  const range = selection.getRangeAt(0).cloneRange();
  const formulaAround = (node) => (node.closest ? node : node.parentElement).closest("math");
  const [first, last] = [formulaAround(range.startContainer), formulaAround(range.endContainer)];
  if (first) range.setStartBefore(first);
  if (last) range.setEndAfter(last);
  const copy = document.createElement("div");
  copy.append(range.cloneContents());
  const formulas = copy.querySelectorAll("math");
  if (!formulas.length) return;
  event.clipboardData.setData("text/html", copy.innerHTML);
  for (const math of formulas) {
    const sign = math.getAttribute("display") === "block" ? "$$" : "$";
    math.replaceWith(`${sign}${math.querySelector("annotation").textContent}${sign}`);
  }
  event.clipboardData.setData("text/plain", copy.textContent);
  event.preventDefault();
});
