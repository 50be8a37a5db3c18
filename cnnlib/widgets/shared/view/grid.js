// A grid of numbers: one tab stop, arrows move, typing edits, a frame that glides over it.
import { brief, format, h, misread, parse, readings } from "./dom.js";

const MOST_COUNTED = 16;
const MOVES = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

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

/** The value drawn white: 1 for fractions, 9 for digits, else the largest there is. */
function white(numbers) {
  const largest = Math.max(...numbers);
  return [1, 9].find((top) => largest <= top) ?? largest;
}

/** Moves an element sideways until it lies within its host. */
function keepInside(element, host) {
  const [own, all] = [element, host].map((one) => one.getBoundingClientRect());
  const shift = Math.max(0, all.left - own.left) - Math.max(0, own.right - all.right);
  element.style.marginLeft = `${shift}px`;
}

/**
 * grid({label, tone, border, onedit, onselect, onhover, onerror})
 *   tone      "gray" for pixels, "red", "green" or "blue" for one plane of them, "signed" for weights and maps
 *   onedit    (row, column, value): makes the cells editable
 *   onselect  (row, column): a click, Enter or an arrow key chose a cell
 *   onhover   (row, column), or () on leaving
 * update(values, {border, cell, frame, scale, range}) draws. `border` is {top, bottom, left, right} rings of
 * zeros; `cell(row, column)` gives a cell's {text, mark, note}; rows and columns count from the
 * first number, so the border's are negative. A value of null is a cell still empty. `frame` is {row, column, rows, columns}.
 * `counted` is false where rows and columns have names, or are a part of a larger picture's.
 * `range` says which numbers are black and white; else it follows from `scale`, all numbers of the picture.
 */
