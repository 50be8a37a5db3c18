// A grid of numbers: one tab stop, arrows move, typing edits, a frame that glides over it.
import { brief, format, h, misread, parse, readings } from "./dom.js";

const MOST_COUNTED = 16;
const MOVES = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
const NO_BORDER = { top: 0, bottom: 0, left: 0, right: 0 };

/** The frame around one number. */
export const oneCell = (row, column) => ({ row, column, rows: 1, columns: 1 });

/** How much of red, green and blue light a pixel's number stands for, and how bright each is to the eye. */
// A little less than full red, so that white digits can be read on all of it, as on all of blue.
const LIGHT = { gray: [1, 1, 1], red: [0.92, 0, 0], green: [0, 1, 0], blue: [0, 0, 1] };
const BRIGHTNESS = [0.2126, 0.7152, 0.0722];
const linearLight = (part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);

/** Dark to light for pixels; one hue above zero and another below for everything else. */
function paint(cell, value, tone, low, high) {
  if (LIGHT[tone]) {
    const light = high > low ? Math.min(Math.max((value - low) / (high - low), 0), 1) : 0;
    const color = LIGHT[tone].map((part) => Math.round(255 * part * light));
    const luminance = color.reduce((total, part, i) => total + BRIGHTNESS[i] * linearLight(part / 255), 0);
    cell.style.background = `rgb(${color.join(" ")})`;
    cell.style.color = luminance < 0.18 ? "#fff" : "#000"; // there black and white have the same contrast, 4.6
  } else {
    const strength = high > 0 ? Math.min(Math.abs(value) / high, 1) : 0;
    const hue = value < 0 ? "var(--negative)" : "var(--positive)";
    cell.style.background = `color-mix(in srgb, ${hue} ${Math.round(42 * strength)}%, var(--paper))`;
    cell.style.color = "var(--ink)";
  }
}

/** Says of a pixel beyond black or white that it is. */
function markBeyond(cell, value, [low, high]) {
  const [than, end] = value > high ? ["brighter than white", high] : ["darker than black", low];
  const beyond = value > high || value < low;
  cell.classList.toggle("beyond-range", beyond);
  if (beyond) cell.title = `${format(value)} is ${than}, which is ${format(end)}`;
  else cell.removeAttribute("title");
}

/** The value drawn white: 1 for fractions, 9 for digits, else the largest there is. */
function white(numbers) {
  const largest = Math.max(...numbers);
  return [1, 9].find((top) => largest <= top) ?? largest;
}

/** Moves an element sideways until it lies within its host. */
function keepInside(element, host) {
  element.style.marginLeft = 0;
  const [own, all] = [element, host].map((one) => one.getBoundingClientRect());
  const shift = Math.max(0, all.left - own.left) - Math.max(0, own.right - all.right);
  element.style.marginLeft = `${(shift * element.offsetWidth) / own.width}px`; // it may be drawn larger
}

const placeOf = (cell) => [Number(cell.dataset.row), Number(cell.dataset.column)];

/** What a number is typed into, over its cell; `before` is what stood there. */
class Editor {
  constructor(cell, before, { label, onedit, onerror, onend }, next) {
    const [row, column] = placeOf(cell);
    Object.assign(this, { cell, before, onedit, onerror, next });
    this.input = h("input", {
      type: "text", inputmode: "decimal", enterkeyhint: onend ? "next" : "done", autocomplete: "off",
      "aria-label": `${label}, row ${row}, column ${column}`,
      input: () => this.read(), blur: () => this.finish(false), keydown: (event) => this.keydown(event),
    });
    this.fault = h("span", { class: "fault", "aria-hidden": "true" });
    // Phones' number keyboards have no minus key, and no arrow keys.
    const buttons = [["−", "One less", () => this.step(-1)], ["±", "Change the sign", () => this.change((value) => -value)],
      ["+", "One more", () => this.step(1)]];
    this.stepper = h("div", { class: "stepper", pointerdown: (event) => event.preventDefault() }, buttons.map(
      ([sign, name, click]) => h("button", { type: "button", tabindex: -1, "aria-label": name, click }, sign)), this.fault);
  }
  open(text) {
    this.cell.classList.add("editing");
    this.cell.append(this.input, this.stepper);
    this.keepInside();
    this.input.value = text ?? (this.before === null ? "" : String(Number(this.before.toFixed(6))));
    this.input.focus();
    if (text === undefined) this.input.select();
    else this.read();
  }
  keepInside() {
    keepInside(this.stepper, this.cell.closest(".cnn-widget"));
  }
  get isEmpty() {
    return this.input.value.trim() === "";
  }
  read() {
    const text = this.input.value, value = parse(text), wrong = Number.isNaN(value);
    this.input.setAttribute("aria-invalid", wrong);
    this.fault.textContent = !wrong ? "" : readings(text).length ? "two meanings" : "not a number";
    this.keepInside();
    this.onerror?.(wrong ? misread(text) : "");
    if (!wrong) this.onedit(...placeOf(this.cell), value);
    return !wrong;
  }
  /** What cannot be read is not stepped from: the sentence about it stays. */
  change(by) {
    const value = this.isEmpty ? 0 : parse(this.input.value);
    if (!Number.isNaN(value)) this.input.value = String(Number(by(value).toPrecision(12)));
    this.read();
  }
  step(amount) {
    this.change((value) => value + amount);
  }
  keydown(event) {
    event.stopPropagation();
    if (event.key === "ArrowUp" || event.key === "ArrowDown") {
      event.preventDefault();
      this.step(event.key === "ArrowUp" ? 1 : -1);
    } else if (event.key === "Escape" || (event.key === "Enter" && (this.isEmpty || this.read()))) {
      event.preventDefault(); // Escape leaves the cell, and not a window that the widget fills
      this.finish(event.key === "Escape");
      if (event.key === "Enter") this.next();
      else this.cell.focus();
    }
  }
  /** Ends editing. `restore` is true to give up, false to keep what can be read, and missing when the cells go. */
  finish(restore) {
    if (this.done) return;
    this.done = true;
    const { cell, input, before } = this;
    const unread = restore === false && !this.isEmpty && Number.isNaN(parse(input.value));
    if (restore || unread) this.onedit(...placeOf(cell), before);
    input.remove();
    this.stepper.remove();
    cell.classList.remove("editing");
    this.onerror?.(unread ? `${misread(input.value)} The cell ${before === null ? "stays empty" : `keeps ${format(before)}`}.` : "");
  }
}

