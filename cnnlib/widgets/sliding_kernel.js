// A kernel slides over an image, and every number of the feature map can be traced to its sum.
import { choice, presets, same, sizes, trait, upTo } from "./shared/view/controls.js";
import { button, copyWith, format, h, light } from "./shared/view/dom.js";
import { dock, frame, group } from "./shared/view/frame.js";
import { grid, oneCell } from "./shared/view/grid.js";
import { array, nested } from "./shared/math/array.js";
import { conv2d } from "./shared/math/convolution.js";
import { table } from "./shared/math/lists.js";
import { skipped } from "./shared/math/shapes.js";
import { geometry, products } from "./shared/math/terms.js";
import { player } from "./shared/view/player.js";
import { predictFirst } from "./shared/view/predict.js";
import { IMAGES, KERNELS } from "./shared/view/presets.js";
import { channelName, sumOf, sumPanel } from "./shared/view/sum.js";

const GEOMETRY = ["stride", "padding", "dilation", "groups"];

const resized = (plane, rows, columns) => table(rows, columns, (i, j) => plane[i]?.[j] ?? 0);
const sizeOf = ([plane]) => [plane.length, plane[0].length];

/** Why no window fits, or "". */
function problem({ rows, columns }, padding) {
  if (padding === "same" && rows.stride * columns.stride > 1) return "Padding “same” keeps the size, so it needs stride 1.";
  for (const [name, side] of Object.entries({ rows, columns }))
    if (side.output < 1)
      return `The kernel spans ${side.extent} ${name}${side.dilation > 1 ? ` with dilation ${side.dilation}` : ""}, `
        + `but the image has ${side.padded}${side.padded > side.size ? " with its padding" : ""}.`;
  return "";
}

/** The rows and columns of the image that no window reads: as they are counted, and in words. */
function neverRead({ rows, columns }) {
  const lost = [rows, columns].map((side) => skipped(side).map((index) => index - side.before));
  const words = [["row", rows], ["column", columns]].map(([word, side], i) => {
    const list = lost[i].filter((index) => index >= 0 && index < side.size);
    return list.length ? `${word}${list.length > 1 ? "s" : ""} ${list.join(", ")}` : "";
  });
  return { lost, words: words.filter(Boolean).join(" and ") };
}

/** As many grids as there are planes, each in a box with its name: update(planes, look) draws. */
function planes(host, make) {
  const list = [];
  function add() {
    const made = make(list.length), title = h("span", { class: "plane-name" });
    const box = h("div", { class: "plane" }, title, made);
    host.append(box);
    list.push({ made, title, box });
  }
  return {
    list,
    cell: (plane, row, column) => list[plane]?.made.cell(row, column),
    update(values, look) {
      while (list.length > values.length) list.pop().box.remove();
      while (list.length < values.length) add();
      list.forEach(({ made, title, box }, k) => {
        const { label, part, channel, ...drawn } = look(k);
        made.rename(part ? `${label}, ${part}` : label);
        title.textContent = part;
        if (channel !== undefined) box.style.setProperty("--channel", channel);
        made.update(values[k], drawn);
      });
    },
  };
}

function createImage({ get, complain }, change, host) {
  const caption = h("div", { class: "caption" });
  const image = planes(host, (c) => grid({ label: "Image", tone: "gray", onerror: complain,
    onedit: (row, column, value) => change({ image: copyWith(get("image"), [c, row, column], value) }) }));
  return { ...image, element: caption, update({ image: values, channels, shape, terms, i, j }) {
    const { rows, columns } = shape, { lost: [lostRows, lostColumns], words } = neverRead(shape);
    image.update(values, (c) => {
      const weights = new Map(terms.filter((term) => term.channel === c).map((term) => [`${term.row},${term.column}`, term.weight]));
      return {
        label: "Image", part: values.length > 1 ? channelName(c, channels) : "", channel: c, scale: values.flat(),
        border: { top: rows.before, bottom: rows.after, left: columns.before, right: columns.after },
        frame: weights.size
          ? { row: i * rows.stride - rows.before, column: j * columns.stride - columns.before, rows: rows.extent, columns: columns.extent }
          : null,
        cell: (row, column) => {
          const weight = weights.get(`${row},${column}`);
          const read = weight !== undefined && rows.dilation * columns.dilation > 1;
          return { mark: `${read ? "read" : ""} ${lostRows.includes(row) || lostColumns.includes(column) ? "skipped" : ""}`,
            note: weight === undefined ? "" : `×${format(weight, 2)}` };
        },
      };
    });
    caption.replaceChildren(h("b", {}, "Image"), ` ${values.length > 1 ? `${values.length} × ` : ""}${rows.size} × ${columns.size}`,
      words ? h("span", { class: "note" }, `never read: ${words}`) : "");
  } };
}

