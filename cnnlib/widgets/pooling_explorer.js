// A window slides over a map; of each window the largest number, or the mean, is kept.
import { announcer, copyWith, factor, field, format, h, mount, select, setter, speaker } from "./shared/view/dom.js";
import { grid } from "./shared/view/grid.js";
import { countedCells, pool2d, poolGeometry, poolValue, poolWindow, winnerOf } from "./shared/math/cells.js";
import { sum, table } from "./shared/math/lists.js";
import { skipped } from "./shared/math/shapes.js";
import { player, spacePlays } from "./shared/view/player.js";
import { MISCOUNTS, POOLING, frameOf, inMode, mapCell, noteBelow, poolingControls, poolingOf, poolingProblem, ringsOf, windowNotes } from "./shared/view/pooled.js";
import { prediction } from "./shared/view/predict.js";
import { IMAGES } from "./shared/view/presets.js";

const DATA = ["image", ...POOLING];
const GIVEN = "as given";

const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
const written = (value) => (Number.isFinite(value) ? format(value) : "−∞");

/** What the usual slips make of a window. */
function explain(cells, options, largest) {
  const values = countedCells(cells, options).map((cell) => cell.value);
  const pixels = cells.filter(({ kind }) => kind === "pixel").map((cell) => cell.value);
  const slips = {
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
      ...MISCOUNTS.map(([count, words]) => [sum(pixels) / count(cells), words]),
    ],
  };
  const otherwise = {
    max: pixels.length < cells.length ? "Not that. Take the largest of the framed numbers; padding never wins."
      : "Not that. Take the largest of the framed numbers.",
    average: "Not that. Add the framed numbers, then divide by how many they are.",
  };
  return { slips: slips[options.mode], otherwise: otherwise[options.mode] };
}

/** The rows and columns that no window reads, in words. */
function neverRead({ rows, columns }) {
  const words = Object.entries({ row: rows, column: columns }).map(([word, side]) => {
    const places = skipped(side).map((index) => index - side.before);
    const inside = places.filter((place) => place >= 0 && place < side.size);
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
    const options = poolingOf(get);
    const winner = options.mode === "max" && !isHidden ? winnerOf(cells, options) : null;
    image.update(get("image"), { border: ringsOf(shape), frame: frameOf(shape, i, j),
      cell: (...place) => mapCell(shape, cells, winner, options, ...place) });
    imageCaption.replaceChildren(h("b", {}, "Map"), ` ${rows.size} × ${columns.size}`,
      neverRead(shape) ? h("span", { class: "note" }, `never read: ${neverRead(shape)}`) : "");
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
        ...windowNotes(cells, options, winner).map(noteBelow));
    },
  };
}

/** Max or average, window, stride, and what is changed less often. */
function createControls({ get, change, restart, initial }) {
  const size = () => [get("image").length, get("image")[0].length];
  const modes = ["max", "average"].map((mode) => h("button", { type: "button", click: () => change(inMode(mode)) }, mode));
  const pooling = poolingControls({ get, change, largest: 8,
    resize: (rows, columns) => change({ image: table(rows, columns, (i, j) => get("image")[i]?.[j] ?? 0) }) });
  const numbers = select([GIVEN, ...IMAGES.keys(), "edited"].map((name) => [name, name]), (name) =>
    change({ image: name === GIVEN ? initial.image : IMAGES.get(name)(...size()) }));
  numbers.options[numbers.options.length - 1].disabled = true; // a state, not a choice
  const predict = h("input", { type: "checkbox", change: () => restart({ predict: predict.checked }) });

  const element = h("div", {},
    h("div", { class: "controls" },
      h("span", { class: "modes", role: "group", "aria-label": "Pooling" }, modes), pooling.window, pooling.stride,
      h("label", { class: "tick" }, predict, "Predict first"),
      h("button", { type: "button", click: () => restart(initial) }, "Reset")),
    h("details", {}, h("summary", {}, "Padding, dilation, ceil_mode, size"),
      h("div", { class: "controls" }, pooling.options, pooling.size, field("Numbers", numbers)),
      pooling.formula));
  return {
    element,
    update(shape) {
      for (const button of modes) button.setAttribute("aria-pressed", button.textContent === get("mode"));
      pooling.update(shape);
      const made = [...IMAGES.keys()].find((name) => same(IMAGES.get(name)(...size()), get("image")));
      numbers.value = made ?? (same(get("image"), initial.image) ? GIVEN : "edited");
      predict.checked = get("predict");
    },
  };
}

function render({ model, el }) {
  const get = (name) => model.get(name);
  const set = setter(model);
  const initial = Object.fromEntries(DATA.map((name) => [name, get(name)]));
  const known = new Set(); // the numbers that were predicted or shown
  let hover = null, drawn = "", columns = 1, count = 1;

  const position = () => Math.min(get("position"), count - 1);
  function complain(message) {
    if (error.textContent !== message) error.textContent = message;
  }
  /** Sets what a reader changed, unless torch would refuse it. */
  function change(traits) {
    const message = poolingProblem(traits.image ?? get("image"), { ...poolingOf(get), ...traits });
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
    const image = get("image"), chosen = poolingOf(get);
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
    const where = `row ${i}, column ${j}`;
    bar.update(position(), count, where);
    controls.update(shape);
    predict.element.hidden = !get("predict");
    if (hover) return;
    predict.update({ key: position() + data, total: poolValue(cells, chosen), score: get("score"), known: !isHidden,
      question: `Which number belongs in ${where}?`,
      explain: () => explain(cells, chosen, Math.max(...image.flat())) });
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
