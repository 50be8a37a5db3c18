// Runs the page's cells in Python, in the page. assets/page.js loads this when a reader first asks for it.
//
// worker.js has Python and runs one cell at a time; runner.py says what a cell shows. Here are the editors,
// the buttons, and the outputs, which stand where the stored ones stood.

const megabytes = (bytes) => (bytes / 1e6).toFixed(bytes < 1e6 ? 1 : 0);
const seconds = (ms) => `${(ms / 1000).toFixed(ms < 9950 ? 1 : 0)} s`;

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes))
    if (name in element) element[name] = value;
    else element.setAttribute(name, value);
  element.append(...children);
  return element;
}
const makeButton = (text, onclick, hidden = false) => make("button", { type: "button", textContent: text, onclick, hidden });

/** What a page keeps on this device; a browser may forbid it. */
const store = {
  get: (key) => { try { return localStorage.getItem(key); } catch { return null; } },
  /** Whether it is kept: there may be no room, either. */
  set: (key, text) => { try { localStorage.setItem(key, text); return true; } catch { return false; } },
  remove: (key) => { try { localStorage.removeItem(key); } catch { /* nothing is there */ } },
  keys: () => { try { return Object.keys(localStorage); } catch { return []; } },
};

/** Text as letters that an address can hold, and back. */
async function pressed(text) {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream("deflate-raw"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
async function unpressed(letters) {
  const bytes = Uint8Array.from(atob(letters.replaceAll("-", "+").replaceAll("_", "/")), (one) => one.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"))).text();
}

// ---- Python

/** Python in its worker. `tell` gets a line on how far it is, `receive` what cells and widgets send. */
class Python {
  constructor(files, tell, receive) {
    Object.assign(this, { files, tell, receive, worker: null, ready: null, waiting: null });
  }

  /** Starts Python, unless it is there; `early` names the packages that the first cells import. */
  start(early) {
    this.ready ??= this.load(early).catch((error) => {
      this.end();
      throw new Error(`Python could not be started: ${error.message}`);
    });
    return this.ready;
  }

  async load(early) {
    const answer = await fetch(this.files.manifest);
    if (!answer.ok) throw new Error(`${answer.url} could not be loaded: ${answer.status}`);
    const manifest = await answer.json();
    const names = ["", ...early.flatMap((name) => [...(manifest.needs[name] ?? []), name])];
    this.size = names.reduce((sum, name) => sum + manifest.bytes[name], manifest.core_bytes);
    this.interrupt = globalThis.crossOriginIsolated ? new Uint8Array(new SharedArrayBuffer(1)) : null;
    this.worker = new Worker(this.files.worker, { type: "module" });
    this.worker.onmessage = ({ data }) => this.hear(data);
    const folder = manifest.from || new URL(".", this.files.manifest).href, { interrupt } = this;
    this.from = manifest.from ? ` from ${new URL(folder).host}` : "";
    const solved = Object.fromEntries(store.keys().filter((key) => key.startsWith("solved:")).map((key) => [key.slice(7), store.get(key)]));
    await this.ask({ kind: "start", folder, manifest, early, interrupt, solved });
    this.loaded = true;
  }

  /** Sends the worker a message, and gives what it answers in the end. */
  ask(message) {
    return new Promise((done, failed) => {
      const end = () => (message.kind === "start" ? failed(new Error("it was stopped")) : done("ended"));
      this.waiting = { done, failed, end };
      this.worker.onerror = (event) => failed(new Error(event.message ?? "its worker did not start"));
      this.worker.postMessage(message);
    });
  }

  hear(data) {
    if (data.kind === "loaded") this.tell(`Python is loading${this.from}: ${megabytes(data.bytes)} of ${megabytes(this.size)} MB`);
    else if (data.kind === "fetching") this.tell(`${data.name} is loading`);
    else if (data.kind === "fault" && data.of !== "update") this.waiting.failed(new Error(data.text));
    else if (data.kind !== "done") this.receive(data);
    else if (data.of !== "update") {
      this.memory = data.memory;
      this.waiting.done(data.result);
    }
  }

  run(cell, source) {
    if (this.interrupt) this.interrupt[0] = 0;
    return this.ask({ kind: "run", cell, source });
  }

  change(comm, state) {
    this.worker?.postMessage({ kind: "update", comm, state });
  }

  /** Stops what runs. Returns whether the variables stay. */
  stop() {
    if (this.interrupt && this.loaded) {
      this.interrupt[0] = 2; // Python raises KeyboardInterrupt
      return true;
    }
    this.end();
    return false;
  }

  end() {
    this.worker?.terminate();
    this.worker = this.ready = null;
    this.loaded = false;
    this.waiting?.end();
  }
}

// ---- what a cell shows

/** Adds printed text; a carriage return goes back to the start of the line, as progress bars do. */
function print(output, text, name) {
  let pre = output.lastElementChild?.matches(`.stream.${name}`) ? output.lastElementChild.querySelector("pre") : null;
  if (!pre) {
    pre = make("pre");
    output.append(make("div", { className: `output stream run-printed ${name} highlight-myst-ansi notranslate` }, make("div", { className: "highlight" }, pre)));
  }
  for (const part of text.split(/(\r(?!\n))/))
    if (part === "\r") pre.textContent = pre.textContent.slice(0, pre.textContent.lastIndexOf("\n") + 1);
    else pre.append(part);
}

function showError(output, { name, text, line, traceback }) {
  const head = make("p", {}, make("strong", { textContent: name }), text ? `: ${text}` : "");
  const where = line ? [make("p", { textContent: `In line ${line} of this cell.` })] : [];
  const more = make("details", {}, make("summary", { textContent: "The way to it" }), make("pre", { textContent: traceback }));
  output.append(make("div", { className: "run-error", role: "alert" }, head, ...where, more));
}

/** Shows a value in the best of its forms. Scripts in HTML do not run. */
function show(output, data, drawWidget) {
  const place = make("div", { className: "output" });
  output.append(place);
  const view = data["application/vnd.jupyter.widget-view+json"];
  if (view) drawWidget(view.model_id, place);
  else if (data["image/png"]) {
    const picture = make("img", { alt: "The figure that this cell has drawn", src: `data:image/png;base64,${data["image/png"]}` });
    picture.onload = () => (picture.width = picture.naturalWidth / 2);
    place.append(picture);
  } else if (data["image/svg+xml"] || data["text/html"]) place.innerHTML = data["image/svg+xml"] ?? data["text/html"];
  else {
    place.remove();
    print(output, `${data["text/plain"]}\n`, "value");
  }
}

// ---- cells

class Cell {
  constructor(page, { id, source, exercise, seconds: long, smaller }) {
    Object.assign(this, { page, id, source, exercise, long, smaller, ran: null });
    this.box = document.getElementById(id);
    this.output = this.box?.querySelector(".cell_output") ?? make("div", { className: "cell_output docutils container" });
    if (this.box && !this.output.parentNode) this.box.append(this.output);
    this.stored = [...this.output.childNodes];
    this.tools = this.box?.querySelector(".run-tools");
    this.status = this.tools?.querySelector("[role=status]");
    this.key = `code:${page.name}:${id}`;
  }

  get code() { return this.editor?.text ?? this.source; }
  get changed() { return this.code !== this.source; }
  /** What is run: an exercise is checked though a whole solution was pasted over its last line. */
  get whole() { return this.exercise && !/\bcheck\(/.test(this.code) ? `${this.code}\n\ncheck("${this.exercise}")` : this.code; }
  tell(text) { if (this.status) this.status.textContent = text; }

  /** Puts an editor in place of the stored code. */
  open(createEditor) {
    if (!this.tools) return;
    const stored = this.tools.parentElement.querySelector(":scope > [class*=highlight-]");
    const parent = make("div", { className: "run-editor" });
    stored.after(parent);
    stored.hidden = true;
    const label = this.exercise ? "Your solution" : "Python code of this cell";
    const text = store.get(this.key) ?? this.source;
    this.editor = createEditor({ text, parent, label, onRun: () => this.page.run(this), onChange: () => this.keep() });
    this.stopButton = makeButton("Stop", () => this.page.stop(), true);
    this.backButton = makeButton("As printed", () => this.restore(), true);
    this.linkButton = makeButton("Copy link", () => this.copyLink(), true);
    this.tools.querySelector(".edit")?.remove();
    this.status.before(this.stopButton, this.backButton, this.linkButton);
    if (this.long) this.tell(`It takes about ${this.long} s in a page.`);
    if (this.smaller) this.status.before(makeButton("Make it shorter", () => this.shorten()));
    this.offer();
  }

  /** The cell with fewer epochs, or the like: what the notebook names. */
  shorten() {
    const shorter = this.smaller.reduce((code, [text, less]) => code.replace(text, less), this.code);
    if (shorter === this.code) this.tell("There is nothing left to shorten.");
    else this.editor.text = shorter;
  }

  /** Code that came with a link is not kept, and stands in the address, until the reader changes it. */
  keep() {
    this.ran = null;
    this.offer();
    if (this.code === this.given) return;
    if (this.given) this.tell("");
    this.given = null;
    if (location.hash.startsWith(`#${this.id}=`)) history.replaceState(null, "", `#${this.id}`);
    if (!this.changed) store.remove(this.key);
    else if (!store.set(this.key, this.code)) this.tell("This browser does not keep your change: it is lost when you leave the page.");
  }

  give(text) {
    this.given = text;
    this.editor.text = text;
  }

  /** What another tab has kept. */
  follow(text) {
    if (this.editor && !this.given && this.code !== text) this.editor.text = text;
  }

  offer() {
    this.backButton.hidden = this.running || (!this.changed && !this.shown);
    this.linkButton.hidden = !this.changed;
  }

  /** The stored code and output again. */
  restore() {
    if (!this.tools) return;
    this.editor.text = this.source;
    this.output.replaceChildren(...this.stored);
    this.shown = false;
    store.remove(this.key);
    this.tell("");
    this.offer();
  }

  async copyLink() {
    const address = `${location.href.split("#")[0]}#${this.id}=${await pressed(this.code)}`;
    try {
      await navigator.clipboard.writeText(address);
      this.tell("The link is copied. Who opens it finds this code here.");
    } catch {
      history.replaceState(null, "", address);
      this.tell("The link is in the address bar.");
    }
  }

  begin() {
    this.fresh = true;
    this.began = performance.now();
    if (!this.tools) return;
    this.running = true;
    this.offer();
    this.stopButton.hidden = false;
    this.box.classList.add("running");
    this.editor.markLine(null);
    this.tell("running …");
  }

  /** Python's answers: what is shown takes the place of what was. */
  receive(data) {
    if (data.kind === "absent") {
      this.fresh = false;
      const note = make("p", { className: "run-note", textContent: `${data.library} does not run in a browser. This is what the cell showed where it does.` });
      this.output.replaceChildren(note, ...this.stored);
      return;
    }
    if (this.fresh) this.output.replaceChildren();
    this.fresh = false;
    if (data.kind === "stream") print(this.output, data.text, data.name);
    if (data.kind === "display") show(this.output, data.data, (id, place) => this.page.drawWidget(id, place));
    if (data.kind === "clear") this.output.replaceChildren();
    if (data.kind === "error") {
      showError(this.output, data);
      this.editor?.markLine(data.line);
    }
    this.shown = true;
  }

  end(result, code) {
    this.ran = result === "ok" || result === "absent" ? code : null;
    if (this.fresh && result === "ok" && this.box) this.output.replaceChildren();
    if (!this.tools) return;
    this.running = false;
    this.stopButton.hidden = true;
    this.box.classList.remove("running");
    this.shown = true;
    this.offer();
    const took = `ran in ${seconds(performance.now() - this.began)}`;
    const anew = "stopped; Python begins anew at the next run", kept = "stopped; the variables stay";
    this.tell({ ok: took, absent: "", error: "", ended: anew, stopped: kept, broken: `Python broke down and was ${anew}` }[result]);
  }
}

// ---- the page

class Page {
  constructor(host, files, cells) {
    this.host = host;
    this.name = files.cells.match(/([\w-]+)\.json/)[1];
    this.cells = cells.map((cell) => new Cell(this, cell));
    this.models = new Map();
    this.python = new Python(files, (text) => this.tell(text), (data) => this.receive(data));
    addEventListener("storage", ({ key, newValue }) => {
      const cell = this.cells.find((one) => one.key === key);
      cell?.follow(newValue ?? cell.source);
    });
  }

  find(id) { return this.cells.find((cell) => cell.id === id); }

  /** The cells that are run before one: those above; before an exercise, those that import what it needs. */
  before(cell) {
    const above = this.cells.slice(0, this.cells.indexOf(cell)).filter((one) => !one.exercise && one.ran !== one.code);
    return cell.exercise ? above.filter(({ code }) => /^from cnnlib\.exercises import/m.test(code)) : above;
  }

  /**
   * Runs a cell, after those that it needs, unless something runs. How far it is stands beside it, or in `top`
   * where all cells are run. Returns whether Python was at work.
   */
  async run(cell, top) {
    const tell = (text) => void (top ? (top.textContent = text) : cell.tell(text));
    if (this.running) return tell("Another cell is at work. Stop it, or wait until it has ended.");
    this.running = true;
    this.tell = tell;
    cell.stopButton.hidden = Boolean(top);
    try {
      const needed = [...this.before(cell), cell];
      const draws = needed.some(({ code }) => /matplotlib|plots|plt/.test(code));
      if (!this.python.ready) tell("Python is loading");
      await this.python.start(draws ? ["matplotlib"] : []);
      await this.runEach(needed, tell, top);
      return true;
    } catch (error) {
      return tell(error.message);
    } finally {
      cell.stopButton.hidden = true;
      this.running = false;
    }
  }

  async runEach(cells, tell, top) {
    const last = cells.at(-1);
    for (const [n, cell] of cells.entries()) {
      if (top) tell(`cell ${n + 1} of ${cells.length} …`);
      else if (cell !== last) tell(`first ${n + 1} of the ${cells.length - 1} cells above …`);
      this.tell = cell.tools ? (text) => cell.tell(text) : tell;
      const result = await this.runOne(cell);
      if (result === "ok" || result === "absent") continue;
      if (cell !== last) last.tell(`A cell above ${result === "error" ? "stopped with an error" : "was stopped"}. This one was not run.`);
      return;
    }
  }

  async runOne(cell) {
    const { code } = cell;
    cell.begin();
    const result = await this.python.run(cell.id, cell.whole).catch(() => "broken");
    if (result === "broken") this.restart();
    cell.end(result, code);
    return result;
  }

  async runAll(status) {
    const last = this.cells.filter((cell) => !cell.exercise && cell.tools).at(-1);
    if (await this.run(last, status)) status.textContent = this.cells.every((cell) => cell.exercise || cell.ran) ? "All cells have run." : "Not all cells have run: see the last that did.";
  }

  stop() {
    if (!this.python.stop()) this.forget();
  }

  /** After a new start no cell has run, and the widgets that cells made are alone. */
  forget() {
    for (const cell of this.cells) cell.ran = null;
    this.models.clear();
  }

  restart() {
    this.python.end();
    this.forget();
  }

  /** Returns what became of it. */
  restoreAll() {
    if (this.running) return "A cell is at work. Stop it first.";
    if (!confirm("Forget the cells that you changed and all that you solved, in all chapters?")) return "";
    for (const key of store.keys()) if (/^(code|solved|done):/.test(key)) store.remove(key);
    for (const cell of this.cells) cell.restore();
    document.dispatchEvent(new Event("forgotten"));
    return "All is as printed, in all chapters.";
  }

  receive(data) {
    if (data.kind === "comm_open") {
      const { comm } = data;
      const model = this.host.createModel({ ...data.data.state }, (state) => this.python.change(comm, state));
      this.models.set(comm, { model, state: data.data.state });
    } else if (data.kind === "comm_msg") {
      if (data.data.method === "update") this.models.get(data.comm)?.model.receive(data.data.state);
    } else if (data.kind === "solved") {
      store.set(`solved:${data.label}`, data.source);
      document.dispatchEvent(new Event("solved")); // assets/progress.js marks it
    }
    else this.find(data.cell)?.receive(data);
  }

  /** A cell's code that came with a link: it is shown, and run when the reader says so. */
  async openLink() {
    const [, id, letters] = location.hash.match(/^#(code-[\w-]+)=([\w-]+)$/) ?? [];
    const cell = this.find(id);
    if (!cell?.editor) return;
    try {
      cell.give(await unpressed(letters));
      const own = store.get(cell.key) === null ? "" : " Your own is kept as long as you do not change this one.";
      cell.tell(`This code came with the link. Read it before you run it.${own}`);
    } catch {
      cell.tell("The code in this link is damaged; this is what stood here.");
    }
    cell.box.scrollIntoView({ block: "center" });
  }

  async drawWidget(id, place) {
    const { model, state } = this.models.get(id) ?? {};
    try {
      if (!model) throw new Error("Python did not send its state");
      await this.host.drawModel(model, state, place);
    } catch (error) {
      place.append(make("p", { className: "run-note", role: "alert", textContent: `This widget could not be drawn: ${error.message}.` }));
    }
  }
}

/** Makes editors of the page's cells. Returns the page, whose cells can be run. */
export async function begin(host, files) {
  const [{ createEditor }, answer] = await Promise.all([import(files.editor), fetch(files.cells)]);
  if (!answer.ok) throw new Error(`${answer.url} could not be loaded: ${answer.status}`);
  const page = new Page(host, files, await answer.json());
  for (const cell of page.cells) cell.open(createEditor);
  return page;
}
