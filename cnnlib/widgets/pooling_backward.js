// Pooling's backward pass: who receives how much of each gradient.
import { backwardStage, fitted, gradientPresets, placesOf, planeGrids, sumLines, totals, written } from "./shared/view/backward.js";
import { choice, same } from "./shared/view/controls.js";
import { copyWith, format, h, light } from "./shared/view/dom.js";
import { dock, frame, group } from "./shared/view/frame.js";
import { oneCell } from "./shared/view/grid.js";
import { countedCells, pool2d, poolGeometry, poolShares, poolWindow, winnerOf } from "./shared/math/cells.js";
import { sum } from "./shared/math/lists.js";
import { player } from "./shared/view/player.js";
import { MISCOUNTS, POOLING, frameOf, inMode, mapCell, markOf, noteBelow, poolingControls, poolingOf, poolingProblem, ringsOf, windowNotes } from "./shared/view/pooled.js";
import { predictFirst } from "./shared/view/predict.js";

/** The numbers, from the traits: the shares, what is chosen, and what has added up so far. */
function numbersOf(get) {
  const [image, grad, mode, walk] = ["image", "grad_output", "mode", "walk"].map(get);
  const options = poolingOf(get), shape = poolGeometry(image, options);
  const shares = poolShares(image, options).map((t) => ({ ...t, gradient: grad[t.i][t.j] }));
  const places = placesOf(walk === "outputs" ? grad : image);
  const position = Math.min(get("position"), places.length - 1);
  const place = places[position];
  const order = (t) => t.i * grad[0].length + t.j;
  const counted = walk === "outputs" ? shares.filter((t) => order(t) <= position) : shares;
  const key = (t) => `${t.row},${t.column}`;
  const sums = totals(counted, key, (t) => t.share * t.gradient);
  return {
    image, grad, mode, walk, options, shape, position, place, count: places.length,
    cells: walk === "outputs" ? poolWindow(image, shape, ...place) : [], // the window that is framed
    chosen: shares.filter((t) => (walk === "outputs" ? `${t.i},${t.j}` : key(t)) === place.join()),
    dx: image.map((line, row) => line.map((_, column) => sums.get(`${row},${column}`) ?? 0)),
    touched: new Set(counted.filter((t) => t.share).map(key)),
    output: pool2d(image, options),
  };
}

/** 1, 0, or a share such as 1/4. */
const fraction = (share) => (share === 0 || share === 1 ? String(share) : `1/${Math.round(1 / share)}`);
const spot = ([row, column]) => `row ${row}, column ${column}`;
const whereIs = ({ walk, place }) => `${walk === "outputs" ? "G" : "dX"}, ${spot(place)}`;

function linesOf(now, hidden) {
  const { walk, chosen, mode } = now;
  if (walk === "outputs") {
    const terms = chosen.map((t) => ({ ...t, zero: t.share === 0,
      text: `${format(t.value)} gets ${fraction(t.share)}·${format(t.gradient)} = ${format(t.share * t.gradient)}` }));
    const name = mode === "average" ? "each gets an equal share" : "the first largest gets all";
    return [{ name: terms.length ? name : "all is padding: the gradient is lost", rows: terms.map((t) => [t]) }];
  }
  const total = sum(chosen.map((t) => t.share * t.gradient));
  const terms = chosen.map((t) => ({ ...t, zero: t.share === 0,
    text: t.share === 0 || t.share === 1 ? written(t.share, t.gradient) : `${fraction(t.share)}·${written(1, t.gradient).slice(2)}` }));
  const name = `${whereIs(now)}: ${chosen.length ? "share·g" : "no window reads it"}`;
  return [{ name, rows: terms.map((t) => [t]), plus: true, end: hidden ? "?" : format(total) }];
}

/** What must be said about the framed window. */
function notesOf({ cells, options, mode }) {
  const counted = mode === "average" ? countedCells(cells, options) : [];
  const padding = counted.filter(({ kind }) => kind === "padding").length;
  return [...windowNotes(cells, options, mode === "max" ? winnerOf(cells, options) : null),
    ...(padding ? [`The padding counts too; its share, ${padding}/${counted.length}, is cropped.`] : [])];
}

