// Which numbers of a batch are normalized together: four kinds of normalization on one array.
import { choice, trait } from "./shared/view/controls.js";
import { button, copyWith, factor, format, h } from "./shared/view/dom.js";
import { frame, group } from "./shared/view/frame.js";
import { grid } from "./shared/view/grid.js";
import { array, nested, reshape } from "./shared/math/array.js";
import { EPS, moments } from "./shared/math/normalization.js";
import { predictFirst } from "./shared/view/predict.js";

const LARGEST = 999;
const KINDS = { batch: "BatchNorm", layer: "LayerNorm", group: "GroupNorm", instance: "InstanceNorm" };

/** For each number of x, in one row, the part that it belongs to, and each part's mean and variance. */
function partsOf(x, kind, num_groups) {
  const [images, channels, ...map] = x.shape, area = map[0] * map[1];
  if (kind === "batch") return { ...moments(x), part: (at) => Math.floor(at / area) % channels };
  const groups = { layer: 1, group: num_groups, instance: channels }[kind];
  const size = (channels / groups) * area;
  // Each part as a channel of one image: then the moments are those of batch normalization.
  return { ...moments(reshape(x, [1, images * groups, 1, size])), part: (at) => Math.floor(at / size) };
}

/** All that is drawn, from the traits. */
function stateOf(get, ask) {
  const [lists, kind, num_groups, chosen] = ["x", "kind", "num_groups", "chosen"].map(get);
  const x = array(lists), { mean, variance, part } = partsOf(x, kind, num_groups);
  const at = chosen.reduce((sum, place, axis) => sum * x.shape[axis] + place, 0), own = part(at);
  const output = x.data.map((number, i) => (number - mean[part(i)]) / Math.sqrt(variance[part(i)] + EPS));
  const now = {
    x, kind, num_groups, chosen, at, parts: mean.length, mean: mean[own], variance: variance[own], value: x.data[at],
    together: [...x.data].filter((_, i) => part(i) === own), inside: (i) => part(i) === own,
    images: nested(x), outputs: nested({ shape: x.shape, data: output }),
  };
  const key = `${kind},${num_groups},${chosen}`;
  const task = { key, question: `What does ${KINDS[kind]} make of ${format(now.value)}?`, total: output[at], ...now, explain: explainOutput };
  return { ...now, task, result: output[at], hidden: ask.hidden(key) };
}

/** Why these cannot be shown together, or "". */
function problem({ x, num_groups, chosen }) {
  const { shape, data } = array(x), [images, channels, rows, columns] = shape;
  if (images > 4 || rows > 4 || channels * columns > 12 || images * rows * columns < 2)
    return "At most 4 images, with 4 rows and 12 columns of all channels, can be drawn, and 2 or more numbers of each channel.";
  if (data.some((number) => Math.abs(number) > LARGEST)) return `A number may be at most ${LARGEST} here.`;
  if (channels % num_groups) return `${channels} channels cannot be divided into ${num_groups} groups.`;
  return chosen.every((place, axis) => place < shape[axis]) ? "" : "There is no such place in x.";
}

/** What the usual slips make of an output. */
function explainOutput({ x, at, value, mean, variance, num_groups, kind }) {
  const elsewhere = Object.keys(KINDS).filter((other) => other !== kind).map((other) => {
    const parts = partsOf(x, other, num_groups), own = parts.part(at);
    return [(value - parts.mean[own]) / Math.sqrt(parts.variance[own] + EPS), `That is what ${KINDS[other]} gives.`];
  });
  const slips = [
    [value - mean, "Divide by the standard deviation as well."],
    [(value - mean) / (variance + EPS), "That is divided by the variance. Take its root first."],
    [(mean - value) / Math.sqrt(variance + EPS), "Subtract the mean from the number, not the number from the mean."],
    ...elsewhere,
  ];
  return { slips, otherwise: "Not that. Subtract the mean of the framed numbers, then divide by the root of their variance." };
}

