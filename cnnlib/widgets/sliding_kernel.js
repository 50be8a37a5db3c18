// A kernel slides over an image, and every number of the feature map can be traced to its sum.
import { announcer, copyWith, field, format, h, mount, select, setter, speaker } from "./shared/view/dom.js";
import { grid } from "./shared/view/grid.js";
import { array, nested } from "./shared/math/array.js";
import { conv2d } from "./shared/math/convolution.js";
import { table } from "./shared/math/lists.js";
import { skipped } from "./shared/math/shapes.js";
import { geometry, products } from "./shared/math/terms.js";
import { player, spacePlays } from "./shared/view/player.js";
import { prediction } from "./shared/view/predict.js";
import { IMAGES, KERNELS } from "./shared/view/presets.js";
import { sumPanel } from "./shared/view/sum.js";

const GEOMETRY = ["stride", "padding", "dilation", "groups"];
const DATA = ["image", "weight", "bias", "stride", "padding", "dilation"];

const resized = (plane, rows, columns) => table(rows, columns, (i, j) => plane[i]?.[j] ?? 0);
const equal = (a, b) => JSON.stringify(a) === JSON.stringify(b);

/** Why no window fits, or "". */
function problem({ rows, columns }, padding) {
  if (padding === "same" && rows.stride * columns.stride > 1) return "Padding “same” keeps the size, so it needs stride 1.";
  for (const [name, side] of Object.entries({ rows, columns }))
    if (side.output < 1)
      return `The kernel spans ${side.extent} ${name}${side.dilation > 1 ? ` with dilation ${side.dilation}` : ""}, `
        + `but the image has ${side.padded}${side.padded > side.size ? " with its padding" : ""}.`;
  return "";
}

