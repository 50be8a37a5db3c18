// A convolution and its backward pass side by side: every gradient traceable to its products.
import { backwardSlips, backwardStage, fitted, gradientPresets, placesOf, planeGrids, sumLines, totals, written } from "./shared/view/backward.js";
import { choice, same, sizes, trait, upTo } from "./shared/view/controls.js";
import { copyWith, format, h, light } from "./shared/view/dom.js";
import { dock, frame, group } from "./shared/view/frame.js";
import { oneCell } from "./shared/view/grid.js";
import { array, nested } from "./shared/math/array.js";
import { conv2d, conv2d_backward } from "./shared/math/convolution.js";
import { sum } from "./shared/math/lists.js";
import { contributions, geometry } from "./shared/math/terms.js";
import { player } from "./shared/view/player.js";
import { predictFirst } from "./shared/view/predict.js";

const GEOMETRY = ["stride", "padding", "dilation", "groups"];
const WALKS = { outputs: "grad_output", weights: "weight", pixels: "image", biases: "bias" };
const CHOICES = [["outputs", "the numbers of G, adding up"], ["weights", "dK, number by number"],
  ["pixels", "dX, number by number"], ["biases", "db, number by number"]];

const pixelKey = (t) => `${t.channel},${t.row},${t.column}`;
const weightKey = (t) => `${t.filter},${t.plane},${t.a},${t.b}`;
const outputKey = (t) => `${t.filter},${t.i},${t.j}`;
const KEYS = { outputs: outputKey, weights: weightKey, pixels: pixelKey };

/** Why no window fits, or "". */
function misfit({ rows, columns }, padding) {
  if (padding === "same" && rows.stride * columns.stride > 1) return "Padding “same” keeps the size, so it needs stride 1.";
  for (const [name, side] of Object.entries({ rows, columns }))
    if (side.output < 1) return `The kernel spans ${side.extent} ${name}, but the image has ${side.padded}${side.padded > side.size ? " with its padding" : ""}.`;
  return "";
}

/** The numbers, from the traits: who met whom, what is chosen, and what has added up so far. */
function numbersOf(get) {
  const [image, weight, bias, grad, walk] = ["image", "weight", "bias", "grad_output", "walk"].map(get);
  const options = Object.fromEntries(GEOMETRY.map((name) => [name, get(name)]));
  const x = array(image), kernels = array(weight), shape = geometry(x, kernels, options);
  const places = placesOf(get(WALKS[walk]));
  const position = Math.min(get("position"), places.length - 1);
  const place = places[position];
  const all = contributions(grad, x, kernels, shape);
  const chosen = walk === "biases" ? [] : all.filter((t) => KEYS[walk](t) === place.join());
  const outputs = placesOf(grad).map((p) => p.join());
  const reached = new Set(walk === "outputs" ? outputs.slice(0, position + 1) : outputs);
  const counted = all.filter((t) => reached.has(outputKey(t)));
  return {
    image, weight, bias, grad, walk, options, shape, position, place, chosen, reached, count: places.length,
    output: nested(conv2d(x, kernels, array(bias), options)),
    dx: totals(counted, pixelKey, (t) => t.weight * t.gradient),
    dk: totals(counted, weightKey, (t) => t.pixel * t.gradient),
    db: grad.map((map, f) => sum(map.flatMap((line, i) => line.map((g, j) => (reached.has(`${f},${i},${j}`) ? g : 0))))),
  };
}

const named = (word, index, count) => (count > 1 ? `${word} ${index}` : "");
const at = (...names) => names.filter(Boolean).join(", ");

/** The place in words: dK, filter 1, row 2, column 0. */
function whereIs({ walk, place, image, weight, grad }) {
  const spot = `row ${place.at(-2)}, column ${place.at(-1)}`;
  if (walk === "outputs") return at("G", named("filter", place[0], grad.length), spot);
  if (walk === "weights") return at("dK", named("filter", place[0], weight.length), named("channel", place[1], weight[0].length), spot);
  if (walk === "pixels") return at("dX", named("channel", place[0], image.length), spot);
  return at("db", named("filter", place[0], grad.length));
}

/** The number that the chosen products add up to; null when an output gradient is chosen. */
function resultOf({ walk, place, chosen, db }) {
  if (walk === "outputs") return null;
  if (walk === "biases") return db[place[0]];
  return sum(chosen.map((t) => (walk === "weights" ? t.pixel : t.weight) * t.gradient));
}

const grouped = (terms, key) => [...new Set(terms.map(key))].map((value) => terms.filter((t) => key(t) === value));

