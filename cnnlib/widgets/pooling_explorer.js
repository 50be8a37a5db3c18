// A window slides over a map; of each window the largest number, or the mean, is kept.
import { announcer, copyWith, factor, field, format, h, mount, sameNumber, select, setter, speaker } from "./shared/dom.js";
import { grid } from "./shared/grid.js";
import { pair, sum, table } from "./shared/ops.js";
import { player, spacePlays } from "./shared/player.js";
import { countedCells, kindAt, pool2d, poolGeometry, poolValue, poolWindow, winnerOf } from "./shared/pooling.js";
import { prediction } from "./shared/predict.js";
import { IMAGES } from "./shared/presets.js";

const GEOMETRY = ["mode", "kernel_size", "stride", "padding", "dilation", "ceil_mode", "count_include_pad"];
const DATA = ["image", ...GEOMETRY];
const WHOLE = "whole map", GIVEN = "as given";

const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
const written = (value) => (Number.isFinite(value) ? format(value) : "−∞");
const note = (text) => h("span", { class: "note" }, text);

/** Why torch would refuse this, or "". */
function problem(all) {
  const shape = poolGeometry(all.image, all);
  for (const [i, [name, side]] of Object.entries(shape).entries()) {
    const padding = pair(all.padding)[i], half = Math.floor(side.kernel / 2);
    if (padding > half)
      return `Padding ${padding} is more than half of a window of ${side.kernel}: at most ${half} is allowed.`;
    if (side.output < 1)
      return `The window spans ${side.extent} ${name}, but the map has ${side.size + 2 * padding}`
        + `${padding ? " with its padding" : ""}.`;
  }
  return "";
}

/** What a wrong answer is the number of. */
function explain(answer, cells, options, largest) {
  const values = countedCells(cells, options).map((cell) => cell.value);
  const pixels = cells.filter(({ kind }) => kind === "pixel").map((cell) => cell.value);
  const padded = cells.filter(({ kind }) => kind !== "beyond").length;
  const cases = {
    max: [
      [sum(values) / values.length, "That is the mean. Here the largest is asked for."],
      [sum(values), "That is the sum. Nothing is added here: take the largest."],
      [Math.min(...values), "That is the smallest."],
      [Math.max(...values.map(Math.abs)), "A minus sign was lost: the largest is not the one furthest from 0."],
      [largest, "That is the largest of the whole map. Look at the framed window."],
    ],
    average: [
      [sum(values), `That is the sum. Divide it by ${values.length}.`],
      [Math.max(...values), "That is the largest. Here the mean is asked for."],
      [sum(pixels) / pixels.length, "The padding's zeros count too: count_include_pad is on."],
      [sum(pixels) / padded, "The padding's zeros do not count: divide by the pixels alone."],
      [sum(pixels) / cells.length, "What lies past the end never counts: divide by fewer."],
    ],
  };
  const otherwise = {
    max: pixels.length < cells.length ? "Not that. Take the largest of the framed numbers; padding never wins."
      : "Not that. Take the largest of the framed numbers.",
    average: "Not that. Add the framed numbers, then divide by how many they are.",
  };
  return cases[options.mode].find(([value]) => sameNumber(answer, value))?.[1] ?? otherwise[options.mode];
}

/** The rows and columns that no window reads, in words. */
function neverRead({ rows, columns }) {
  const words = Object.entries({ row: rows, column: columns }).map(([word, side]) => {
    const places = side.skipped.map((index) => index - side.before + 1);
    const inside = places.filter((place) => place >= 1 && place <= side.size);
    return inside.length ? `${word}${inside.length > 1 ? "s" : ""} ${inside.join(", ")}` : "";
  });
  return words.filter(Boolean).join(" and ");
}