/** The numbers of all images, a grid for each, its channels side by side. */
function createImages(name, read, { get, set, complain }, onedit) {
  const [images, channels, , columns] = array(get("x")).shape;
  const split = (column) => [Math.floor(column / columns), column % columns];
  const grids = Array.from({ length: images }, (_, n) => grid({
    label: `${name}, image ${n}`, tone: "signed", counted: false, onerror: complain,
    onselect: (row, column) => {
      const [c, w] = split(column);
      set({ chosen: [n, c, row, w] });
    },
    ...(onedit && { onedit: (row, column, value) => {
      const [c, w] = split(column);
      onedit([n, c, row, w], value);
    } }),
  }));
  const head = h("div", { class: "na-head", style: `--channels: ${channels}` },
    Array.from({ length: channels }, (_, c) => h("span", {}, channels > 4 ? String(c) : `channel ${c}`)));
  const rows = grids.map((one, n) => h("div", { class: "na-image" }, h("span", {}, h("span", {}, "image "), String(n)), one));
  const element = h("div", { class: "na-images" }, h("p", { class: "plane-name" }, name), head, rows);
  return { element, update(now) {
    grids.forEach((one, n) => {
      const planes = read(now)[n], area = planes[0].length * columns;
      const lines = planes[0].map((_, row) => planes.flatMap((plane) => plane[row]));
      one.update(lines, { cell: (row, column) => {
        const [c, w] = split(column), place = (n * channels + c) * area + row * columns + w, secret = now.hidden && place === now.at;
        const marks = [place === now.at ? "current" : "", now.inside(place) ? "lit" : "", w === 0 && c > 0 ? "na-next" : ""];
        return { text: onedit ? undefined : secret ? "?" : format(lines[row][column], 2), mark: marks.filter(Boolean).join(" ") };
      } });
    });
  } };
}

/** Mean, variance and the chosen number's result, each as the sum that it is. */
function createSum() {
  const element = h("div", { class: "sum", translate: "no" });
  const line = (name, ...pieces) => h("p", {}, `${name} `, pieces.flatMap((piece) => [h("span", { class: "terms" }, piece), " "]));
  return { element, update({ together, mean, variance, value, result, hidden }) {
    const squares = together.map((number) => `${factor(Number((number - mean).toFixed(4)))}²`), count = together.length;
    const joined = (terms, total) => terms.map((term, i) =>
      `${i ? "+ " : "("}${term}${i === count - 1 ? `)/${count} = ${format(total)}` : ""}`);
    element.replaceChildren(
      line("mean", ...joined(together.map(factor), mean)),
      line("variance", ...joined(squares, variance)),
      h("p", {}, h("span", { class: "terms" }, `(${format(value)} − ${factor(mean)})`), " ",
        h("span", { class: "terms" }, `/ √(${format(variance)} + ${format(EPS, 5)}) = `, h("strong", {}, hidden ? "?" : format(result)))));
  } };
}

/** How many means there are, in words. */
function meansOf({ kind, parts, together }) {
  const each = { batch: "one for each channel", layer: "one for each image", group: "one for each group of each image",
    instance: "one for each channel of each image" };
  return `${parts} ${parts === 1 ? "mean" : "means"}, ${each[kind]}, over ${together.length} ${together.length === 1 ? "number" : "numbers"}`;
}

function build(own) {
  const { get, set, complain } = own;
  const divisors = Array.from({ length: get("x")[0].length }, (_, i) => i + 1).filter((count) => get("x")[0].length % count === 0);
  const edit = (place, value) => {
    if (Math.abs(value) > LARGEST) complain(`A number may be at most ${LARGEST} here.`);
    else set({ x: copyWith(get("x"), place, value) });
  };
  const ask = predictFirst(own, { next: () => {
    const shape = array(get("x")).shape, chosen = [...get("chosen")];
    for (let axis = 3; axis >= 0; axis--) {
      chosen[axis] = (chosen[axis] + 1) % shape[axis];
      if (chosen[axis]) break;
    }
    set({ chosen });
  } });
  const kinds = Object.entries(KINDS).map(([kind, name]) => [kind, button(name, () => set({ kind }))]);
  const buttons = { element: h("div", { class: "controls na-kinds", role: "group", "aria-label": "Kind" }, kinds.map(([, one]) => one)),
    update: (now) => kinds.forEach(([kind, one]) => one.setAttribute("aria-pressed", now.kind === kind)) };
  const groups = choice("Groups", divisors.map((count) => [count, String(count)]), trait(own, "num_groups"));
  const means = h("p", { class: "note" });
  return {
    state: () => stateOf(get, ask),
    say: (now) => `${["image", "channel", "row", "column"].map((axis, i) => `${axis} ${now.chosen[i]}`).join(", ")}: ${KINDS[now.kind]} makes ${now.hidden ? "a hidden number" : format(now.result)} of ${format(now.value)}: ${meansOf(now)}`,
    parts: [
      group({ class: "na-top" }, buttons, { element: groups.element, update(now) {
        groups.update();
        groups.element.hidden = now.kind !== "group";
      } }),
      { element: means, update: (now) => (means.textContent = `${meansOf(now)}.`) },
      group({ class: "na-both main" }, createImages("x", (now) => now.images, own, edit),
        createImages("normalized", (now) => now.outputs, own)),
      createSum(), ask, own.error, group({ class: "controls" }, ask.tick, own.reset),
    ],
  };
}

export default frame({ mark: "norm-axes", label: "What is normalized together", data: ["x"], kept: ["kind", "num_groups", "chosen"], problem, build });