class Grid {
  #options; #body; #frame; #edges;
  #cells = new Map(); #values = []; #shape = ""; #active = [0, 0]; #editor = null; #ends = null; #met = new Set();

  constructor(options) {
    const { label, tone, counted, onedit, onhover } = options;
    this.#options = options;
    this.#body = h("div", { class: "number-rows", role: "grid", "aria-label": label, "aria-readonly": onedit ? null : "true",
      click: (event) => this.#click(event), keydown: (event) => this.#keydown(event) });
    this.#frame = h("div", { class: "number-frame", "aria-hidden": "true" });
    this.#edges = h("div", { class: "number-edges", "aria-hidden": "true" });
    this.element = h("div", { class: `number-grid ${tone} ${onedit ? "editable" : ""} ${counted ? "counted" : ""}`, translate: "no" },
      this.#body, this.#frame, this.#edges);
    if (!onhover) return;
    this.#body.addEventListener("pointerover", (event) => {
      const cell = event.target.closest(".number");
      if (cell && event.pointerType === "mouse" && this.#inside(...placeOf(cell))) onhover(...placeOf(cell));
    });
    this.#body.addEventListener("pointerleave", () => onhover());
  }

  rename(label) {
    this.#body.setAttribute("aria-label", label);
  }
  cell(row, column) {
    return this.#cells.get(`${row},${column}`);
  }
  /** Makes a cell the one that Tab leads to. */
  activate(row, column) {
    this.cell(...this.#active)?.removeAttribute("tabindex");
    this.#active = [row, column];
    this.cell(row, column).tabIndex = 0;
  }
  #inside(row, column) {
    return this.#values[row]?.[column] !== undefined;
  }