/** The map and the pooled map, each under its caption. */
function createMaps({ get, change, complain, choose, onhover }) {
  const [imageCaption, mapCaption] = [0, 1].map(() => h("div", { class: "caption" }));
  const image = grid({ label: "Map", tone: "signed", onerror: complain,
    onedit: (row, column, value) => change({ image: copyWith(get("image"), [row, column], value) }) });
  const map = grid({ label: "Pooled map", tone: "signed", onselect: choose,
    onhover: (row, column) => onhover(row === undefined ? null : { i: row, j: column }) });
  const element = h("div", { class: "stage" },
    h("div", {}, imageCaption, image.element), h("div", {}, mapCaption, map.element));

  function drawImage(shape, cells, i, j, isHidden) {
    const { rows, columns } = shape;
    const max = get("mode") === "max";
    const winner = max && !isHidden ? winnerOf(cells, { mode: "max" }) : null;
    const dilated = rows.dilation * columns.dilation > 1;
    const isRead = (row, column) => dilated && cells.some((cell) => cell.row === row && cell.column === column);
    image.update(get("image"), {
      border: { top: rows.before, bottom: rows.after, left: columns.before, right: columns.after },
      frame: { row: i * rows.stride - rows.before, column: j * columns.stride - columns.before,
        rows: rows.extent, columns: columns.extent },
      cell: (row, column) => {
        const kind = kindAt(shape, row, column);
        if (kind !== "pixel")
          return { mark: kind, text: kind === "beyond" ? "" : max ? "−∞" : get("count_include_pad") ? "0" : "" };
        const skipped = rows.skipped.includes(row + rows.before) || columns.skipped.includes(column + columns.before);
        const won = winner?.row === row && winner.column === column;
        const marks = [skipped && "skipped", won && "winner", isRead(row, column) && "read"];
        return { mark: marks.filter(Boolean).join(" "), note: won ? "★" : "" };
      },
    });
    imageCaption.replaceChildren(h("b", {}, "Map"), ` ${rows.size} × ${columns.size}`,
      neverRead(shape) ? note(`never read: ${neverRead(shape)}`) : "");
  }
  function drawMap({ rows, columns }, output, i, j, hidden) {
    const last = get("position");
    map.update(output, {
      scale: get("image").flat(),
      frame: { row: i, column: j, rows: 1, columns: 1 },
      cell: (row, column) => {
        const index = row * columns.output + column;
        const mark = `${row === i && column === j ? "current" : ""} ${index > last ? "later" : ""}`;
        return { mark, text: hidden(index) ? "?" : Number.isFinite(output[row][column]) ? undefined : "−∞" };
      },
    });
    if (!map.element.contains(document.activeElement)) map.activate(i, j);
    mapCaption.replaceChildren(h("b", {}, "Pooled"), ` ${rows.output} × ${columns.output}`);
  }

  return {
    element,
    update(shape, output, cells, i, j, hidden) {
      drawImage(shape, cells, i, j, hidden(i * shape.columns.output + j));
      drawMap(shape, output, i, j, hidden);
      const across = shape.columns.padded + shape.columns.output + 1;
      element.style.setProperty("--across", across);
      element.classList.toggle("large", across > 11);
    },
    light(cell) {
      for (const lit of element.querySelectorAll(".lit")) lit.classList.remove("lit");
      if (!cell) return;
      image.element.querySelector(`[data-row="${cell.row}"][data-column="${cell.column}"]`)?.classList.add("lit");
    },
  };
}

/** What must be said about ties, padding and cells past the end. */
function notes(cells, options, winner) {
  const beyond = cells.filter(({ kind }) => kind === "beyond").length;
  const padding = cells.filter(({ kind }) => kind === "padding").length;
  const equals = countedCells(cells, options).filter(({ value }) => value === winner?.value).length;
  return [
    equals > 1 && `${equals} are equally large; the first of them, row by row, is marked, as in torch.`,
    beyond && `${beyond} of ${cells.length} cells lie past the end and do not count.`,
    padding && options.mode === "average" && !options.count_include_pad
      && `${padding} cells of padding do not count.`,
  ].filter(Boolean).map(note);
}

/** One window, written out: max of its numbers, or their sum divided by how many they are. */
function createSum(onlight) {
  const element = h("div", { class: "sum" });
  let shown = [];
  element.addEventListener("pointerover", (event) =>
    onlight(shown[event.target.closest("[data-term]")?.dataset.term] ?? null));
  element.addEventListener("pointerleave", () => onlight(null));

  return {
    element,
    update(cells, options, isHidden) {
      const max = options.mode === "max";
      shown = max ? cells.filter(({ kind }) => kind !== "beyond") : countedCells(cells, options);
      const winner = max && !isHidden ? winnerOf(cells, options) : null;
      const text = (cell) => (max ? (cell.kind === "padding" ? "−∞" : format(cell.value)) : factor(cell.value));
      const brackets = max || shown.length === 1 ? ["", ""] : ["(", ")"];
      const terms = shown.flatMap((cell, t) => {
        const last = t === shown.length - 1;
        return [h("span", { class: "terms" }, t ? "" : brackets[0],
          h("span", { "data-term": t, class: `term ${cell === winner ? "winner" : ""}` }, text(cell)),
          last ? brackets[1] : max ? "," : " +"), " "];
      });
      const total = h("strong", {}, isHidden ? "?" : written(poolValue(cells, options)));
      element.replaceChildren(
        h("p", {}, max ? "max of " : "", terms,
          h("span", { class: "terms" }, max ? "= " : `/ ${shown.length} = `, total)),
        ...notes(cells, options, winner));
    },
  };
}