/** The kernel of the chosen filter, and below its last channel the bias. */
function createKernel({ get, complain }, change, chosen, host) {
  const caption = h("div", { class: "caption" });
  const bias = grid({ label: "Bias", tone: "signed", counted: false, onerror: complain,
    onedit: (_, __, value) => change({ bias: copyWith(get("bias"), [chosen()], value) }) });
  const biasRow = h("div", { class: "bias" }, h("span", {}, "+ bias"), bias);
  const kernels = planes(host, (c) => grid({ label: "Kernel", tone: "signed", onerror: complain,
    onedit: (a, b, value) => change({ weight: copyWith(get("weight"), [chosen(), c, a, b], value) }) }));
  return { ...kernels, element: caption, update({ image, channels, weight, biases, shape, filter }) {
    const own = weight[filter], first = Math.floor(filter / shape.filters) * shape.channels;
    kernels.update(own, (c) => ({ label: weight.length > 1 ? `Kernel of filter ${filter}` : "Kernel",
      part: image.length > 1 ? channelName(first + c, channels) : "", channel: first + c, scale: own.flat() }));
    for (const { box } of kernels.list) box.classList.add("kernel");
    bias.update([[biases[filter]]]);
    // Moving it would end an edit, so only when the last channel is another one.
    const last = kernels.list.at(-1).box;
    if (biasRow.parentElement !== last) last.append(biasRow);
    caption.replaceChildren(h("b", {}, "Kernel"), ` ${shape.rows.kernel} × ${shape.columns.kernel}`);
  } };
}

function createMaps(choose, onhover) {
  const caption = h("div", { class: "caption" }), host = h("div", { class: "planes" });
  const maps = planes(host, (f) => grid({ label: "Feature map", tone: "signed",
    onselect: (row, column) => choose({ filter: f, row, column }),
    onhover: (row, column) => onhover(row === undefined ? null : { filter: f, i: row, j: column }) }));
  return { element: h("div", { class: "map" }, caption, host), update({ shape: { rows, columns }, output, filter, i, j, position, hidden }) {
    maps.update(output, (f) => ({
      label: "Feature map", part: output.length > 1 ? `filter ${f}` : "", scale: output[f],
      frame: f === filter ? oneCell(i, j) : null,
      cell: (row, column) => {
        const index = row * columns.output + column;
        const mark = `${f === filter && row === i && column === j ? "current" : ""} ${index > position ? "later" : ""}`;
        return hidden(f, index) ? { text: "?", mark } : { mark };
      },
    }));
    caption.replaceChildren(h("b", {}, "Feature map"), ` ${output.length > 1 ? `${output.length} × ` : ""}${rows.output} × ${columns.output}`);
  } };
}

function createFilters(choose) {
  const filters = h("span", { class: "filters", role: "group", "aria-label": "Filter" });
  const element = h("div", { class: "field" }, h("span", {}, "Filter"), filters);
  return { element, update({ weight, filter }) {
    if (filters.children.length !== weight.length)
      filters.replaceChildren(...weight.map((_, f) => button(String(f), () => choose({ filter: f }), { "aria-label": `Filter ${f}` })));
    [...filters.children].forEach((one, f) => one.setAttribute("aria-pressed", f === filter));
    element.hidden = weight.length === 1;
  } };
}

/** Image, kernel and feature maps. */
function createStage(own, { change, choose, chosen, onhover }) {
  const channels = h("div", { class: "channels" });
  const [image, kernel] = [createImage(own, change, channels), createKernel(own, change, chosen, channels)];
  channels.prepend(image.element, kernel.element);
  const [filters, maps] = [createFilters(choose), createMaps(choose, onhover)];
  const element = h("div", { class: "stage" }, filters, channels, maps);
  return {
    element,
    update(now) {
      for (const part of [filters, image, kernel, maps]) part.update(now);
      const across = now.shape.columns.padded + now.shape.columns.kernel + 1;
      element.style.setProperty("--across", across);
      channels.classList.toggle("several", now.image.length > 1);
      channels.style.setProperty("--wide", now.image.length * (now.shape.columns.padded + 1));
      element.classList.toggle("busy", across > 11);
      element.classList.toggle("large", across > 15);
    },
    /** Marks the pixel and the weight of one product. */
    light: (term) => light(element, term
      ? [image.cell(term.channel, term.row, term.column), kernel.cell(term.plane, term.a, term.b)] : []),
  };
}

