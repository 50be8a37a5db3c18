// A window slides over a map; of each window the largest number, or the mean, is kept.
import { presets, same } from "./shared/view/controls.js";
import { button, copyWith, factor, format, h, light, pointedSum } from "./shared/view/dom.js";
import { dock, frame, group } from "./shared/view/frame.js";
import { grid, oneCell } from "./shared/view/grid.js";
import { countedCells, pool2d, poolGeometry, poolValue, poolWindow, winnerOf } from "./shared/math/cells.js";
import { sum, table } from "./shared/math/lists.js";
import { skipped } from "./shared/math/shapes.js";
import { player } from "./shared/view/player.js";
import { MISCOUNTS, POOLING, frameOf, inMode, mapCell, noteBelow, poolingControls, poolingOf, poolingProblem, ringsOf, windowNotes } from "./shared/view/pooled.js";
import { predictFirst } from "./shared/view/predict.js";
import { IMAGES } from "./shared/view/presets.js";

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
function createMaps({ get, complain }, { change, choose, onhover }) {
  const [imageCaption, mapCaption] = [0, 1].map(() => h("div", { class: "caption" }));
  const image = grid({ label: "Map", tone: "signed", onerror: complain,
    onedit: (row, column, value) => change({ image: copyWith(get("image"), [row, column], value) }) });
  const map = grid({ label: "Pooled map", tone: "signed", onselect: choose,
    onhover: (row, column) => onhover(row === undefined ? null : { i: row, j: column }) });
  const element = h("div", { class: "stage" },
    h("div", {}, imageCaption, image), h("div", {}, mapCaption, map));

  return {
    element,
    update({ image: values, shape, options, output, cells, winner, i, j, position, hidden }) {
      const { rows, columns } = shape, never = neverRead(shape);
      image.update(values, { border: ringsOf(shape), frame: frameOf(shape, i, j),
        cell: (...place) => mapCell(shape, cells, winner, options, ...place) });
      imageCaption.replaceChildren(h("b", {}, "Map"), ` ${rows.size} × ${columns.size}`,
        never ? h("span", { class: "note" }, `never read: ${never}`) : "");
      map.update(output, { scale: values.flat(), frame: oneCell(i, j), cell: (row, column) => {
        const index = row * columns.output + column;
        const mark = `${row === i && column === j ? "current" : ""} ${index > position ? "later" : ""}`;
        return { mark, text: hidden(index) ? "?" : Number.isFinite(output[row][column]) ? undefined : "−∞" };
      } });
      mapCaption.replaceChildren(h("b", {}, "Pooled"), ` ${rows.output} × ${columns.output}`);
      const across = columns.padded + columns.output + 1;
      element.style.setProperty("--across", across);
      element.classList.toggle("large", across > 11);
    },
    light: (cell) => light(element, cell ? [image.cell(cell.row, cell.column)] : []),
  };
}

/** One window, written out: max of its numbers, or their sum divided by how many they are. */
function createSum(onlight) {
  let shown = [];
  const { element, write } = pointedSum((index) => onlight(shown[index] ?? null));
  return {
    element,
    update({ cells, options, winner, isHidden }) {
      const max = options.mode === "max";
      shown = max ? cells.filter(({ kind }) => kind !== "beyond") : countedCells(cells, options);
      const text = (cell) => (max ? (cell.kind === "padding" ? "−∞" : format(cell.value)) : factor(cell.value));
      const brackets = max || shown.length === 1 ? ["", ""] : ["(", ")"];
      const terms = shown.flatMap((cell, t) => {
        const last = t === shown.length - 1;
        return [h("span", { class: "terms" }, t ? "" : brackets[0],
          h("span", { "data-term": t, class: `term ${cell === winner ? "winner" : ""}` }, text(cell)),
          last ? brackets[1] : max ? "," : " +"), " "];
      });
      const total = h("strong", {}, isHidden ? "?" : written(poolValue(cells, options)));
      write([
        h("p", {}, max ? "max of " : "", terms,
          h("span", { class: "terms" }, max ? "= " : `/ ${shown.length} = `, total)),
        ...windowNotes(cells, options, winner).map(noteBelow)]);
    },
  };
}