/** One side's size with its numbers; ceil_mode rounds up, unless the last window would begin past the end. */
function sized(name, side, ceil) {
  const up = Math.ceil((side.size + 2 * side.before - side.extent) / side.stride) + 1;
  const [open, close] = ceil ? ["⌈", "⌉"] : ["⌊", "⌋"];
  const room = `(${side.size} + 2·${side.before} − ${side.dilation}·(${side.kernel} − 1) − 1) / ${side.stride}`;
  const dropped = ceil && up > side.output ? `${up}, less one that would begin past the end = ` : "";
  return h("span", {}, `${name}: ${open}${room}${close} + 1 = ${dropped}${side.output}`);
}

/** Max or average, window, stride, and what is changed less often. */
function createControls({ get, change, restart, initial }) {
  const upTo = (last, first = 1) =>
    Array.from({ length: last - first + 1 }, (_, i) => [first + i, String(first + i)]);
  const size = () => [get("image").length, get("image")[0].length];
  const modes = ["max", "average"].map((mode) => h("button", { type: "button",
    click: () => change(mode === "max" ? { mode } : { mode, dilation: 1 }) }, mode));
  const kernel = select([...upTo(5), [WHOLE, WHOLE]], (value) =>
    change(value === WHOLE ? { kernel_size: size(), padding: 0, dilation: 1 } : { kernel_size: Number(value) }));
  const steps = Object.entries({ stride: upTo(4), padding: upTo(2, 0), dilation: upTo(3) }).map(
    ([name, values]) => [name, select(values, (value) => change({ [name]: Number(value) }))]);
  const [stride, padding, dilation] = steps.map(([name, control]) =>
    field(name[0].toUpperCase() + name.slice(1), control));
  const ticks = ["ceil_mode", "count_include_pad"].map((name) => {
    const box = h("input", { type: "checkbox", change: () => change({ [name]: box.checked }) });
    return { name, box, label: h("label", { class: "tick" }, box, name) };
  });
  const sides = ["rows", "columns"].map((name, side) => {
    const control = select(upTo(8), (value) => {
      const [rows, columns] = copyWith(size(), [side], Number(value));
      change({ image: table(rows, columns, (i, j) => get("image")[i]?.[j] ?? 0) });
    });
    control.setAttribute("aria-label", `Map ${name}`);
    return control;
  });
  const numbers = select([GIVEN, ...IMAGES.keys(), "edited"].map((name) => [name, name]), (name) =>
    change({ image: name === GIVEN ? initial.image : IMAGES.get(name)(...size()) }));
  numbers.options[numbers.options.length - 1].disabled = true; // a state, not a choice
  const predict = h("input", { type: "checkbox", change: () => restart({ predict: predict.checked }) });
  const formula = h("p", { class: "formula" });

  /** Shows a value, adding it to the choices when it is none of the usual ones. */
  function show(control, value) {
    const [rows, columns] = pair(value);
    const text = rows === columns ? String(rows) : `${rows} × ${columns}`;
    if (![...control.options].some((option) => option.value === text))
      control.append(h("option", { value: text, disabled: true }, text));
    control.value = text;
  }

  const element = h("div", {},
    h("div", { class: "controls" },
      h("span", { class: "modes", role: "group", "aria-label": "Pooling" }, modes), field("Window", kernel), stride,
      h("label", { class: "tick" }, predict, "Predict first"),
      h("button", { type: "button", click: () => restart(initial) }, "Reset")),
    h("details", {}, h("summary", {}, "Padding, dilation, ceil_mode, size"),
      h("div", { class: "controls" }, padding, dilation, ticks.map((tick) => tick.label),
        h("span", { class: "field" }, h("span", {}, "Map"), sides[0], "×", sides[1]), field("Numbers", numbers)),
      formula));
  return {
    element,
    update(shape) {
      for (const button of modes) button.setAttribute("aria-pressed", button.textContent === get("mode"));
      if (same(get("kernel_size"), size())) kernel.value = WHOLE;
      else show(kernel, get("kernel_size"));
      for (const [name, control] of steps) show(control, get(name));
      dilation.hidden = get("mode") === "average";
      for (const { name, box, label } of ticks) {
        box.checked = get(name);
        label.hidden = name === "count_include_pad" && get("mode") === "max";
      }
      sides.forEach((control, side) => show(control, size()[side]));
      const made = [...IMAGES.keys()].find((name) => same(IMAGES.get(name)(...size()), get("image")));
      numbers.value = made ?? (same(get("image"), initial.image) ? GIVEN : "edited");
      predict.checked = get("predict");
      formula.replaceChildren(...Object.entries(shape).map(([name, side]) => sized(name, side, get("ceil_mode"))));
    },
  };
}