/** The sums of what is chosen, as sumLines() takes them. */
function linesOf(now, hidden) {
  const { walk, place, chosen, grad, image } = now;
  const term = (t, first, result) => ({ ...t, zero: first * t.gradient === 0,
    text: written(first, t.gradient) + (result ? ` = ${format(first * t.gradient)}` : "") });
  const total = (number) => (hidden ? "?" : format(number));
  if (walk === "biases") {
    const rows = grad[place[0]].map((line, i) => line.map((g, j) => ({ filter: place[0], i, j, zero: g === 0, text: format(g) })));
    return [{ name: `${whereIs(now)}: sum of G`, rows, plus: true, end: total(now.db[place[0]]) }];
  }
  if (walk === "outputs") {
    const channels = grouped(chosen, (t) => t.channel);
    const cut = (t) => (image[t.channel][t.row]?.[t.column] === undefined ? " (cropped)" : "");
    const into = (name, first, end) => channels.map((own) => ({
      name: at(name, named("channel", own[0].channel, image.length)),
      rows: grouped(own, (t) => t.a).map((row) => row.map((t) => {
        const made = term(t, first(t), true);
        return { ...made, text: made.text + end(t) };
      })),
    }));
    return [...into("into dK, pixel·g", (t) => t.pixel, () => ""), ...into("into dX, weight·g", (t) => t.weight, cut),
      { name: "into db, g", rows: [[{ text: format(grad[place[0]][place[1]][place[2]]) }]] }];
  }
  const first = (t) => (walk === "weights" ? t.pixel : t.weight);
  const filters = grouped(chosen, (t) => t.filter);
  const lines = filters.map((own) => ({
    name: filters.length > 1 ? `filter ${own[0].filter}` : `${whereIs(now)}: ${walk === "weights" ? "pixel·g" : "weight·g"}`,
    rows: grouped(own, (t) => t.i).map((row) => row.map((t) => term(t, first(t)))),
    plus: true, end: total(sum(own.map((t) => first(t) * t.gradient))),
  }));
  if (!filters.length) return [{ name: `${whereIs(now)}: no window reads it`, rows: [], plus: true, end: total(0) }];
  if (filters.length === 1) return lines;
  const parts = filters.map((own) => ({ text: total(sum(own.map((t) => t.weight * t.gradient))) }));
  return [...lines, { name: whereIs(now), rows: [parts], plus: true, end: total(resultOf(now)) }];
}

const pick = (choose, walk) => (...place) => choose(walk, place);

/** The image and its gradient. */
function createImages({ get, set, complain }, choose) {
  const common = { onerror: complain, onselect: pick(choose, "pixels") };
  const x = planeGrids({ ...common, label: "Image X", tone: "gray",
    onedit: (...place) => set({ image: copyWith(get("image"), place.slice(0, -1), place.at(-1)) }) });
  const dx = planeGrids({ ...common, label: "Gradient dX", tone: "signed" });

  /** The pixel that is chosen, or what the chosen number has read of a channel. */
  function frameOf({ walk, place, chosen }, c) {
    const own = chosen.filter((t) => t.channel === c);
    if (walk === "pixels") return c === place[0] ? oneCell(place[1], place[2]) : null;
    if (!own.length) return null;
    const [rowEnds, columnEnds] = ["row", "column"].map((name) => own.map((t) => t[name])).map((n) => [Math.min(...n), Math.max(...n)]);
    return { row: rowEnds[0], column: columnEnds[0], rows: rowEnds[1] - rowEnds[0] + 1, columns: columnEnds[1] - columnEnds[0] + 1 };
  }
  function update(now) {
    const { image, shape: { rows, columns }, walk, place, chosen, hidden } = now;
    const border = { top: rows.before, bottom: rows.after, left: columns.before, right: columns.after };
    const met = new Map(chosen.map((t) => [pixelKey(t), t]));
    // A weight steps over the pixels by the stride, an output number reads them by the dilation.
    const step = walk === "weights" ? "stride" : "dilation";
    const sparse = rows[step] * columns[step] > 1;
    const look = (c) => ({ part: named("channel", c, image.length), border });
    x.update(image, (c) => ({ ...look(c), frame: frameOf(now, c), cell: (row, column) => {
      const term = walk === "pixels" ? null : met.get(`${c},${row},${column}`);
      return { mark: term && sparse ? "read" : "", note: term && walk === "weights" ? `×${format(term.gradient, 2)}` : "" };
    } }));
    const value = (c, row, column) => now.dx.get(`${c},${row},${column}`) ?? 0;
    const values = image.map((plane, c) => plane.map((line, row) => line.map((_, column) => value(c, row, column))));
    dx.update(values, (c) => ({ ...look(c), frame: walk === "weights" ? null : frameOf(now, c), cell: (row, column) => {
      const inside = image[c][row]?.[column] !== undefined;
      const term = walk === "outputs" ? met.get(`${c},${row},${column}`) : null;
      const untouched = walk === "outputs" && !now.dx.has(`${c},${row},${column}`);
      const current = walk === "pixels" && place.join() === `${c},${row},${column}`;
      return {
        text: inside && hidden("pixels", [c, row, column]) ? "?" : format(value(c, row, column), 2),
        mark: `${current ? "current" : ""} ${untouched ? "later" : ""} ${inside ? "" : "cropped"} ${term && sparse ? "read" : ""}`,
        note: term ? `×${format(term.weight, 2)}` : "",
      };
    } }));
  }
  return { parts: [x, dx], update, cells: ({ channel, row, column }) => [x, dx].map((one) => one.cell(channel, row, column)) };
}