  #build(rows, columns, border) {
    this.#cells = new Map();
    this.#body.replaceChildren();
    for (let i = -border.top; i < rows + border.bottom; i++) {
      const line = h("div", { class: "number-row", role: "row" });
      for (let j = -border.left; j < columns + border.right; j++) {
        const cell = h("div", { class: "number", role: "gridcell", "data-row": i, "data-column": j });
        this.#cells.set(`${i},${j}`, cell);
        line.append(cell);
      }
      this.#body.append(line);
    }
    this.element.style.setProperty("--columns", columns + border.left + border.right);
    this.#count(rows, columns, border);
  }
  /** The numbers of rows and columns, outside the edges; of a small picture, since in a large one none could be read. */
  #count(rows, columns, border) {
    const label = (side, index, before) => h("span", { class: side, style: `--at: ${index + before}` }, String(index));
    const labels = (side, length, before) => (length > 1 ? Array.from({ length }, (_, i) => label(side, i, before)) : []);
    const small = this.#options.counted && Math.max(rows, columns) <= MOST_COUNTED;
    this.#edges.replaceChildren(...(small ? [...labels("edge-row", rows, border.top), ...labels("edge-column", columns, border.left)] : []));
    this.element.toggleAttribute("data-rows", small && rows > 1);
  }

  #edit(cell, text) {
    this.#editor?.finish(false);
    const [row, column] = placeOf(cell);
    this.#editor = new Editor(cell, this.#values[row][column], this.#options, () => this.#next(cell));
    this.#editor.open(text);
  }
  /** After Enter: the same cell, or in a grid that is to be filled the one after it. */
  #next(cell) {
    const { onend } = this.#options, all = [...this.#cells.values()];
    const next = all[all.indexOf(cell) + 1];
    if (!onend) cell.focus();
    else if (!next) onend();
    else {
      this.activate(...placeOf(next));
      this.#edit(next);
    }
  }
  #click(event) {
    const cell = event.target.closest(".number");
    if (!cell || !this.#inside(...placeOf(cell)) || event.target.closest("input, .stepper")) return;
    this.activate(...placeOf(cell));
    this.#options.onselect?.(...placeOf(cell));
    if (this.#options.onedit) this.#edit(cell);
    else cell.focus();
  }
  #keydown(event) {
    const cell = event.target.closest(".number"), { onselect, onedit } = this.#options;
    if (!cell || event.ctrlKey || event.metaKey || event.altKey) return;
    const [row, column] = placeOf(cell);
    const to = MOVES[event.key]?.map((by, i) => [row, column][i] + by)
      ?? { Home: [row, 0], End: [row, this.#values[row].length - 1] }[event.key];
    if (to) {
      event.preventDefault();
      if (!this.#inside(...to)) return;
      this.activate(...to);
      this.cell(...to).focus();
      onselect?.(...to);
    } else if (onedit && /^(Enter|F2|[-−+.,\d])$/.test(event.key)) {
      event.preventDefault();
      this.#edit(cell, event.key.length > 1 ? undefined : event.key);
    }
  }

  /** The numbers for black and white. One number that is new was edited: it does not turn the others dark. */
  #fitted(numbers) {
    const fresh = new Set(numbers.filter((number) => !this.#met.has(number)));
    this.#met = new Set(numbers);
    return this.#ends && fresh.size < 2 ? this.#ends : [Math.min(0, ...numbers), white(numbers)];
  }
  #draw(cell, look) {
    const [row, column] = placeOf(cell), { tone } = this.#options;
    const real = this.#inside(row, column), value = real ? this.#values[row][column] : 0;
    const { text = value === null ? "" : brief(value), mark = "", note = "" } = look(row, column);
    const editing = this.#editor && !this.#editor.done && this.#editor.cell === cell;
    cell.className = `number ${real ? "" : "padding"} ${mark} ${editing ? "editing" : ""}`;
    if (text === "?" || !real) cell.style.background = cell.style.color = "";
    else paint(cell, value, tone, ...this.#ends);
    if (LIGHT[tone]) markBeyond(cell, text === "?" ? 0 : value, this.#ends);
    if (cell.firstChild?.nodeType !== Node.TEXT_NODE) cell.prepend("");
    if (cell.firstChild.data !== text) cell.firstChild.data = text;
    cell.toggleAttribute("data-long", text.length > 3);
    cell.toggleAttribute("data-longer", text.length > 5);
    if (note) cell.dataset.note = note;
    else delete cell.dataset.note;
    if (cell.classList.contains("current")) cell.setAttribute("aria-selected", "true");
    else cell.removeAttribute("aria-selected");
  }
  update(values, { border = NO_BORDER, cell: look = () => ({}), frame: box = null, scale = values, range } = {}) {
    this.#values = values;
    const shape = JSON.stringify([values.length, values[0].length, border]);
    if (shape !== this.#shape) {
      this.#editor?.finish();
      this.#shape = shape;
      this.#build(values.length, values[0].length, border);
      this.activate(...(this.#inside(...this.#active) ? this.#active : [0, 0]));
    }
    const numbers = scale.flat().map(Number);
    this.#ends = LIGHT[this.#options.tone] ? range ?? this.#fitted(numbers) : [0, Math.max(...numbers.map(Math.abs))];
    for (const cell of this.#cells.values()) this.#draw(cell, look);
    const current = this.#body.querySelector(".current");
    if (current && !this.element.contains(document.activeElement)) this.activate(...placeOf(current));
    this.#frame.hidden = !box;
    if (!box) return;
    const { row, column, rows, columns } = box;
    for (const [name, number] of Object.entries({ row: row + border.top, column: column + border.left, rows, columns }))
      this.#frame.style.setProperty(`--${name}`, number);
  }
}

/**
 * grid({label, tone, counted, onedit, onend, onselect, onhover, onerror})
 *   tone      "gray" for pixels, "red", "green" or "blue" for one plane of them, "signed" for weights and maps
 *   onedit    (row, column, value): makes the cells editable
 *   onend     (): Enter goes from each cell to the next, and calls this after the last
 *   onselect  (row, column): a click, Enter or an arrow key chose a cell
 *   onhover   (row, column), or () on leaving
 * update(values, {border, cell, frame, scale, range}) draws. `border` is {top, bottom, left, right} rings of
 * zeros; `cell(row, column)` gives a cell's {text, mark, note}; rows and columns count from the
 * first number, so the border's are negative. A value of null is a cell still empty. `frame` is {row, column, rows, columns}.
 * `counted` is false where rows and columns have names, or are a part of a larger picture's.
 * `range` says which numbers are black and white; else it follows from `scale`, all numbers of the picture.
 * Tab leads to the cell marked "current", unless the focus is in the grid; cell(row, column) is an element.
 */
export const grid = (options) => new Grid({ counted: true, ...options });