function render({ model, el }) {
  const get = (name) => model.get(name);
  const set = setter(model);
  const options = () => Object.fromEntries(GEOMETRY.map((name) => [name, get(name)]));
  const initial = Object.fromEntries(DATA.map((name) => [name, get(name)]));
  const known = new Set(); // the numbers that were predicted or shown
  let hover = null, drawn = "", columns = 1, count = 1;

  const position = () => Math.min(get("position"), count - 1);
  function complain(message) {
    if (error.textContent !== message) error.textContent = message;
  }
  /** Sets what a reader changed, unless torch would refuse it. */
  function change(traits) {
    const message = problem({ image: get("image"), ...options(), ...traits });
    complain(message);
    if (message) draw();
    else set(traits);
  }
  function choose(row, column) {
    bar.pause();
    hover = null;
    set({ position: row * columns + column });
  }
  function restart(traits) {
    bar.pause();
    known.clear();
    change({ position: 0, score: [0, 0], ...traits });
  }
  function onhover(place) {
    if (bar.playing || same(place, hover)) return;
    hover = place;
    draw();
  }

  const error = h("p", { class: "error", role: "alert" });
  const live = announcer();
  const maps = createMaps({ get, change, complain, choose, onhover });
  const sums = createSum(maps.light);
  const bar = player({ label: "Position of the window", onmove: (to) => set({ position: to }) });
  const predict = prediction({
    onnext: () => set({ position: (position() + 1) % count }),
    onreveal: (right) => {
      const [good, asked] = get("score");
      if (!known.has(position())) set({ score: [good + (right ? 1 : 0), asked + 1] });
      known.add(position());
      draw();
    },
  });
  const controls = createControls({ get, change, restart, initial });

  function draw() {
    const image = get("image"), chosen = options();
    const data = JSON.stringify([image, chosen]);
    if (data !== drawn) {
      known.clear();
      hover = null;
    }
    drawn = data;
    const shape = poolGeometry(image, chosen);
    columns = shape.columns.output;
    count = shape.rows.output * columns;
    const { i, j } = hover ?? { i: Math.floor(position() / columns), j: position() % columns };
    const hidden = (index) => get("predict") && !known.has(index);
    const isHidden = hidden(i * columns + j);
    const cells = poolWindow(image, shape, i, j);
    sums.update(cells, chosen, isHidden);
    maps.update(shape, pool2d(image, chosen), cells, i, j, hidden);
    const where = `row ${i + 1}, column ${j + 1}`;
    bar.update(position(), count, where);
    controls.update(shape);
    predict.element.hidden = !get("predict");
    if (hover) return;
    predict.update({ key: position() + data, total: poolValue(cells, chosen), score: get("score"), known: !isHidden,
      question: `Which number belongs in ${where}?`,
      explain: (answer) => explain(answer, cells, chosen, Math.max(...image.flat())) });
    speak(`${where}: ${isHidden ? "hidden" : said(cells, chosen)}`);
  }
  function said(cells, chosen) {
    const values = countedCells(cells, chosen).map(({ value }) => value);
    const result = written(poolValue(cells, chosen));
    return chosen.mode === "max" ? `the largest of ${values.map((value) => format(value)).join(", ")} is ${result}`
      : `${format(sum(values))} divided by ${values.length} is ${result}`;
  }
  const speak = speaker(live, bar);

  const root = h("div", { class: "cnn-widget pooling-explorer", role: "group", "aria-label": "Pooling explorer" },
    maps.element, sums.element, bar.element, predict.element, error, controls.element, live);
  spacePlays(root, bar);
  return mount(el, root, model, draw, () => bar.pause());
}

export default { render };