/** Max or average, window, stride, and what is changed less often. */
function createControls(own, change, ask) {
  const { get, initial } = own, size = () => [get("image").length, get("image")[0].length];
  const buttons = ["max", "average"].map((mode) => button(mode, () => change(inMode(mode))));
  const modes = { element: h("span", { class: "modes", role: "group", "aria-label": "Pooling" }, buttons),
    update: () => buttons.forEach((one) => one.setAttribute("aria-pressed", one.textContent === get("mode"))) };
  const pooling = poolingControls(own, { change, largest: 8,
    resize: (rows, columns) => change({ image: table(rows, columns, (i, j) => get("image")[i]?.[j] ?? 0) }) });
  const numbers = presets("Numbers", new Map([...IMAGES].map(([name, make]) => [name, () => make(...size())])),
    { read: () => get("image"), write: (image) => change({ image }), given: () => initial.image });
  const first = group({ class: "controls" }, modes, pooling.window, pooling.stride, ask.tick, own.reset);
  const more = group({ class: "controls" }, pooling.options, pooling.size, numbers);
  return { ...group({}, first, more, pooling.formula),
    element: h("div", {}, first, h("details", {}, h("summary", {}, "Padding, dilation, ceil_mode, size"), more, pooling.formula)) };
}

/** All that is drawn, from the traits and the place that the mouse points at. */
function stateOf(get, hover, ask) {
  const image = get("image"), options = poolingOf(get), shape = poolGeometry(image, options);
  const columns = shape.columns.output, count = shape.rows.output * columns;
  const position = Math.min(get("position"), count - 1);
  const { i, j } = hover ?? { i: Math.floor(position / columns), j: position % columns };
  const isHidden = ask.hidden(i * columns + j), cells = poolWindow(image, shape, i, j), where = `row ${i}, column ${j}`;
  return {
    image, options, shape, columns, count, position, i, j, hidden: ask.hidden, isHidden, cells, where, output: pool2d(image, options),
    winner: options.mode === "max" && !isHidden ? winnerOf(cells, options) : null,
    task: hover ? undefined : { key: position, total: poolValue(cells, options), where,
      explain: () => explain(cells, options, Math.max(...image.flat())) },
  };
}

function said(cells, options) {
  const values = countedCells(cells, options).map(({ value }) => value);
  const result = written(poolValue(cells, options));
  return options.mode === "max" ? `the largest of ${values.map((value) => format(value)).join(", ")} is ${result}`
    : `${format(sum(values))} divided by ${values.length} is ${result}`;
}

function build(own) {
  const { get, set, complain, draw } = own;
  let hover = null;
  const state = () => stateOf(get, hover, ask);
  /** Sets what a reader changed, unless torch would refuse it. */
  function change(traits) {
    const message = poolingProblem(traits.image ?? get("image"), { ...poolingOf(get), ...traits });
    if (!message) set(traits);
    complain(message);
    draw();
  }
  function choose(row, column) {
    bar.pause();
    hover = null;
    set({ position: row * state().columns + column });
  }
  function onhover(place) {
    if (bar.playing || same(place, hover)) return;
    hover = place;
    draw();
  }
  const bar = player(own, "Position of the window");
  const ask = predictFirst(own, { start: () => ({ position: 0 }), next() {
    const { position, count } = state();
    set({ position: (position + 1) % count });
  } });
  const maps = createMaps(own, { change, choose, onhover });
  return {
    bar, state, forget: () => (hover = null),
    parts: [maps, dock(createSum(maps.light), bar, ask), own.error, createControls(own, change, ask)],
    say: ({ where, isHidden, cells, options }) => (hover ? undefined : `${where}: ${isHidden ? "hidden" : said(cells, options)}`),
  };
}

export default frame({ mark: "pooling-explorer", label: "Pooling explorer", data: ["image", ...POOLING], kept: ["position"],
  problem: ({ image, ...options }) => poolingProblem(image, options), build });