/** The kernels and their gradient, plane by plane. */
function createKernels({ get, set, complain }, choose) {
  const kernelPlace = (p) => [Math.floor(p / get("weight")[0].length), p % get("weight")[0].length];
  const common = { onerror: complain, tone: "signed", onselect: (p, a, b) => choose("weights", [...kernelPlace(p), a, b]) };
  const k = planeGrids({ ...common, label: "Kernel K",
    onedit: (p, a, b, value) => set({ weight: copyWith(get("weight"), [...kernelPlace(p), a, b], value) }) });
  const dk = planeGrids({ ...common, label: "Gradient dK" });

  function update({ weight, walk, place, chosen, hidden, dk: gradients }) {
    const met = new Map(chosen.map((t) => [weightKey(t), t])), planes = weight.flat();
    const look = (p) => {
      const [f, c] = kernelPlace(p);
      const whole = { row: 0, column: 0, rows: planes[p].length, columns: planes[p][0].length };
      const frame = walk === "outputs" ? (f === place[0] ? whole : null)
        : walk === "weights" && f === place[0] && c === place[1] ? oneCell(place[2], place[3]) : null;
      return { part: at(named("filter", f, weight.length), named("channel", c, weight[0].length)), frame };
    };
    const key = (p, a, b) => [...kernelPlace(p), a, b].join();
    const counts = planes.length > 1 ? [weight.length, weight[0].length] : [];
    const sizes = [...counts, planes[0].length, planes[0][0].length];
    k.update(planes, (p) => ({ ...look(p), cell: (a, b) => {
      const term = walk === "pixels" ? met.get(key(p, a, b)) : null;
      return { mark: term ? "read" : "", note: term ? `×${format(term.gradient, 2)}` : "" };
    } }), sizes);
    const values = planes.map((plane, p) => plane.map((line, a) => line.map((_, b) => gradients.get(key(p, a, b)) ?? 0)));
    dk.update(values, (p) => ({ ...look(p), cell: (a, b) => {
      const term = walk === "outputs" ? met.get(key(p, a, b)) : null;
      const mark = walk === "weights" && place.join() === key(p, a, b) ? "current" : gradients.has(key(p, a, b)) ? "" : "later";
      return { ...(hidden("weights", [...kernelPlace(p), a, b]) ? { text: "?" } : {}), mark,
        note: term ? `×${format(term.pixel, 2)}` : "" };
    } }), sizes);
  }
  const plane = ({ filter, plane: own }) => filter * get("weight")[0].length + own;
  return { parts: [k, dk], update, cells: (term) => [k, dk].map((one) => one.cell(plane(term), term.a, term.b)) };
}

/** The biases and their gradient. */
function createBiases({ get, set, complain }, choose) {
  const common = { onerror: complain, tone: "signed", onselect: (_, __, f) => choose("biases", [f]) };
  const b = planeGrids({ ...common, label: "Bias b", onedit: (_, __, f, value) => set({ bias: copyWith(get("bias"), [f], value) }) });
  const db = planeGrids({ ...common, label: "Gradient db" });
  return { parts: [b, db], update({ bias, walk, place, hidden, db: gradients }) {
    const frame = walk === "biases" || walk === "outputs" ? oneCell(0, place[0]) : null;
    b.update([[bias]], () => ({ frame }), [bias.length]);
    db.update([[gradients]], () => ({ frame, cell: (_, f) => ({
      ...(hidden("biases", [f]) ? { text: "?" } : {}), mark: walk === "biases" && f === place[0] ? "current" : "" }) }), [bias.length]);
  } };
}