export function grid({ label, tone, counted = true, onedit, onselect, onhover, onerror }) {
  const body = h("div", { class: "number-rows", role: "grid", "aria-label": label, "aria-readonly": onedit ? null : "true" });
  const frame = h("div", { class: "number-frame", "aria-hidden": "true" });
  const edges = h("div", { class: "number-edges", "aria-hidden": "true" });
  const element = h("div", { class: `number-grid ${tone} ${onedit ? "editable" : ""} ${counted ? "counted" : ""}`, translate: "no" }, body, frame, edges);
  let cells = new Map(), values = [], shape = "", active = [0, 0], editor = null, ends = null, met = new Set();

  const key = (row, column) => `${row},${column}`;
  const place = (cell) => [Number(cell.dataset.row), Number(cell.dataset.column)];
  const isEmpty = (input) => input.value.trim() === "";
  const inside = (row, column) => values[row]?.[column] !== undefined;

  function build(rows, columns, border) {
    cells = new Map();
    body.replaceChildren();
    for (let i = -border.top; i < rows + border.bottom; i++) {
      const line = h("div", { class: "number-row", role: "row" });
      for (let j = -border.left; j < columns + border.right; j++) {
        const cell = h("div", { class: "number", role: "gridcell", "data-row": i, "data-column": j });
        cells.set(key(i, j), cell);
        line.append(cell);
      }
      body.append(line);
    }
    element.style.setProperty("--columns", columns + border.left + border.right);
    count(rows, columns, border);
  }

  /** The numbers of rows and columns, outside the edges; of a small picture, since in a large one none could be read. */
  function count(rows, columns, border) {
    const label = (side, index, before) => h("span", { class: side, style: `--at: ${index + before}` }, String(index));
    const labels = (side, length, before) => (length > 1 ? Array.from({ length }, (_, i) => label(side, i, before)) : []);
    const small = counted && Math.max(rows, columns) <= MOST_COUNTED;
    edges.replaceChildren(...(small ? [...labels("edge-row", rows, border.top), ...labels("edge-column", columns, border.left)] : []));
    element.toggleAttribute("data-rows", small && rows > 1);
  }

  function activate(row, column) {
    cells.get(key(...active))?.removeAttribute("tabindex");
    active = [row, column];
    cells.get(key(row, column)).tabIndex = 0;
  }

  /** Ends editing. `restore` is true to give up, false to keep what can be read, and missing when the cells go. */
  function finish(restore) {
    if (!editor) return;
    const { cell, input, before } = editor;
    const unread = restore === false && !isEmpty(input) && Number.isNaN(parse(input.value));
    editor = null;
    if (restore || unread) onedit(...place(cell), before);
    input.remove();
    cell.querySelector(".stepper").remove();
    cell.classList.remove("editing");
    onerror?.(unread ? `${misread(input.value)} The cell ${before === null ? "stays empty" : `keeps ${format(before)}`}.` : "");
  }

  function edit(cell, text) {
    finish(false);
    const [row, column] = place(cell);
    const before = values[row][column];
    const read = () => {
      const value = parse(input.value), wrong = Number.isNaN(value);
      input.setAttribute("aria-invalid", wrong);
      fault.textContent = !wrong ? "" : readings(input.value).length ? "two meanings" : "not a number";
      onerror?.(wrong ? misread(input.value) : "");
      if (!wrong) onedit(row, column, value);
      return !wrong;
    };
    // What cannot be read is not stepped from: the sentence about it stays.
    const change = (by) => {
      const value = isEmpty(input) ? 0 : parse(input.value);
      if (!Number.isNaN(value)) input.value = String(Number(by(value).toPrecision(12)));
      read();
    };
    const step = (amount) => change((value) => value + amount);
    const input = h("input", {
      type: "text", inputmode: "decimal", enterkeyhint: "done", autocomplete: "off",
      "aria-label": `${label}, row ${row}, column ${column}`,
      input: read,
      blur: () => finish(false),
      keydown: (event) => {
        event.stopPropagation();
        if (event.key === "ArrowUp" || event.key === "ArrowDown") {
          event.preventDefault();
          step(event.key === "ArrowUp" ? 1 : -1);
        } else if (event.key === "Escape" || (event.key === "Enter" && (isEmpty(input) || read()))) {
          finish(event.key === "Escape");
          cell.focus();
        }
      },
    });
    // Phones' number keyboards have no minus key, and no arrow keys.
    const fault = h("span", { class: "fault", "aria-hidden": "true" });
    const stepper = h("div", { class: "stepper", pointerdown: (event) => event.preventDefault() },
      [["−", "One less", () => step(-1)], ["±", "Change the sign", () => change((value) => -value)], ["+", "One more", () => step(1)]].map(
        ([sign, name, click]) => h("button", { type: "button", tabindex: -1, "aria-label": name, click }, sign)), fault);
    editor = { cell, input, before };
    cell.classList.add("editing");
    cell.append(input, stepper);
    keepInside(stepper, element.closest(".cnn-widget"));
    input.value = text ?? (before === null ? "" : String(Number(before.toFixed(6))));
    input.focus();
    if (text === undefined) input.select();
    else read();
  }

  /** The numbers for black and white. One number that is new was edited: it does not turn the others dark. */
  function fitted(numbers) {
    const fresh = new Set(numbers.filter((number) => !met.has(number)));
    met = new Set(numbers);
    return ends && fresh.size < 2 ? ends : [Math.min(0, ...numbers), white(numbers)];
  }
  /** Says of a pixel beyond black or white that it is. */
  function markBeyond(cell, value, [low, high]) {
    const [than, end] = value > high ? ["brighter than white", high] : ["darker than black", low];
    const beyond = value > high || value < low;
    cell.classList.toggle("beyond-range", beyond);
    if (beyond) cell.title = `${format(value)} is ${than}, which is ${format(end)}`;
    else cell.removeAttribute("title");
  }

  const cellOf = (event) => event.target.closest?.(".number");
  body.addEventListener("click", (event) => {
    const cell = cellOf(event);
    if (!cell || !inside(...place(cell)) || event.target.closest("input, .stepper")) return;
    activate(...place(cell));
    onselect?.(...place(cell));
    if (onedit) edit(cell);
    else cell.focus();
  });
  body.addEventListener("keydown", (event) => {
    const cell = cellOf(event);
    if (!cell || event.ctrlKey || event.metaKey || event.altKey) return;
    const [row, column] = place(cell);
    const to = MOVES[event.key]?.map((by, i) => [row, column][i] + by)
      ?? (event.key === "Home" ? [row, 0] : event.key === "End" ? [row, values[row].length - 1] : null);
    if (to) {
      event.preventDefault();
      if (!inside(...to)) return;
      activate(...to);
      cells.get(key(...to)).focus();
      onselect?.(...to);
    } else if (onedit && (event.key === "Enter" || event.key === "F2")) {
      event.preventDefault();
      edit(cell);
    } else if (onedit && /^[-−+.,\d]$/.test(event.key)) {
      event.preventDefault();
      edit(cell, event.key);
    }
  });
  if (onhover) {
    body.addEventListener("pointerover", (event) => {
      const cell = cellOf(event);
      if (cell && event.pointerType === "mouse" && inside(...place(cell))) onhover(...place(cell));
    });
    body.addEventListener("pointerleave", () => onhover());
  }

  function update(newValues, { border = { top: 0, bottom: 0, left: 0, right: 0 }, cell: look = () => ({}), frame: box = null, scale = newValues, range } = {}) {
    values = newValues;
    const newShape = JSON.stringify([values.length, values[0].length, border]);
    if (newShape !== shape) {
      finish();
      shape = newShape;
      build(values.length, values[0].length, border);
      activate(...(inside(...active) ? active : [0, 0]));
    }
    const numbers = scale.flat().map(Number);
    ends = LIGHT[tone] ? range ?? fitted(numbers) : [0, Math.max(...numbers.map(Math.abs))];
    for (const cell of cells.values()) {
      const [row, column] = place(cell);
      const real = inside(row, column);
      const value = real ? values[row][column] : 0;
      const { text = value === null ? "" : brief(value), mark = "", note = "" } = look(row, column);
      const type = real ? "" : "padding";
      cell.className = `number ${type} ${mark} ${cell === editor?.cell ? "editing" : ""}`;
      if (text === "?" || !real) cell.style.background = cell.style.color = "";
      else paint(cell, value, tone, ...ends);
      if (LIGHT[tone]) markBeyond(cell, text === "?" ? 0 : value, ends);
      if (cell.firstChild?.nodeType !== Node.TEXT_NODE) cell.prepend("");
      if (cell.firstChild.data !== text) cell.firstChild.data = text;
      cell.toggleAttribute("data-long", text.length > 3);
      cell.toggleAttribute("data-longer", text.length > 5);
      if (note) cell.dataset.note = note;
      else delete cell.dataset.note;
      if (mark.includes("current")) cell.setAttribute("aria-selected", "true");
      else cell.removeAttribute("aria-selected");
    }
    frame.hidden = !box;
    if (box) {
      const { row, column, rows, columns } = box;
      for (const [name, number] of Object.entries({ row: row + border.top, column: column + border.left, rows, columns }))
        frame.style.setProperty(`--${name}`, number);
    }
  }

  return { element, update, activate, rename: (text) => body.setAttribute("aria-label", text) };
}
