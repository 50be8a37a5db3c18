// A grid of numbers: one tab stop, arrows move, typing edits, a frame that glides over it.
import { brief, h, parse } from "./dom.js";

const MOVES = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

/** How much of red, green and blue light a pixel's number stands for, and how bright each is to the eye. */
const LIGHT = { gray: [1, 1, 1], red: [1, 0, 0], green: [0, 1, 0], blue: [0, 0, 1] };
const BRIGHTNESS = [0.2126, 0.7152, 0.0722];

/** Dark to light for pixels; one hue above zero and another below for everything else. */
function paint(cell, value, tone, low, high) {
  if (LIGHT[tone]) {
    const light = high > low ? Math.min(Math.max((value - low) / (high - low), 0), 1) : 0;
    const luminance = LIGHT[tone].reduce((total, part, i) => total + BRIGHTNESS[i] * (part * light) ** 2.2, 0);
    cell.style.background = `rgb(${LIGHT[tone].map((part) => Math.round(255 * part * light)).join(" ")})`;
    cell.style.color = luminance < 0.18 ? "#fff" : "#000";
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
 * update(values, {border, cell, frame, scale}) draws. `border` is {top, bottom, left, right} rings of
 * zeros; `cell(row, column)` gives a cell's {text, mark, note}; rows and columns count from the
 * first number, so the border's are negative. A value of null is a cell still empty. `frame` is {row, column, rows, columns}.
 */
export function grid({ label, tone, onedit, onselect, onhover, onerror }) {
  const body = h("div", { class: "number-rows", role: "grid", "aria-label": label, "aria-readonly": onedit ? null : "true" });
  const frame = h("div", { class: "number-frame", "aria-hidden": "true" });
  const element = h("div", { class: `number-grid ${tone} ${onedit ? "editable" : ""}` }, body, frame);
  let cells = new Map(), values = [], shape = "", active = [0, 0], editor = null;

  const key = (row, column) => `${row},${column}`;
  const place = (cell) => [Number(cell.dataset.row), Number(cell.dataset.column)];
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
  }

  function activate(row, column) {
    cells.get(key(...active))?.removeAttribute("tabindex");
    active = [row, column];
    cells.get(key(row, column)).tabIndex = 0;
  }

  function finish(restore) {
    if (!editor) return;
    const { cell, input, before } = editor;
    editor = null;
    if (restore) onedit(...place(cell), before);
    input.remove();
    cell.querySelector(".stepper").remove();
    cell.classList.remove("editing");
    onerror?.("");
  }

  function edit(cell, text) {
    finish();
    const [row, column] = place(cell);
    const before = values[row][column];
    const read = () => {
      const value = parse(input.value);
      input.setAttribute("aria-invalid", Number.isNaN(value));
      const wrong = Number.isNaN(value);
      fault.textContent = wrong ? "not a number" : "";
      onerror?.(wrong ? `“${input.value}” is not a number. Try 3, -1 or 1/9.` : "");
      if (!wrong) onedit(row, column, value);
    };
    const write = (value) => {
      input.value = String(Number(value.toFixed(6)));
      read();
    };
    const step = (amount) => write((parse(input.value) || 0) + amount);
    const input = h("input", {
      type: "text", inputmode: "decimal", enterkeyhint: "done", autocomplete: "off",
      "aria-label": `${label}, row ${row}, column ${column}`,
      input: read,
      blur: () => finish(),
      keydown: (event) => {
        event.stopPropagation();
        if (event.key === "ArrowUp" || event.key === "ArrowDown") {
          event.preventDefault();
          step(event.key === "ArrowUp" ? 1 : -1);
        } else if (event.key === "Enter" || event.key === "Escape") {
          finish(event.key === "Escape");
          cell.focus();
        }
      },
    });
    // Phones' number keyboards have no minus key, and no arrow keys.
    const fault = h("span", { class: "fault", "aria-hidden": "true" });
    const stepper = h("div", { class: "stepper", pointerdown: (event) => event.preventDefault() },
      [["−", "One less", () => step(-1)], ["±", "Change the sign", () => write(-(parse(input.value) || 0))], ["+", "One more", () => step(1)]].map(
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
    } else if (onedit && /^[-−.\d]$/.test(event.key)) {
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

  function update(newValues, { border = { top: 0, bottom: 0, left: 0, right: 0 }, cell: look = () => ({}), frame: box = null, scale = newValues } = {}) {
    values = newValues;
    const newShape = JSON.stringify([values.length, values[0].length, border]);
    if (newShape !== shape) {
      finish();
      shape = newShape;
      build(values.length, values[0].length, border);
      activate(...(inside(...active) ? active : [0, 0]));
    }
    const numbers = scale.flat().map(Number);
    const [low, high] = LIGHT[tone]
      ? [Math.min(0, ...numbers), white(numbers)]
      : [0, Math.max(...numbers.map(Math.abs))];
    for (const cell of cells.values()) {
      const [row, column] = place(cell);
      const real = inside(row, column);
      const value = real ? values[row][column] : 0;
      const { text = value === null ? "" : brief(value), mark = "", note = "" } = look(row, column);
      const type = real ? "" : "padding";
      cell.className = `number ${type} ${mark} ${cell === editor?.cell ? "editing" : ""}`;
      if (text === "?" || !real) cell.style.background = cell.style.color = "";
      else paint(cell, value, tone, low, high);
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
