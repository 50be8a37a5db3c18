// What a reader has done stays on this device: the solved checks and exercises, what was set in widgets, and where
// to go on.
//
// A page's counts lie under "done:" and its name, {checks, exercises, of}; the text of a solved exercise lies
// under "solved:" and its label, and that of a changed cell under "code:" (assets/python/run.js); a widget's state,
// as its link holds it, under "widget:", the page and the widget. assets/page.js names each widget that it has drawn. Nothing of this leaves the device, but in the file that a reader saves.
"use strict"; // or the functions of the block would be everybody's
{
  const KINDS = /^(done:[\w/-]+|solved:[\w-]+|code:[\w-]+:[\w-]+|widget:[\w/-]+:\w+\/\d+)$/, LONGEST = 200_000, MOST = 200; // tasks of a page
  const QUIET = 500; // ms without a change, after which a widget's state is kept
  const base = new URL(document.documentElement.dataset.content_root, location);
  const nameOf = (address) => {
    const { href } = new URL(address, location);
    if (!href.startsWith(base.href)) return null;
    return href.slice(base.href.length).replace(/[?#].*/, "").replace(/\.html$/, "") || "index";
  };
  const page = nameOf(location.href);

  /** A browser may keep nothing, or have no more room. */
  const get = (key) => { try { return localStorage.getItem(key); } catch { return null; } };
  const put = (key, text) => { try { localStorage.setItem(key, text); return true; } catch { return false; } };
  const remove = (key) => { try { localStorage.removeItem(key); } catch { /* nothing is there */ } };
  const keys = () => { try { return Object.keys(localStorage).filter((key) => KINDS.test(key)); } catch { return []; } };

  const list = (value) => (Array.isArray(value) ? [...new Set(value.filter((one) => typeof one === "string"))].slice(0, MOST) : []);
  /** What is done on a page; of a text that is not what was written here, nothing. */
  function doneOn(text) {
    try {
      const { checks, exercises, of } = JSON.parse(text) ?? {};
      const found = { checks: list(checks), exercises: list(exercises) };
      return { ...found, of: Math.max(Number.isInteger(of) && of <= MOST ? of : 0, found.checks.length + found.exercises.length) };
    } catch {
      return { checks: [], exercises: [], of: 0 };
    }
  }
  const read = (name) => doneOn(get(`done:${name}`));
  const count = ({ checks, exercises }) => checks.length + exercises.length;

  /** A few letters that tell one text from another. */
  function mark(text) {
    let number = 0;
    for (const letter of text) number = (Math.imul(number, 31) + letter.codePointAt(0)) >>> 0;
    return number.toString(36);
  }

  // ---- marks in the contents, and beside what is solved

  const told = ({ of, ...done }) => (count(done) === of ? "all done" : `${count(done)} of ${of} done`);
  function markContents() {
    for (const link of document.querySelectorAll(".bd-sidebar a.reference.internal, .bd-article .toctree-wrapper a.reference.internal")) {
      const name = nameOf(link.href), done = name && read(name);
      link.querySelector(".done-mark")?.remove();
      if (!done || !count(done)) continue;
      const sign = document.createElement("span");
      sign.className = "done-mark";
      sign.textContent = count(done) === done.of ? "✓" : `${count(done)}/${done.of}`;
      sign.title = told(done);
      sign.setAttribute("aria-label", `, ${told(done)}`);
      sign.setAttribute("role", "img");
      link.append(sign);
    }
  }

  function markSolved(place, kept = true) {
    if (place.querySelector(":scope > .solved-mark")) return;
    const sign = document.createElement("p");
    sign.className = "solved-mark";
    sign.textContent = kept ? "✓ solved" : "✓ solved, but this browser does not keep it";
    place.append(sign);
  }

  // ---- what is done on this page

  const exercises = () => [...document.querySelectorAll(".cell.tag_exercise")].filter(labelOf);
  const labelOf = (cell) => cell.querySelector("pre")?.textContent.match(/\bcheck\(\s*["']([\w-]+)["']/)?.[1];
  const VIEWS = 'script[type="application/vnd.jupyter.widget-view+json"]';
  const isCheck = (id) => id?.endsWith(".Check") ?? false;

  /** How much there is to do on this page, though some of it may not be drawn yet. */
  function all() {
    const bundle = document.querySelector('script[type="application/vnd.jupyter.widget-state+json"]');
    const { state } = JSON.parse(bundle?.textContent ?? '{"state":{}}');
    const checks = [...document.querySelectorAll(VIEWS)].filter((view) => isCheck(state[JSON.parse(view.textContent).model_id]?.state._anywidget_id));
    return checks.length + exercises().length;
  }

  /** Returns whether it is kept. */
  function add(kind, one) {
    const done = read(page);
    if (!done[kind].includes(one)) done[kind].push(one);
    const text = JSON.stringify({ checks: done.checks, exercises: done.exercises, of: Math.max(all(), count(done)) });
    const kept = put(`done:${page}`, text);
    markContents();
    return kept;
  }

  const followed = new WeakSet();
  /** A check of this page: it is marked if it was solved before, and from now on when it is. */
  function follow(view, model) {
    const one = mark(model.get("questions").map(({ text }) => text).join("\n")), place = view.nextElementSibling;
    if (read(page).checks.includes(one)) markSolved(place);
    if (followed.has(model)) return; // a view that is drawn anew
    followed.add(model);
    model.on("change:solved", () => {
      if (model.get("solved")) markSolved(view.nextElementSibling, add("checks", one));
    });
  }

  function showExercises() {
    const done = read(page).exercises;
    for (const cell of exercises()) {
      const label = labelOf(cell);
      if (!done.includes(label) && get(`solved:${label}`) === null) continue;
      markSolved(cell, done.includes(label) || add("exercises", label));
    }
  }

  // ---- what was set in widgets

  const arrived = new Promise((resolve) => (document.readyState === "complete" ? resolve() : addEventListener("load", resolve)));
  const listening = new WeakSet();
  /** Keeps the state of a widget, and brings back what was kept, as if it were set again: Reset shows the page's. */
  async function keepState(view) {
    const { model, stored, key, links } = view.drawn, name = `widget:${page}:${key}`, [kind, number] = key.split("/");
    let timer;
    async function store() {
      const [[{ fragment }, schemas]] = await links();
      const { hash } = fragment({ name: kind, number, model, stored, schemas: schemas[kind] });
      if (hash.endsWith("/")) remove(name); // as the page has it
      else put(name, hash); // no room for it is no reason to interrupt
    }
    await restore(view, name);
    if (listening.has(model)) return;
    listening.add(model);
    model.on("change", () => {
      clearTimeout(timer);
      timer = setTimeout(() => store().catch(() => {}), QUIET); // without a network the links' script may not come
    });
    arrived.then(links).catch(() => {}); // before it is needed: what a reader presses asks the network for nothing
  }

  async function restore(view, name) {
    const hash = get(name), { model, stored, key, links } = view.drawn, place = view.nextElementSibling;
    if (!hash) return;
    const [[{ restore: bring }, schemas], [widget]] = await links();
    const { traits } = bring(hash, stored, schemas[key.split("/")[0]], widget.problem);
    const names = Object.keys(traits);
    if (!names.length) return remove(name);
    for (const trait of names) model.set(trait, traits[trait]);
    const note = document.createElement("p"), back = document.createElement("button");
    note.className = "kept-note";
    back.type = "button";
    back.textContent = "Show what the page has";
    back.addEventListener("click", () => {
      for (const trait of names) model.set(trait, stored[trait]);
      note.remove();
    });
    note.append("This is as you left it. ", back);
    place.append(note);
  }

  function drawn({ target: view }) {
    const { model, linked } = view.drawn;
    if (isCheck(model.get("_anywidget_id"))) follow(view, model);
    else if (!linked) keepState(view).catch(() => {}); // as the page has it
  }
  for (const view of document.querySelectorAll(VIEWS)) if (view.drawn) drawn({ target: view });
  document.addEventListener("drawn", drawn);
  document.addEventListener("solved", showExercises);
  function forget() {
    document.querySelectorAll(".solved-mark").forEach((sign) => sign.remove());
    markContents();
  }
  document.addEventListener("forgotten", forget);

  // ---- where to go on

  const PLACE = "place";
  function keepPlace() {
    const chapter = document.querySelector("article h1");
    if (!chapter || !page.startsWith("chapters/")) return;
    const above = [...document.querySelectorAll("article section[id] > h2")].filter((one) => one.getBoundingClientRect().top < innerHeight / 2);
    const section = above.at(-1);
    const plain = (heading) => heading.textContent.replace("#", "").trim(); // without the sign that links to it
    put(PLACE, JSON.stringify({ page, title: plain(chapter), section: section && plain(section), id: section?.parentElement.id }));
  }
  addEventListener("pagehide", keepPlace);
  document.addEventListener("visibilitychange", () => document.visibilityState === "hidden" && keepPlace());

  function offerToGoOn(box) {
    let place;
    try { place = JSON.parse(get(PLACE)); } catch { return; }
    if (!place || !/^chapters\/[\w-]+$/.test(place.page) || typeof place.title !== "string") return;
    const link = document.createElement("a");
    link.href = new URL(`${place.page}.html${typeof place.id === "string" && /^[\w-]+$/.test(place.id) ? `#${place.id}` : ""}`, base).href;
    link.textContent = typeof place.section === "string" ? `${place.title}, ${place.section}` : place.title;
    box.querySelector("span").replaceChildren(link);
    box.hidden = false;
  }

  // ---- the page that shows it all: save, load, forget

  const entries = () => Object.fromEntries(keys().map((key) => [key, get(key)]));

  function save(name) {
    const file = { book: document.title.split(" — ").pop(), version: 1, name, saved: new Date().toISOString(), entries: entries() };
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([JSON.stringify(file, null, 1)], { type: "application/json" }));
    link.download = `cnn-book-${name.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "") || "progress"}.json`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }

  /** What a saved file holds; what is not as this book writes it is left out, and counted. */
  function opened(text) {
    let file;
    try { file = JSON.parse(text); } catch { throw new Error("This is no file that this page has saved: it is not JSON."); }
    if (typeof file?.entries !== "object" || !file.entries || Array.isArray(file.entries)) throw new Error("This is no file that this page has saved: it has no entries.");
    if (file.version !== 1) throw new Error(`The file is of version ${file.version}; this book reads version 1.`);
    const every = Object.entries(file.entries);
    const good = every.filter(([key, value]) => KINDS.test(key) && typeof value === "string" && value.length <= LONGEST);
    return { good, refused: every.length - good.length };
  }

  /** Adds what a file holds. What is done stays done; of two different texts the reader says which. */
  function load(text, choose) {
    const { good, refused } = opened(text);
    const others = good.filter(([key, value]) => !key.startsWith("done:") && get(key) !== null && get(key) !== value);
    const theirs = others.length > 0 && choose(others.length);
    let lost = 0;
    for (const [key, value] of good) {
      if (!key.startsWith("done:")) {
        if (theirs || get(key) === null) lost += put(key, value) ? 0 : 1;
        continue;
      }
      const [one, two] = [doneOn(get(key)), doneOn(value)];
      const both = { checks: list([...one.checks, ...two.checks]), exercises: list([...one.exercises, ...two.exercises]) };
      lost += put(key, JSON.stringify({ ...both, of: Math.max(one.of, two.of, count(both)) })) ? 0 : 1;
    }
    return { taken: good.length - lost, refused, lost };
  }

  function report(box) {
    const [rows, status] = [box.querySelector("tbody"), box.querySelector("[role=status]")];
    const say = (text) => (status.textContent = text);
    function show() {
      const titles = new Map([...document.querySelectorAll(".bd-sidebar a.reference.internal")].map((link) => [nameOf(link.href), link.firstChild.textContent.trim()]));
      const pages = keys().filter((key) => key.startsWith("done:")).map((key) => key.slice(5)).filter((name) => titles.has(name));
      const order = [...titles.keys()];
      pages.sort((a, b) => order.indexOf(a) - order.indexOf(b));
      rows.replaceChildren(...pages.map((name) => {
        const done = read(name), row = document.createElement("tr"), link = document.createElement("a");
        link.href = new URL(`${name}.html`, base).href;
        link.textContent = titles.get(name);
        for (const content of [link, done.checks.length, done.exercises.length, done.of]) {
          const cell = document.createElement("td");
          cell.append(content);
          row.append(cell);
        }
        return row;
      }));
      box.querySelector("table").hidden = !pages.length;
      box.querySelector(".nothing-yet").hidden = pages.length > 0;
      markContents();
    }
    const button = (name) => box.querySelector(`button[name=${name}]`);
    button("save").addEventListener("click", () => {
      save(box.querySelector("input[name=name]").value.trim());
      say("The file is saved where this browser puts downloads.");
    });
    const input = box.querySelector("input[type=file]");
    button("load").addEventListener("click", () => input.click());
    input.addEventListener("change", async () => {
      const [file] = input.files;
      input.value = "";
      if (!file) return;
      try {
        if (file.size > 5_000_000) throw new Error("This is no file that this page has saved: it is larger than 5 MB.");
        const { taken, refused, lost } = load(await file.text(), (n) => confirm(`${n === 1 ? "1 text in the file differs" : `${n} texts in the file differ`} from yours. Take ${n === 1 ? "that" : "those"} of the file?`));
        say([`${taken} entries are here now.`, refused && `${refused} were left out: this book does not write such.`, lost && `${lost} found no room on this device.`].filter(Boolean).join(" "));
      } catch (error) {
        say(error.message);
      }
      show();
    });
    button("forget").addEventListener("click", () => {
      if (!confirm("Forget all that you have solved and changed, in all chapters?")) return;
      for (const key of [...keys(), PLACE]) remove(key);
      show();
      say("Nothing is kept any more.");
    });
    show();
    addEventListener("storage", show); // another tab has done something, too
    try { localStorage.getItem(PLACE); } catch { say("This browser keeps nothing for this site, so nothing can stand here."); }
    box.hidden = false;
  }

  function begin() {
    markContents();
    showExercises();
    document.querySelectorAll(".go-on").forEach(offerToGoOn);
    document.querySelectorAll(".progress-report").forEach(report);
    // Another tab has done something, too.
    addEventListener("storage", ({ key, newValue }) => {
      if (key === null || (key === `done:${page}` && newValue === null)) forget();
      else if (KINDS.test(key)) markContents();
    });
  }
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", begin, { once: true });
  else begin();
}