/** The feature maps and the gradient that comes back to them. */
function createMaps({ get, set, complain }, choose) {
  const common = { onerror: complain, tone: "signed", onselect: pick(choose, "outputs") };
  const y = planeGrids({ ...common, label: "Map Y" });
  const g = planeGrids({ ...common, label: "Gradient G", note: "from the layers above",
    onedit: (...place) => set({ grad_output: copyWith(get("grad_output"), place.slice(0, -1), place.at(-1)) }) });
  function update({ output, grad, walk, place, chosen, reached }) {
    const met = new Map(chosen.map((t) => [outputKey(t), t]));
    const look = (f) => ({ part: named("filter", f, grad.length),
      frame: walk === "outputs" && f === place[0] ? oneCell(place[1], place[2]) : null });
    y.update(output, look);
    g.update(grad, (f) => ({ ...look(f), cell: (i, j) => {
      const key = `${f},${i},${j}`, term = walk === "outputs" ? null : met.get(key);
      const read = term || (walk === "biases" && f === place[0]);
      const mark = walk === "outputs" && place.join() === key ? "current" : reached.has(key) ? "" : "later";
      const factor = term && (walk === "weights" ? term.pixel : term.weight);
      return { mark: `${mark} ${read ? "read" : ""}`, note: term ? `×${format(factor, 2)}` : "" };
    } }));
  }
  return { parts: [y, g], update, cells: ({ filter, i, j }) => [g.cell(filter, i, j)] };
}

/** Image, kernel, bias and map, each with its gradient beside it. */
function createStage(own, choose) {
  const arrays = [createImages, createKernels, createBiases, createMaps].map((create) => create(own, choose));
  const stage = backwardStage(arrays.flatMap(({ parts }) => parts), ({ shape: { columns }, grad }) =>
    2 * Math.max(columns.padded, columns.kernel, grad.length, columns.output) + 1);
  return {
    element: stage.element,
    update(now) {
      for (const one of [stage, ...arrays]) one.update(now);
    },
    /** Marks the pixel, the weight and the gradient of one product. */
    light: (term) => light(stage.element, term?.filter === undefined ? [] : arrays.flatMap(({ cells }) => cells?.(term) ?? [])),
  };
}

/** What is walked through, presets for G, sizes and geometry, predict first, reset. */
function createControls(own, { refit, choose, ask }) {
  const { get, set, initial } = own;
  const walk = choice("Walk through", CHOICES, { read: () => get("walk"), write: (value) => choose(value, placesOf(get(WALKS[value]))[0]) });
  const presets = gradientPresets({ read: () => get("grad_output"), given: () => initial.grad_output,
    write: (grad_output) => set({ grad_output }) });
  const pair = (label, largest, ...names) => sizes(label, largest, { read: () => names.map((name) => sizesOf(get)[name]),
    write: (values) => refit(Object.fromEntries(names.map((name, i) => [name, values[i]]))) });
  const count = (label, name) => choice(label, upTo(4), { read: () => sizesOf(get)[name], write: (value) => refit({ [name]: value }) });
  const steps = [["Stride", upTo(4)], ["Padding", [...upTo(3, 0), ["same", "same"]]], ["Dilation", upTo(3)], ["Groups", upTo(4)]].map(
    ([label, options]) => choice(label, options, trait(own, label.toLowerCase(), refit)));
  const more = group({ class: "controls" }, pair("Image", 10, "rows", "columns"), pair("Kernel", 5, "kernelRows", "kernelColumns"),
    count("Channels", "channels"), count("Filters", "filters"), steps);
  const first = group({ class: "controls" }, walk, presets, ask.tick, own.reset);
  return { ...group({}, first, more),
    element: h("div", {}, first, h("details", {}, h("summary", {}, "Size, stride, padding, dilation, channels, groups"), more)) };
}

/** The sizes that the traits have now. */
const sizesOf = (get) => {
  const [image, weight] = [get("image"), get("weight")];
  return { rows: image[0].length, columns: image[0][0].length, kernelRows: weight[0][0].length,
    kernelColumns: weight[0][0][0].length, channels: image.length, filters: weight.length };
};