/** What the usual slips make of a sum of shares. */
function poolingSlips({ chosen, mode }) {
  const divided = (count) => sum(chosen.map((t) => t.gradient / count(t.cells)));
  const cases = {
    max: [[divided(() => 1), "Only the largest number of a window receives its gradient."],
      [divided((cells) => cells.length), "That is the mean's way. A maximum does not divide."]],
    average: [[divided(() => 1), "That gives every number the whole gradient. A mean divides it by how many it counts."],
      ...MISCOUNTS.map(([count, words]) => [divided(count), words])],
  };
  const turned = [-sum(chosen.map((t) => t.share * t.gradient)), "The sign is turned round."];
  return { slips: [...cases[mode], turned],
    otherwise: "Not that. Look at each window over it: how much of the window's gradient is its share?" };
}

const noteOf = (term) => (term && term.share ? `×${fraction(term.share)}` : "");

/** The map and its gradient. */
function createImages({ get, set, complain }, choose) {
  const common = { onerror: complain, tone: "signed", onselect: (_, row, column) => choose("pixels", [row, column]) };
  const x = planeGrids({ ...common, label: "Map X", onedit: (_, row, column, value) => set({ image: copyWith(get("image"), [row, column], value) }) });
  const dx = planeGrids({ ...common, label: "Gradient dX" });
  return { parts: [x, dx], cells: ({ row, column }) => [x, dx].map((one) => one.cell(0, row, column)), update(now) {
    const { image, walk, options, shape, place, chosen, cells, hidden } = now;
    const frame = walk === "outputs" ? frameOf(shape, ...place) : oneCell(...place), border = ringsOf(shape);
    const winner = now.mode === "max" ? winnerOf(cells, options) : null;
    const paid = new Map(chosen.map((t) => [`${t.row},${t.column}`, t]));
    x.update([image], () => ({ border, frame, cell: (...at) => mapCell(shape, cells, winner, options, ...at) }));
    dx.update([now.dx], () => ({ border, frame, cell: (row, column) => {
      const inside = image[row]?.[column] !== undefined, key = `${row},${column}`;
      const current = walk === "pixels" && same(place, [row, column]), later = walk === "outputs" && inside && !now.touched.has(key);
      return { ...(inside && hidden([row, column]) ? { text: "?" } : inside ? {} : { text: "" }),
        mark: `${current ? "current" : ""} ${later ? "later" : ""} ${markOf(shape, cells, row, column)}`,
        note: walk === "outputs" ? noteOf(paid.get(key)) : "" };
    } }));
  } };
}

/** The pooled map and the gradient that comes back to it. */
function createPooled({ get, set, complain }, choose) {
  const common = { onerror: complain, tone: "signed", onselect: (_, row, column) => choose("outputs", [row, column]) };
  const y = planeGrids({ ...common, label: "Pooled Y" });
  const g = planeGrids({ ...common, label: "Gradient G", note: "from the layers above",
    onedit: (_, row, column, value) => set({ grad_output: copyWith(get("grad_output"), [row, column], value) }) });
  return { parts: [y, g], cells: ({ i, j }) => [g.cell(0, i, j)], update({ image, grad, walk, place, position, chosen, output }) {
    const frame = walk === "outputs" ? oneCell(...place) : null;
    const paid = new Map(chosen.map((t) => [`${t.i},${t.j}`, t]));
    y.update([output], () => ({ frame, scale: image.flat(),
      cell: (row, column) => (Number.isFinite(output[row][column]) ? {} : { text: "−∞" }) }));
    g.update([grad], () => ({ frame, cell: (row, column) => {
      const term = walk === "pixels" ? paid.get(`${row},${column}`) : null;
      const current = walk === "outputs" && same(place, [row, column]);
      const later = walk === "outputs" && row * grad[0].length + column > position;
      return { mark: `${current ? "current" : ""} ${later ? "later" : ""} ${term ? "read" : ""}`, note: noteOf(term) };
    } }));
  } };
}

function createStage(own, choose) {
  const arrays = [createImages(own, choose), createPooled(own, choose)];
  const stage = backwardStage(arrays.flatMap(({ parts }) => parts), ({ shape }) => 2 * shape.columns.padded + 1);
  return {
    element: stage.element,
    update(now) {
      for (const one of [stage, ...arrays]) one.update(now);
    },
    /** Marks the number and the gradient of one share. */
    light: (term) => light(stage.element, term ? arrays.flatMap(({ cells }) => cells(term)) : []),
  };
}