/** Presets, sizes, stride, padding, dilation, predict first, reset. */
function createControls(own, { change, chosen, ask }) {
  const { get, initial } = own;
  /** `read` and `write` see all planes of the image or of the filter's kernel. */
  const planePresets = (label, makers, read, write, given) => presets(label,
    new Map([...makers].map(([name, make]) => [name, () => {
      const plane = make(...sizeOf(read()));
      return plane && read().map(() => plane);
    }])), { read, given, write: (all) => write(all.map((plane) => resized(plane, ...sizeOf(read())))) });
  const kernel = planePresets("Kernel", KERNELS, () => get("weight")[chosen()],
    (all) => change({ weight: copyWith(get("weight"), [chosen()], all) }), () => initial.weight[chosen()]);
  const image = planePresets("Image", IMAGES, () => get("image"), (all) => change({ image: all }), () => initial.image);
  const imageSize = sizes("Image", 12, { read: () => sizeOf(get("image")),
    write: (size) => change({ image: get("image").map((plane) => resized(plane, ...size)) }) });
  const kernelSize = sizes("Kernel", 5, { read: () => sizeOf(get("weight")[0]),
    write: (size) => change({ weight: get("weight").map((all) => all.map((plane) => resized(plane, ...size))) }) });
  const steps = [["Stride", upTo(4)], ["Padding", [...upTo(3, 0), ["same", "same"]]], ["Dilation", upTo(3)]].map(
    ([label, options]) => choice(label, options, trait(own, label.toLowerCase(), change)));
  const formula = h("p", { class: "formula" });
  const controls = [group({ class: "controls" }, kernel, image, ask.tick, own.reset), group({ class: "controls" }, imageSize, kernelSize, steps)];
  return {
    element: h("div", {}, controls[0], h("details", {}, h("summary", {}, "Size, stride, padding, dilation"), controls[1], formula)),
    update({ shape: { rows, columns } }) {
      for (const one of controls) one.update();
      formula.replaceChildren(...Object.entries({ rows, columns }).map(([name, s]) =>
        h("span", {}, `${name}: ⌊(${s.size} + ${s.before} + ${s.after} − ${s.dilation}·(${s.kernel} − 1) − 1) / ${s.stride}⌋ + 1 = ${s.output}`)));
    },
  };
}

const said = (terms, bias) =>
  `${terms.length > 12 ? `${terms.length} products` : terms.map((t) => `${format(t.pixel)} times ${format(t.weight)}`).join(", plus ")}, plus ${format(bias)}`;

/** All that is drawn, from the traits and the place that the mouse points at. */
function stateOf(get, hover, known) {
  const [image, weight, biases] = ["image", "weight", "bias"].map(get);
  const options = Object.fromEntries(GEOMETRY.map((name) => [name, get(name)]));
  const x = array(image), kernels = array(weight), shape = geometry(x, kernels, options);
  const columns = shape.columns.output, count = shape.rows.output * columns;
  const position = Math.min(get("position"), count - 1), chosen = Math.min(get("filter"), weight.length - 1);
  const { filter, i, j } = hover ?? { filter: chosen, i: Math.floor(position / columns), j: position % columns };
  const hidden = (f, index) => known.hidden(`${f},${index}`);
  const terms = products(x, kernels, shape, filter, i, j), bias = biases[filter];
  return {
    image, channels: get("channels"), weight, biases, bias, shape, position, count, filter, i, j, terms, hidden, hover, where: `row ${i}, column ${j}`,
    isHidden: hidden(filter, i * columns + j), output: nested(conv2d(x, kernels, array(biases), options)),
  };
}

function build(own) {
  const { get, set, complain, draw } = own;
  let hover = null;
  const chosen = () => Math.min(get("filter"), get("weight").length - 1);
  /** Sets what a reader changed, unless no window would fit any more. */
  function change(traits) {
    const all = { ...Object.fromEntries(["image", "weight", ...GEOMETRY].map((name) => [name, get(name)])), ...traits };
    const message = problem(geometry(array(all.image), array(all.weight), all), all.padding);
    if (!message) set(traits);
    complain(message);
    draw();
  }
  function choose({ filter, row, column }) {
    bar.pause();
    hover = null;
    set(row === undefined ? { filter } : { filter, position: row * stateOf(get, null, ask).shape.columns.output + column });
  }
  function onhover(place) {
    if (bar.playing || same(place, hover)) return;
    hover = place;
    draw();
  }

  const bar = player(own, "Position of the kernel");
  const ask = predictFirst(own, { start: () => ({ position: 0 }), next() {
    const { filter, position, count } = stateOf(get, null, ask);
    choose({ filter, row: 0, column: (position + 1) % count });
  } });
  const stage = createStage(own, { change, choose, chosen, onhover });
  function state() {
    const now = stateOf(get, hover, ask), { terms, bias, weight, filter, position, where } = now;
    const total = sumOf(terms, bias);
    const task = hover ? undefined : { key: `${filter},${position}`, where: weight.length > 1 ? `${where} of filter ${filter}` : where, terms, total, bias };
    return { ...now, total, task };
  }
  return {
    bar, state, forget: () => (hover = null),
    parts: [stage, dock(sumPanel(stage.light), bar, ask), own.error, createControls(own, { change, chosen, ask })],
    say: ({ where, isHidden, terms, bias, total }) => (hover ? undefined : `${where}: ${isHidden ? "hidden" : `${said(terms, bias)} is ${format(total)}`}`),
  };
}

export default frame({ mark: "sliding-kernel", label: "Sliding kernel", data: ["image", "weight", "bias", ...GEOMETRY], kept: ["position"],
  problem({ image, weight, bias, channels, ...options }) {
    conv2d(array(image), array(weight), array(bias), options);
    return channels.length && channels.length !== image.length ? "There is not one name for each channel." : "";
  }, build });