/** The traits for other sizes: what is there is kept, what is new is filled with small numbers. */
function refitted(get, changes) {
  const next = { ...sizesOf(get), ...Object.fromEntries(GEOMETRY.map((name) => [name, get(name)])), ...changes };
  const { rows, columns, kernelRows, kernelColumns, channels, filters, groups } = next;
  if (channels % groups || filters % groups)
    return { message: `${groups} groups need channels and filters that ${groups} divides; here are ${channels} and ${filters}.` };
  const times = (count, make) => Array.from({ length: count }, (_, k) => make(k));
  const [oldImage, oldWeight, oldBias, oldGrad] = ["image", "weight", "bias", "grad_output"].map(get);
  const image = times(channels, (c) => fitted(oldImage[c], rows, columns, (i, j) => (3 * i + 2 * j + 4 * c + 1) % 10));
  const weight = times(filters, (f) => times(channels / groups, (c) =>
    fitted(oldWeight[f]?.[c], kernelRows, kernelColumns, (a, b) => ((a + 2 * b + c + 2 * f) % 3) - 1)));
  const bias = times(filters, (f) => oldBias[f] ?? 0);
  const shape = geometry(array(image), array(weight), next);
  const message = misfit(shape, next.padding);
  const grad_output = message ? oldGrad
    : times(filters, (f) => fitted(oldGrad[f], shape.rows.output, shape.columns.output, () => 1));
  return { message, traits: { image, weight, bias, grad_output, ...Object.fromEntries(GEOMETRY.map((name) => [name, next[name]])) } };
}

/** What is asked for: the number that the chosen products add up to. */
function taskOf({ walk, place, grad, chosen, where, total }) {
  if (walk === "outputs") return null;
  const pairs = walk === "biases" ? grad[place[0]].flat().map((g) => [1, g])
    : chosen.map((t) => [walk === "weights" ? t.pixel : t.weight, t.gradient]);
  return { key: `${walk},${place}`, where, total,
    explain: () => backwardSlips(pairs, walk === "weights" ? "You turned G. For the kernel's gradient nothing is turned."
      : "You laid the kernel on G unturned. A pixel meets the last weight first.",
    "Not that. Multiply each pair that the sum names, then add all products.") };
}

function said({ walk, place, chosen, grad, db, total }) {
  if (walk === "biases") return `the sum of its gradients is ${format(db[place[0]])}`;
  if (walk === "outputs") {
    const g = grad[place[0]][place[1]][place[2]];
    return `${format(g)} goes to ${chosen.length} weights, times the pixels, and to ${chosen.length} places of the image, times the weights`;
  }
  const products = chosen.map((t) => `${format(walk === "weights" ? t.pixel : t.weight)} times ${format(t.gradient)}`);
  return `${products.length > 12 ? `${products.length} products` : products.join(", plus ") || "no products"}: ${format(total)}`;
}

/** Why these cannot be shown together: what the arithmetic says, or "". */
function problem({ image, weight, bias, grad_output, ...options }) {
  const [x, kernels] = [image, weight].map((list) => array(list));
  conv2d(x, kernels, array(bias), options);
  conv2d_backward(array(grad_output), x, kernels, options);
  return "";
}

function build(own) {
  const { get, set, complain, draw } = own;
  function refit(changes) {
    const { message, traits } = refitted(get, changes);
    if (!message) set({ ...traits, position: 0 });
    complain(message);
    draw();
  }
  function choose(walk, place) {
    bar.pause();
    set({ walk, position: placesOf(get(WALKS[walk])).findIndex((other) => same(other, place)) });
  }
  const bar = player(own, "Step");
  const ask = predictFirst(own, {
    start: (on) => ({ position: 0, ...(on && get("walk") === "outputs" ? { walk: "weights" } : {}) }),
    next() {
      const { position, count } = numbersOf(get);
      set({ position: (position + 1) % count });
    },
  });
  const stage = createStage(own, choose);
  const hidden = (walk, place) => ask.hidden(`${walk},${place}`);
  function state() {
    const numbers = numbersOf(get), asks = numbers.walk !== "outputs" && hidden(numbers.walk, numbers.place);
    const now = { ...numbers, hidden, asks, where: whereIs(numbers), total: resultOf(numbers), lines: linesOf(numbers, asks) };
    return { ...now, task: taskOf(now) };
  }
  return {
    bar, state, say: (now) => `${now.where}: ${now.asks ? "hidden" : said(now)}`,
    parts: [stage, dock(sumLines(stage.light), bar, ask), own.error, createControls(own, { refit, choose, ask })],
  };
}

export default frame({ mark: "backward convolution-backward", label: "Convolution, forward and backward",
  data: ["image", "weight", "bias", "grad_output", ...GEOMETRY], kept: ["walk", "position"], problem, build });