/** Image, kernel and feature maps: grids that follow the model. */
function createStage({ get, chosen, change, complain, choose, onhover }) {
  const planes = [], kernels = [], maps = [];
  const [imageCaption, kernelCaption, mapCaption] = [0, 1, 2].map(() => h("div", { class: "caption" }));
  const bias = grid({ label: "Bias", tone: "signed", onerror: complain,
    onedit: (_, __, value) => change({ bias: copyWith(get("bias"), [chosen()], value) }) });
  const biasRow = h("div", { class: "bias" }, h("span", {}, "+ bias"), bias.element);
  const filters = h("span", { class: "filters", role: "group", "aria-label": "Filter" });
  const filterRow = h("div", { class: "field" }, h("span", {}, "Filter"), filters);
  const channels = h("div", { class: "channels" }, imageCaption, kernelCaption);
  const feature = h("div", { class: "planes" });
  const element = h("div", { class: "stage" }, filterRow, channels, h("div", { class: "map" }, mapCaption, feature));

  /** As many grids as there are planes, each in a box with its name. */
  function fit(list, count, host, make) {
    while (list.length > count) list.pop().box.remove();
    while (list.length < count) {
      const made = make(list.length);
      made.title = h("span", { class: "plane-name" });
      made.box = h("div", { class: "plane" }, made.title, made.element);
      host.append(made.box);
      list.push(made);
    }
  }
  function name(plane, label, part) {
    plane.rename(part ? `${label}, ${part}` : label);
    plane.title.textContent = part;
  }

  function drawImage({ rows, columns }, terms, i, j) {
    const image = get("image");
    const [lostRows, lostColumns] = [rows, columns].map((side) => skipped(side).map((index) => index - side.before));
    fit(planes, image.length, channels, (c) => grid({ label: "Image", tone: "gray", onerror: complain,
      onedit: (r, column, value) => change({ image: copyWith(get("image"), [c, r, column], value) }) }));
    planes.forEach((plane, c) => {
      const weights = new Map(terms.filter((term) => term.channel === c).map((term) => [`${term.row},${term.column}`, term.weight]));
      name(plane, "Image", image.length > 1 ? `channel ${c}` : "");
      plane.box.style.setProperty("--channel", c);
      plane.update(image[c], {
        scale: image.flat(),
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
      });
    });
    const missed = [["row", rows, lostRows], ["column", columns, lostColumns]].map(([word, side, lost]) => {
      const list = lost.filter((index) => index >= 0 && index < side.size);
      return list.length ? `${word}${list.length > 1 ? "s" : ""} ${list.join(", ")}` : "";
    }).filter(Boolean).join(" and ");
    imageCaption.replaceChildren(h("b", {}, "Image"), ` ${image.length > 1 ? `${image.length} × ` : ""}${rows.size} × ${columns.size}`,
      missed ? h("span", { class: "note" }, `never read: ${missed}`) : "");
    const across = columns.padded + columns.kernel + 1;
    element.style.setProperty("--across", across);
    element.classList.toggle("busy", across > 11);
    element.classList.toggle("large", across > 15);
  }

  function drawKernel(shape, filter) {
    const weight = get("weight")[filter];
    const first = Math.floor(filter / shape.filters) * shape.channels;
    fit(kernels, weight.length, channels, (c) => grid({ label: "Kernel", tone: "signed", onerror: complain,
      onedit: (a, b, value) => change({ weight: copyWith(get("weight"), [chosen(), c, a, b], value) }) }));
    kernels.forEach((plane, c) => {
      name(plane, get("weight").length > 1 ? `Kernel of filter ${filter}` : "Kernel", get("image").length > 1 ? `channel ${first + c}` : "");
      plane.box.style.setProperty("--channel", first + c);
      plane.box.classList.add("kernel");
      plane.update(weight[c], { scale: weight.flat() });
    });
    bias.update([[get("bias")[filter]]]);
    // Moving it would end an edit, so only when the last channel is another one.
    if (biasRow.parentElement !== kernels.at(-1).box) kernels.at(-1).box.append(biasRow);
    kernelCaption.replaceChildren(h("b", {}, "Kernel"), ` ${shape.rows.kernel} × ${shape.columns.kernel}`);
    if (filters.children.length !== get("weight").length)
      filters.replaceChildren(...get("weight").map((_, f) =>
        h("button", { type: "button", "aria-label": `Filter ${f}`, click: () => choose({ filter: f }) }, String(f))));
    [...filters.children].forEach((button, f) => button.setAttribute("aria-pressed", f === filter));
    filterRow.hidden = get("weight").length === 1;
  }

  function drawMaps({ rows, columns }, output, filter, i, j, hidden) {
    const last = get("position");
    fit(maps, output.length, feature, (f) => grid({ label: "Feature map", tone: "signed",
      onselect: (row, column) => choose({ filter: f, row, column }),
      onhover: (row, column) => onhover(row === undefined ? null : { filter: f, i: row, j: column }) }));
    maps.forEach((map, f) => {
      name(map, "Feature map", output.length > 1 ? `filter ${f}` : "");
      map.update(output[f], {
        frame: f === filter ? { row: i, column: j, rows: 1, columns: 1 } : null,
        cell: (row, column) => {
          const index = row * columns.output + column;
          const mark = `${f === filter && row === i && column === j ? "current" : ""} ${index > last ? "later" : ""}`;
          return hidden(f, index) ? { text: "?", mark } : { mark };
        },
      });
      if (!map.element.contains(document.activeElement)) map.activate(i, j);
    });
    mapCaption.replaceChildren(h("b", {}, "Feature map"), ` ${output.length > 1 ? `${output.length} × ` : ""}${rows.output} × ${columns.output}`);
  }

  return {
    element,
    update(shape, output, terms, filter, i, j, hidden) {
      drawImage(shape, terms, i, j);
      drawKernel(shape, filter);
      drawMaps(shape, output, filter, i, j, hidden);
    },
    /** Marks the pixel and the weight of one product. */
    light(term) {
      for (const lit of element.querySelectorAll(".lit")) lit.classList.remove("lit");
      if (!term) return;
      const at = (plane, row, column) => plane?.element.querySelector(`[data-row="${row}"][data-column="${column}"]`);
      at(planes[term.channel], term.row, term.column)?.classList.add("lit");
      at(kernels[term.plane], term.a, term.b)?.classList.add("lit");
    },
  };
}