/** The traits for another size or window: what is there is kept, what is new is filled up. */
function refitted(get, { rows, columns, ...changes }) {
  const next = { ...poolingOf(get), ...changes };
  const old = get("image");
  const image = fitted(old, rows ?? old.length, columns ?? old[0].length, (i, j) => (3 * i + 2 * j + 1) % 10);
  const message = poolingProblem(image, next);
  if (message) return { message };
  const sizes = Object.values(poolGeometry(image, next)).map((side) => side.output);
  return { message, traits: { image, grad_output: fitted(get("grad_output"), ...sizes, () => 1), ...next } };
}

function createControls(own, { refit, choose, ask }) {
  const { get, set, initial } = own;
  const walk = choice("Walk through", [["outputs", "the numbers of G, adding up"], ["pixels", "dX, number by number"]],
    { read: () => get("walk"), write: (value) => choose(value, [0, 0]) });
  const mode = choice("Pooling", [["max", "max"], ["average", "average"]], { read: () => get("mode"), write: (value) => refit(inMode(value)) });
  const presets = gradientPresets({ read: () => [get("grad_output")], given: () => [initial.grad_output],
    write: ([grad_output]) => set({ grad_output }) });
  const pooling = poolingControls(own, { change: refit, resize: (rows, columns) => refit({ rows, columns }), largest: 10 });
  const first = group({ class: "controls" }, mode, walk, presets, ask.tick, own.reset);
  const more = group({ class: "controls" }, pooling.window, pooling.stride, pooling.options, pooling.size);
  return { ...group({}, first, more, pooling.formula),
    element: h("div", {}, first, h("details", {}, h("summary", {}, "Window, stride, padding, dilation, ceil_mode, size"), more, pooling.formula)) };
}

function said({ walk, where, asks, lines: [{ rows, end }] }) {
  const terms = rows.flat().map((t) => t.text).join(walk === "outputs" ? ", " : " plus ");
  return `${where}: ${terms}${end ? ` is ${asks ? "hidden" : end}` : ""}`;
}

/** Why these cannot be shown together, or "". */
function problem({ image, grad_output, ...options }) {
  const { rows, columns } = poolGeometry(image, options);
  const fits = grad_output.length === rows.output && grad_output[0].length === columns.output;
  return poolingProblem(image, options) || (fits ? "" : "The gradient is not of the pooled map’s size.");
}

function build(own) {
  const { get, set, complain, draw } = own;
  function refit(changes) {
    const { message, traits } = refitted(get, changes);
    if (!message) {
      const walked = traits[get("walk") === "outputs" ? "grad_output" : "image"];
      set({ ...traits, position: placesOf(walked).length === numbersOf(get).count ? get("position") : 0 });
    }
    complain(message);
    draw();
  }
  function choose(walk, [row, column]) {
    bar.pause();
    set({ walk, position: row * get(walk === "outputs" ? "grad_output" : "image")[0].length + column });
  }
  const bar = player(own, "Step");
  const ask = predictFirst(own, { start: (on) => ({ position: 0, ...(on ? { walk: "pixels" } : {}) }), next() {
    const { position, count } = numbersOf(get);
    set({ position: (position + 1) % count });
  } });
  const stage = createStage(own, choose);
  const hidden = (place) => ask.hidden(String(place));
  function state() {
    const now = numbersOf(get), pixels = now.walk === "pixels", where = whereIs(now), asks = pixels && hidden(now.place);
    const total = sum(now.chosen.map((t) => t.share * t.gradient));
    return { ...now, hidden, asks, where, lines: linesOf(now, asks), notes: notesOf(now).map(noteBelow),
      task: pixels ? { key: String(now.place), where, total, explain: () => poolingSlips(now) } : null };
  }
  return { bar, state, say: said,
    parts: [stage, dock(sumLines(stage.light), bar, ask), own.error, createControls(own, { refit, choose, ask })] };
}

export default frame({ mark: "backward pooling-backward", label: "Pooling, forward and backward",
  data: ["image", "grad_output", ...POOLING], kept: ["walk", "position"], problem, build });
