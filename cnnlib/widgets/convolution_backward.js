// A convolution and its backward pass side by side: every gradient traceable to its products.
import { backwardSlips, fitted, gradientPresets, placesOf, planeGrids, sameData, sumLines, totals, written } from "./shared/view/backward.js";
import { choiceOf, upTo } from "./shared/view/choices.js";
import { announcer, copyWith, field, format, h, mount, setter, speaker } from "./shared/view/dom.js";
import { array, nested } from "./shared/math/array.js";
import { conv2d } from "./shared/math/convolution.js";
import { sum } from "./shared/math/lists.js";
import { contributions, geometry } from "./shared/math/terms.js";
import { player, spacePlays } from "./shared/view/player.js";
import { prediction } from "./shared/view/predict.js";

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

/** All that is drawn, from the traits: who met whom, what is chosen, and what has added up so far. */
function state(get) {
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
const one = (row, column) => ({ row, column, rows: 1, columns: 1 });

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

/** Image, kernel, bias and map, each with its gradient beside it. */
function createStage({ get, change, complain, choose }) {
  const edits = (trait) => (...place) => change({ [trait]: copyWith(get(trait), place.slice(0, -1), place.at(-1)) });
  const kernelPlace = (p) => [Math.floor(p / get("weight")[0].length), p % get("weight")[0].length];
  const common = { onerror: complain, tone: "signed" };
  const pick = (walk) => (...place) => choose(walk, place);
  const pickWeight = (p, a, b) => choose("weights", [...kernelPlace(p), a, b]);
  const parts = {
    x: planeGrids({ ...common, label: "Image X", tone: "gray", onedit: edits("image"), onselect: pick("pixels") }),
    dx: planeGrids({ ...common, label: "Gradient dX", onselect: pick("pixels") }),
    k: planeGrids({ ...common, label: "Kernel K", onselect: pickWeight,
      onedit: (p, a, b, value) => change({ weight: copyWith(get("weight"), [...kernelPlace(p), a, b], value) }) }),
    dk: planeGrids({ ...common, label: "Gradient dK", onselect: pickWeight }),
    b: planeGrids({ ...common, label: "Bias b", onselect: (_, __, f) => choose("biases", [f]),
      onedit: (_, __, f, value) => change({ bias: copyWith(get("bias"), [f], value) }) }),
    db: planeGrids({ ...common, label: "Gradient db", onselect: (_, __, f) => choose("biases", [f]) }),
    y: planeGrids({ ...common, label: "Map Y", onselect: pick("outputs") }),
    g: planeGrids({ ...common, label: "Gradient G", note: "from the layers above", onedit: edits("grad_output"), onselect: pick("outputs") }),
  };
  const element = h("div", { class: "stage" },
    h("div", { class: "heading" }, "forward ↓"), h("div", { class: "heading" }, "backward ↑"),
    ["x", "dx", "k", "dk", "b", "db", "y", "g"].map((name) => parts[name].element));

  function drawImages(now, hidden) {
    const { image, shape: { rows, columns }, walk, place, chosen } = now;
    const border = { top: rows.before, bottom: rows.after, left: columns.before, right: columns.after };
    const met = new Map(chosen.map((t) => [pixelKey(t), t]));
    const frameOf = (c) => {
      const own = chosen.filter((t) => t.channel === c);
      if (walk === "pixels") return c === place[0] ? one(place[1], place[2]) : null;
      if (!own.length) return null;
      const [rowEnds, columnEnds] = ["row", "column"].map((name) => own.map((t) => t[name])).map((n) => [Math.min(...n), Math.max(...n)]);
      return { row: rowEnds[0], column: columnEnds[0], rows: rowEnds[1] - rowEnds[0] + 1, columns: columnEnds[1] - columnEnds[0] + 1 };
    };
    // A weight steps over the pixels by the stride, an output number reads them by the dilation.
    const step = walk === "weights" ? "stride" : "dilation";
    const sparse = rows[step] * columns[step] > 1;
    const look = (c) => ({ part: named("channel", c, image.length), border });
    parts.x.update(image, (c) => ({ ...look(c), frame: frameOf(c), cell: (row, column) => {
      const term = walk === "pixels" ? null : met.get(`${c},${row},${column}`);
      return { mark: term && sparse ? "read" : "", note: term && walk === "weights" ? `×${format(term.gradient, 2)}` : "" };
    } }));
    const value = (c, row, column) => now.dx.get(`${c},${row},${column}`) ?? 0;
    const values = image.map((plane, c) => plane.map((line, row) => line.map((_, column) => value(c, row, column))));
    parts.dx.update(values, (c) => ({ ...look(c), frame: walk === "weights" ? null : frameOf(c), cell: (row, column) => {
      const inside = image[c][row]?.[column] !== undefined;
      const term = walk === "outputs" ? met.get(`${c},${row},${column}`) : null;
      const untouched = walk === "outputs" && !now.dx.has(`${c},${row},${column}`);
      const current = walk === "pixels" && place.join() === `${c},${row},${column}`;
      return {
        ...(inside && hidden("pixels", [c, row, column]) ? { text: "?" } : { text: format(value(c, row, column), 2) }),
        mark: `${current ? "current" : ""} ${untouched ? "later" : ""} ${inside ? "" : "cropped"} ${term && sparse ? "read" : ""}`,
        note: term ? `×${format(term.weight, 2)}` : "",
      };
    } }));
  }

  function drawKernels(now, hidden) {
    const { weight, bias, walk, place, chosen } = now;
    const met = new Map(chosen.map((t) => [weightKey(t), t]));
    const planes = weight.flat();
    const look = (p) => {
      const [f, c] = kernelPlace(p);
      const whole = { row: 0, column: 0, rows: planes[p].length, columns: planes[p][0].length };
      const frame = walk === "outputs" ? (f === place[0] ? whole : null)
        : walk === "weights" && f === place[0] && c === place[1] ? one(place[2], place[3]) : null;
      return { part: at(named("filter", f, weight.length), named("channel", c, weight[0].length)), frame };
    };
    const key = (p, a, b) => [...kernelPlace(p), a, b].join();
    const counts = planes.length > 1 ? [weight.length, weight[0].length] : [];
    const sizes = [...counts, planes[0].length, planes[0][0].length];
    parts.k.update(planes, (p) => ({ ...look(p), cell: (a, b) => {
      const term = walk === "pixels" ? met.get(key(p, a, b)) : null;
      return { mark: term ? "read" : "", note: term ? `×${format(term.gradient, 2)}` : "" };
    } }), sizes);
    const values = planes.map((plane, p) => plane.map((line, a) => line.map((_, b) => now.dk.get(key(p, a, b)) ?? 0)));
    parts.dk.update(values, (p) => ({ ...look(p), cell: (a, b) => {
      const term = walk === "outputs" ? met.get(key(p, a, b)) : null;
      const mark = walk === "weights" && place.join() === key(p, a, b) ? "current"
        : now.dk.has(key(p, a, b)) ? "" : "later";
      return { ...(hidden("weights", [...kernelPlace(p), a, b]) ? { text: "?" } : {}), mark,
        note: term ? `×${format(term.pixel, 2)}` : "" };
    } }), sizes);
    const biasFrame = walk === "biases" || walk === "outputs" ? one(0, place[0]) : null;
    parts.b.update([[bias]], () => ({ frame: biasFrame }), [bias.length]);
    parts.db.update([[now.db]], () => ({ frame: biasFrame, cell: (_, f) => ({
      ...(hidden("biases", [f]) ? { text: "?" } : {}), mark: walk === "biases" && f === place[0] ? "current" : "" }) }), [bias.length]);
  }

  function drawMaps(now) {
    const { output, grad, walk, place, chosen, reached } = now;
    const met = new Map(chosen.map((t) => [outputKey(t), t]));
    const part = (f) => named("filter", f, grad.length);
    const frame = (f) => (walk === "outputs" && f === place[0] ? one(place[1], place[2]) : null);
    parts.y.update(output, (f) => ({ part: part(f), frame: frame(f) }));
    parts.g.update(grad, (f) => ({ part: part(f), frame: frame(f), cell: (i, j) => {
      const key = `${f},${i},${j}`, term = walk === "outputs" ? null : met.get(key);
      const read = term || (walk === "biases" && f === place[0]);
      const mark = walk === "outputs" && place.join() === key ? "current" : reached.has(key) ? "" : "later";
      const factor = term && (walk === "weights" ? term.pixel : term.weight);
      return { mark: `${mark} ${read ? "read" : ""}`, note: term ? `×${format(factor, 2)}` : "" };
    } }));
  }

  return {
    element,
    update(now, hidden) {
      const { columns } = now.shape;
      const across = 2 * Math.max(columns.padded, columns.kernel, now.grad.length, columns.output) + 1;
      element.style.setProperty("--fit", across);
      element.classList.toggle("busy", across > 9);
      element.classList.toggle("large", across > 11);
      drawImages(now, hidden);
      drawKernels(now, hidden);
      drawMaps(now);
    },
    /** Marks the pixel, the weight and the gradient of one product. */
    light(term) {
      for (const lit of element.querySelectorAll(".lit")) lit.classList.remove("lit");
      if (term?.filter === undefined) return;
      const { filter, i, j, channel, row, column, plane, a, b } = term;
      const kernel = filter * get("weight")[0].length + plane;
      const cells = [parts.g.cell(filter, i, j), parts.x.cell(channel, row, column), parts.dx.cell(channel, row, column),
        parts.k.cell(kernel, a, b), parts.dk.cell(kernel, a, b)];
      for (const cell of cells) cell?.classList.add("lit");
    },
  };
}

/** What is walked through, presets for G, sizes and geometry, predict first, reset. */
function createControls({ get, change, refit, restart, choose, initial }) {
  const walk = choiceOf("Walk through", CHOICES, (value) => choose(value, placesOf(get(WALKS[value]))[0]));
  const presets = gradientPresets(() => get("grad_output"), (grad_output) => change({ grad_output }), () => initial.grad_output);
  const numbers = (label, name, choices) => [name, choiceOf(label, choices, (value) => refit({ [name]: Number(value) }))];
  const sizes = [
    numbers("Image rows", "rows", upTo(10)), numbers("Image columns", "columns", upTo(10)),
    numbers("Kernel rows", "kernelRows", upTo(5)), numbers("Kernel columns", "kernelColumns", upTo(5)),
    numbers("Channels", "channels", upTo(4)), numbers("Filters", "filters", upTo(4)),
  ];
  const steps = [
    numbers("Stride", "stride", upTo(4)),
    ["padding", choiceOf("Padding", [...upTo(3, 0), ["same", "same"]],
      (value) => refit({ padding: value === "same" ? value : Number(value) }))],
    numbers("Dilation", "dilation", upTo(3)), numbers("Groups", "groups", upTo(4)),
  ];
  const control = Object.fromEntries([...sizes, ...steps]);
  const labeled = (label, ...names) => h("span", { class: "field" }, h("span", {}, label),
    names.flatMap((name, k) => [k ? "×" : null, control[name].control]));
  const predict = h("input", { type: "checkbox", change: () => {
    const walks = predict.checked && get("walk") === "outputs" ? { walk: "weights" } : {};
    restart({ predict: predict.checked, ...walks });
  } });
  const element = h("div", {},
    h("div", { class: "controls" }, field("Walk through", walk.control), field("G", presets.control),
      h("label", { class: "tick" }, predict, "Predict first"),
      h("button", { type: "button", click: () => restart(initial) }, "Reset")),
    h("details", {}, h("summary", {}, "Size, stride, padding, dilation, channels, groups"),
      h("div", { class: "controls" }, labeled("Image", "rows", "columns"), labeled("Kernel", "kernelRows", "kernelColumns"),
        labeled("Channels", "channels"), labeled("Filters", "filters"), labeled("Stride", "stride"),
        labeled("Padding", "padding"), labeled("Dilation", "dilation"), labeled("Groups", "groups"))));
  return {
    element,
    update(sizesNow) {
      walk.show(get("walk"));
      presets.update();
      for (const [name] of sizes) control[name].show(sizesNow[name]);
      for (const [name] of steps) control[name].show(get(name));
      predict.checked = get("predict");
    },
  };
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

function render({ model, el }) {
  const get = (name) => model.get(name);
  const set = setter(model);
  const kept = ["image", "weight", "bias", "grad_output", ...GEOMETRY, "walk", "position"];
  const initial = Object.fromEntries(kept.map((name) => [name, get(name)]));
  const known = new Set(); // the results that were predicted or shown
  let drawn = "";

  function complain(message) {
    if (error.textContent !== message) error.textContent = message;
  }
  function refit(changes) {
    const { message, traits } = refitted(get, changes);
    complain(message);
    if (message) draw();
    else set({ ...traits, position: 0 });
  }
  function choose(walk, place) {
    bar.pause();
    const position = placesOf(get(WALKS[walk])).findIndex((other) => sameData(other, place));
    set({ walk, position });
  }
  function restart(traits) {
    bar.pause();
    known.clear();
    complain("");
    set({ position: 0, score: [0, 0], ...traits });
    draw();
  }

  const error = h("p", { class: "error", role: "alert" });
  const live = announcer();
  const stage = createStage({ get, change: set, complain, choose });
  const sums = sumLines(stage.light);
  const bar = player({ label: "Step", onmove: (position) => set({ position }) });
  const predict = prediction({
    onnext: () => {
      const now = state(get);
      set({ position: (now.position + 1) % now.count });
    },
    onreveal: (right) => {
      const now = state(get), key = `${now.walk},${now.place}`;
      const [good, asked] = get("score");
      if (!known.has(key)) set({ score: [good + (right ? 1 : 0), asked + 1] });
      known.add(key);
      draw();
    },
  });
  const controls = createControls({ get, change: set, refit, restart, choose, initial });

  function draw() {
    const data = JSON.stringify(kept.slice(0, -2).map(get));
    if (data !== drawn) known.clear();
    drawn = data;
    const now = state(get);
    const hidden = (walk, place) => get("predict") && !known.has(`${walk},${place}`);
    const asks = now.walk !== "outputs" && hidden(now.walk, now.place);
    const lines = linesOf(now, asks);
    stage.update(now, hidden);
    sums.update(lines);
    const where = whereIs(now), total = resultOf(now);
    bar.update(now.position, now.count, where);
    controls.update(sizesOf(get));
    predict.element.hidden = !get("predict") || now.walk === "outputs";
    const pairs = now.walk === "biases" ? now.grad[now.place[0]].flat().map((g) => [1, g])
      : now.chosen.map((t) => [now.walk === "weights" ? t.pixel : t.weight, t.gradient]);
    predict.update({ key: where + data, where, total, score: get("score"), known: !asks,
      explain: () => backwardSlips(pairs, now.walk === "weights" ? "You turned G. For the kernel's gradient nothing is turned."
        : "You laid the kernel on G unturned. A pixel meets the last weight first.",
      "Not that. Multiply each pair that the sum names, then add all products.") });
    speak(`${where}: ${asks ? "hidden" : said(now, total)}`);
  }
  function said({ walk, place, chosen, grad, db }, total) {
    if (walk === "biases") return `the sum of its gradients is ${format(db[place[0]])}`;
    if (walk === "outputs") {
      const g = grad[place[0]][place[1]][place[2]];
      return `${format(g)} goes to ${chosen.length} weights, times the pixels, and to ${chosen.length} places of the image, times the weights`;
    }
    const products = chosen.map((t) => `${format(walk === "weights" ? t.pixel : t.weight)} times ${format(t.gradient)}`);
    return `${products.length > 12 ? `${products.length} products` : products.join(", plus ") || "no products"}: ${format(total)}`;
  }
  const speak = speaker(live, bar);

  const root = h("div", { class: "cnn-widget backward convolution-backward", role: "group", "aria-label": "Convolution, forward and backward" },
    stage.element, sums.element, bar.element, predict.element, error, controls.element, live);
  spacePlays(root, bar);
  return mount(el, root, model, draw, () => bar.pause());
}

export default { render };