/** Presets, sizes, stride, padding, dilation, predict first, reset. */
function createControls({ get, chosen, change, restart, initial }) {
  const GIVEN = "as given";
  /** A choice of presets; `read` and `write` see all planes of the image or of the filter's kernel. */
  function presets(makers, read, write, given) {
    const control = select([GIVEN, ...makers.keys(), "edited"].map((name) => [name, name]), (name) => {
      const size = [read()[0].length, read()[0][0].length];
      write(read().map((_, c) => (name === GIVEN ? resized(given()[c], ...size) : makers.get(name)(...size))));
    });
    control.options[control.options.length - 1].disabled = true; // a state, not a choice
    return {
      control,
      update() {
        const planes = read(), size = [planes[0].length, planes[0][0].length];
        for (const option of control.options) if (makers.has(option.value)) option.hidden = !makers.get(option.value)(...size);
        const isMade = (name) => planes.every((plane) => equal(plane, makers.get(name)(...size)));
        control.value = [...makers.keys()].find(isMade) ?? (equal(planes, given()) ? GIVEN : "edited");
      },
    };
  }
  const kernel = presets(KERNELS, () => get("weight")[chosen()],
    (planes) => change({ weight: copyWith(get("weight"), [chosen()], planes) }), () => initial.weight[chosen()]);
  const image = presets(IMAGES, () => get("image"), (planes) => change({ image: planes }), () => initial.image);

  const upTo = (last, first = 1) => Array.from({ length: last - first + 1 }, (_, i) => [first + i, String(first + i)]);
  /** Two choices, rows × columns, which cut the planes or fill them up with zeros. */
  function sizes(label, largest, read, write) {
    const controls = ["rows", "columns"].map((side, i) => {
      const control = select(upTo(largest), (value) => {
        const plane = read();
        write(copyWith([plane.length, plane[0].length], [i], Number(value)));
      });
      control.setAttribute("aria-label", `${label} ${side}`);
      return control;
    });
    return { element: h("span", { class: "field" }, h("span", {}, label), controls[0], "×", controls[1]), controls };
  }
  const imageSize = sizes("Image", 12, () => get("image")[0],
    (size) => change({ image: get("image").map((plane) => resized(plane, ...size)) }));
  const kernelSize = sizes("Kernel", 5, () => get("weight")[0][0],
    (size) => change({ weight: get("weight").map((planes) => planes.map((plane) => resized(plane, ...size))) }));
  const steps = Object.entries({ stride: upTo(4), padding: [...upTo(3, 0), ["same", "same"]], dilation: upTo(3) }).map(
    ([name, choices]) => [name, select(choices, (value) => change({ [name]: value === "same" ? value : Number(value) }))]);
  const predict = h("input", { type: "checkbox", change: () => restart({ predict: predict.checked }) });
  const formula = h("p", { class: "formula" });

  /** Shows a value, adding it to the choices when it is none of the usual ones. */
  function show(control, value) {
    const text = Array.isArray(value) ? (value[0] === value[1] ? String(value[0]) : value.join(" × ")) : String(value);
    if (![...control.options].some((option) => option.value === text)) control.append(h("option", { value: text, disabled: true }, text));
    control.value = text;
  }

  const element = h("div", {},
    h("div", { class: "controls" }, field("Kernel", kernel.control), field("Image", image.control),
      h("label", { class: "tick" }, predict, "Predict first"),
      h("button", { type: "button", click: () => restart(initial) }, "Reset")),
    h("details", {}, h("summary", {}, "Size, stride, padding, dilation"),
      h("div", { class: "controls" }, imageSize.element, kernelSize.element,
        steps.map(([name, control]) => field(name[0].toUpperCase() + name.slice(1), control))), formula));
  return {
    element,
    update({ rows, columns }) {
      kernel.update();
      image.update();
      [rows, columns].forEach((side, i) => {
        show(imageSize.controls[i], side.size);
        show(kernelSize.controls[i], side.kernel);
      });
      for (const [name, control] of steps) show(control, get(name));
      predict.checked = get("predict");
      formula.replaceChildren(...Object.entries({ rows, columns }).map(([name, s]) =>
        h("span", {}, `${name}: ⌊(${s.size} + ${s.before} + ${s.after} − ${s.dilation}·(${s.kernel} − 1) − 1) / ${s.stride}⌋ + 1 = ${s.output}`)));
    },
  };
}

function render({ model, el }) {
  const get = (name) => model.get(name);
  const set = setter(model);
  const initial = Object.fromEntries(DATA.map((name) => [name, get(name)]));
  const options = () => Object.fromEntries(GEOMETRY.map((name) => [name, get(name)]));
  const chosen = () => Math.min(get("filter"), get("weight").length - 1);
  const known = new Set(); // the numbers that were predicted or shown
  let hover = null, drawn = "", columns = 1, count = 1;

  const position = () => Math.min(get("position"), count - 1);
  const key = () => `${chosen()},${position()}`;

  function complain(message) {
    if (error.textContent !== message) error.textContent = message;
  }
  /** Sets what a reader changed, unless no window would fit any more. */
  function change(traits) {
    const all = { image: get("image"), weight: get("weight"), ...options(), ...traits };
    const message = problem(geometry(array(all.image), array(all.weight), all), all.padding);
    complain(message);
    if (message) draw();
    else set(traits);
  }
  function choose({ filter, row, column }) {
    bar.pause();
    hover = null;
    set(row === undefined ? { filter } : { filter, position: row * columns + column });
  }
  function restart(traits) {
    bar.pause();
    known.clear();
    change({ position: 0, score: [0, 0], ...traits });
  }
  function onhover(place) {
    if (bar.playing || equal(place, hover)) return;
    hover = place;
    draw();
  }

  const error = h("p", { class: "error", role: "alert" });
  const live = announcer();
  const stage = createStage({ get, chosen, change, complain, choose, onhover });
  const sums = sumPanel(stage.light);
  const bar = player({ label: "Position of the kernel", onmove: (to) => set({ position: to }) });
  const predict = prediction({
    onnext: () => choose({ filter: chosen(), row: 0, column: (position() + 1) % count }),
    onreveal: (right) => {
      const [good, asked] = get("score");
      if (!known.has(key())) set({ score: [good + (right ? 1 : 0), asked + 1] });
      known.add(key());
      draw();
    },
  });
  const controls = createControls({ get, chosen, change, restart, initial });

  function draw() {
    const [image, weight, biases] = ["image", "weight", "bias"].map(get);
    const data = JSON.stringify([image, weight, biases, options()]);
    if (data !== drawn) {
      known.clear();
      hover = null;
    }
    drawn = data;
    const x = array(image), kernels = array(weight), shape = geometry(x, kernels, options());
    columns = shape.columns.output;
    count = shape.rows.output * columns;
    const { filter, i, j } = hover ?? { filter: chosen(), i: Math.floor(position() / columns), j: position() % columns };
    const hidden = (f, index) => get("predict") && !known.has(`${f},${index}`);
    const terms = products(x, kernels, shape, filter, i, j);
    const isHidden = hidden(filter, i * columns + j);
    const total = sums.update(terms, biases[filter], isHidden);
    stage.update(shape, nested(conv2d(x, kernels, array(biases), options())), terms, filter, i, j, hidden);
    const where = `row ${i}, column ${j}`;
    bar.update(position(), count, where);
    controls.update(shape);
    predict.element.hidden = !get("predict");
    if (!hover) {
      predict.update({ key: key() + data, where: biases.length > 1 ? `${where} of filter ${filter}` : where, terms, total, bias: biases[filter], score: get("score"), known: !isHidden });
      speak(`${where}: ${isHidden ? "hidden" : `${said(terms, biases[filter])} is ${format(total)}`}`);
    }
  }
  const said = (terms, bias) =>
    `${terms.length > 12 ? `${terms.length} products` : terms.map((t) => `${format(t.pixel)} times ${format(t.weight)}`).join(", plus ")}, plus ${format(bias)}`;
  const speak = speaker(live, bar);

  const root = h("div", { class: "cnn-widget sliding-kernel", role: "group", "aria-label": "Sliding kernel" },
    stage.element, sums.element, bar.element, predict.element, error, controls.element, live);
  spacePlays(root, bar);
  return mount(el, root, model, draw, () => bar.pause());
}

export default { render };
