// Windows laid down as columns, so that a convolution becomes one matrix product.
import { announcer, copyWith, factor, field, format, h, mount, select, setter, speaker } from "./shared/view/dom.js";
import { grid } from "./shared/view/grid.js";
import { array, nested, reshape } from "./shared/math/array.js";
import { conv2d, im2col } from "./shared/math/convolution.js";
import { table } from "./shared/math/lists.js";
import { geometry, products } from "./shared/math/terms.js";
import { player, spacePlays } from "./shared/view/player.js";
import { prediction } from "./shared/view/predict.js";

const LARGEST = 36; // rows or columns of a matrix that a reader can still look over
const STEPS = ["stride", "padding", "dilation"];
const DATA = ["image", "weight", ...STEPS];
const folded = (row, kernel, channels) =>
  Array.from({ length: channels }, (_, c) => table(...kernel, (a, b) => row[(c * kernel[0] + a) * kernel[1] + b]));

/** Why the columns cannot be drawn, or "". */
function obstacle(image, weight, options) {
  const { rows, columns } = geometry(array(image), array(weight), options);
  if (rows.output < 1 || columns.output < 1) return "No window fits: the kernel reaches beyond the image and its padding.";
  const size = [weight[0].flat(2).length, rows.output * columns.output];
  return Math.max(...size) <= LARGEST ? "" : `That makes ${size[0]} rows and ${size[1]} columns; up to ${LARGEST} are drawn.`;
}

/** A matrix with its name, which scrolls sideways where it is too wide. */
function createMatrix(mark, title, options) {
  const numbers = grid(options), size = h("span", { class: "note" });
  const scroll = h("div", { class: "im2col-scroll" }, numbers.element);
  return {
    ...numbers,
    element: h("div", { class: mark }, h("div", { class: "im2col-title" }, h("b", {}, title), " ", size), scroll),
    size(text) {
      size.textContent = text;
    },
    /** Scrolls until a column is seen. */
    show(column) {
      const cell = numbers.element.querySelector(`[data-row="0"][data-column="${column}"]`);
      const [own, all] = [cell, scroll].map((one) => one.getBoundingClientRect());
      scroll.scrollLeft += Math.max(0, own.right + 4 - all.right) - Math.max(0, all.left + 4 - own.left);
    },
  };
}

/** The image's channels, where a click chooses a window, or a number to change. */
function createImage({ get, change, complain, chooseWindow }) {
  const host = h("div", { class: "im2col-planes" }), size = h("span", { class: "note" });
  let planes = [], made = "";
  function build(count, editing) {
    if (made === `${count},${editing}`) return;
    made = `${count},${editing}`;
    planes = Array.from({ length: count }, (_, c) => grid({ label: count > 1 ? `Image, channel ${c}` : "Image", tone: "gray", onerror: complain,
      onselect: editing ? undefined : chooseWindow,
      onedit: editing ? (row, column, value) => change({ image: copyWith(get("image"), [c, row, column], value) }) : undefined }));
    host.replaceChildren(...planes.map(({ element }) => element));
  }
  return {
    element: h("div", { class: "im2col-image" }, h("div", { class: "im2col-title" }, h("b", {}, "Image"), " ", size), host),
    update({ rows, columns }, origin, stop, lit, editing) {
      const image = get("image");
      build(image.length, editing);
      const [i, j] = [Math.floor(stop / columns.output), stop % columns.output];
      const places = new Map(origin.map((line, place) => [`${line[stop].channel},${line[stop].row},${line[stop].column}`, place]));
      size.textContent = `${image.length > 1 ? `${image.length} × ` : ""}${rows.size} × ${columns.size}`;
      planes.forEach((plane, c) => plane.update(image[c], {
        scale: image.flat(),
        border: { top: rows.before, bottom: rows.after, left: columns.before, right: columns.after },
        frame: { row: i * rows.stride - rows.before, column: j * columns.stride - columns.before, rows: rows.extent, columns: columns.extent },
        cell: (row, column) => {
          const place = places.get(`${c},${row},${column}`);
          return place === undefined ? {} : { note: String(place), mark: place === lit ? "lit" : rows.dilation > 1 ? "read" : "" };
        },
      }));
    },
  };
}

/** Sizes, stride, padding, dilation, predict first. */
function createControls({ get, change, restart, initial, onediting }) {
  const upTo = (last, first = 1) => Array.from({ length: last - first + 1 }, (_, i) => [first + i, String(first + i)]);
  const fill = (plane, rows, columns) => table(rows, columns, (i, j) => plane[i]?.[j] ?? (i + 2 * j) % 5);
  const resize = {
    rows: (value) => ({ image: get("image").map((plane) => fill(plane, value, plane[0].length)) }),
    columns: (value) => ({ image: get("image").map((plane) => fill(plane, plane.length, value)) }),
    channels: (value) => ({
      image: Array.from({ length: value }, (_, c) => get("image")[c] ?? get("image")[0].map((line) => [...line].reverse())),
      weight: get("weight").map((planes) => Array.from({ length: value }, (_, c) => planes[c] ?? planes[0].map((line) => line.map(() => 1)))),
    }),
    kernel: (value) => ({ weight: get("weight").map((planes) => planes.map((plane) => table(value, value, (a, b) => plane[a]?.[b] ?? 0))) }),
  };
  const now = {
    rows: () => get("image")[0].length, columns: () => get("image")[0][0].length,
    channels: () => get("image").length, kernel: () => get("weight")[0][0].length,
  };
  const sizes = Object.entries({ rows: 8, columns: 8, channels: 3, kernel: 4 }).map(([name, last]) =>
    [name, select(upTo(last), (value) => change(resize[name](Number(value))))]);
  const steps = Object.entries({ stride: upTo(3), padding: upTo(2, 0), dilation: upTo(3) }).map(([name, choices]) =>
    [name, select(choices, (value) => change({ [name]: Number(value) }))]);
  const predict = h("input", { type: "checkbox", change: () => restart({ predict: predict.checked }) });
  const editing = h("input", { type: "checkbox", change: () => onediting(editing.checked) });
  const title = (name) => (name === "kernel" ? "Kernel size" : `${["rows", "columns"].includes(name) ? "Image " : ""}${name}`.replace(/^./, (c) => c.toUpperCase()));
  return {
    element: h("div", {},
      h("div", { class: "controls" }, h("label", { class: "tick" }, predict, "Predict first"),
        h("label", { class: "tick" }, editing, "Edit the pixels"), h("button", { type: "button", click: () => restart(initial) }, "Reset")),
      h("details", {}, h("summary", {}, "Size, channels, stride, padding, dilation"),
        h("div", { class: "controls" }, [...sizes, ...steps].map(([name, control]) => field(title(name), control))))),
    update() {
      for (const [name, control] of sizes) control.value = now[name]();
      for (const [name, control] of steps) control.value = get(name);
      predict.checked = get("predict");
    },
  };
}

function render({ model, el }) {
  const get = (name) => model.get(name);
  const set = setter(model);
  const initial = Object.fromEntries(DATA.map((name) => [name, get(name)]));
  const options = () => Object.fromEntries(STEPS.map((name) => [name, get(name)]));
  const known = new Set(); // the entries that were predicted or shown
  let shape, editing = false, lit = null, drawn = "";

  const count = () => shape.rows.output * shape.columns.output;
  const position = () => Math.min(get("position"), count() - 1);
  const chosen = () => Math.min(get("filter"), get("weight").length - 1);
  const key = () => `${chosen()},${position()}`;

  function complain(message) {
    if (error.textContent !== message) error.textContent = message;
  }
  function change(traits) {
    const all = { image: get("image"), weight: get("weight"), ...options(), ...traits };
    const message = obstacle(all.image, all.weight, all);
    complain(message);
    if (message) draw();
    else set(traits);
  }
  function choose(traits, place = null) {
    bar.pause();
    lit = place;
    set(traits);
    draw();
  }
  function restart(traits) {
    bar.pause();
    known.clear();
    lit = null;
    change({ position: 0, filter: 0, score: [0, 0], ...traits });
  }
  /** The window that begins at a pixel, or the last before it. */
  function chooseWindow(row, column) {
    const [i, j] = [[row, shape.rows], [column, shape.columns]].map(([at, side]) =>
      Math.min(Math.floor((at + side.before) / side.stride), side.output - 1));
    choose({ position: i * shape.columns.output + j });
  }

  const error = h("p", { class: "error", role: "alert" }), live = announcer(), counts = h("p", { class: "note" });
  const sums = h("p", { class: "im2col-sum" });
  const image = createImage({ get, change, complain, chooseWindow });
  const columns = createMatrix("im2col-columns", "Columns", { label: "Columns", tone: "gray",
    onselect: (row, column) => choose({ position: column }, row) });
  const filters = createMatrix("im2col-filters", "Filters as rows", { label: "Filters as rows", tone: "signed", onerror: complain,
    onedit: (row, column, value) => {
      const weight = get("weight"), kernel = [weight[0][0].length, weight[0][0][0].length];
      const flat = copyWith(weight.map((planes) => planes.flat(2)), [row, column], value);
      change({ weight: flat.map((line) => folded(line, kernel, weight[0].length)) });
    } });
  const product = createMatrix("im2col-product", "Product", { label: "Product", tone: "signed",
    onselect: (row, column) => choose({ filter: row, position: column }) });
  const bar = player({ label: "Window", onmove: (to) => set({ position: to }) });
  const predict = prediction({
    onnext: () => choose({ position: (position() + 1) % count() }),
    onreveal: (right) => {
      const [good, asked] = get("score");
      if (!known.has(key())) set({ score: [good + (right ? 1 : 0), asked + 1] });
      known.add(key());
      draw();
    },
  });
  const controls = createControls({ get, change, restart, initial, onediting(value) {
    editing = value;
    draw();
  } });

  function drawMatrices(values, rows, output, stop, filter, hidden) {
    columns.update(values, { frame: { row: 0, column: stop, rows: values.length, columns: 1 },
      cell: (row, column) => ({ mark: column === stop ? (row === lit ? "current lit" : "current") : "" }) });
    filters.update(rows, { frame: { row: filter, column: 0, rows: 1, columns: rows[0].length },
      cell: (row, column) => ({ mark: row === filter && column === lit ? "lit" : "" }) });
    product.update(output, { frame: { row: filter, column: stop, rows: 1, columns: 1 },
      cell: (row, column) => ({ ...(hidden(row, column) ? { text: "?" } : {}), mark: row === filter && column === stop ? "current" : "" }) });
    for (const [matrix, numbers] of [[columns, values], [filters, rows], [product, output]]) matrix.size(`${numbers.length} × ${numbers[0].length}`);
    if (!columns.element.contains(document.activeElement)) columns.activate(lit ?? 0, stop);
    if (!product.element.contains(document.activeElement)) product.activate(filter, stop);
    for (const matrix of [columns, product]) matrix.show(stop);
  }
  function draw() {
    const [pixels, weight] = ["image", "weight"].map(get), kernel = [weight[0][0].length, weight[0][0][0].length];
    const data = JSON.stringify([pixels, weight, options()]);
    if (data !== drawn) {
      known.clear();
      lit = null;
    }
    drawn = data;
    const x = array(pixels), filters = array(weight);
    shape = geometry(x, filters, options());
    const stops = table(shape.rows.output, shape.columns.output, (i, j) => products(x, filters, shape, 0, i, j)).flat();
    const origin = stops[0].map((_, place) => stops.map((terms) => terms[place]));
    const values = nested(im2col(reshape(x, [1, ...x.shape]), kernel, options()));
    const rows = weight.map((planes) => planes.flat(2));
    const output = nested(conv2d(x, filters, null, options())).map((map) => map.flat());
    const [stop, filter] = [position(), chosen()];
    const hidden = (row, column) => get("predict") && !known.has(`${row},${column}`);
    const isHidden = hidden(filter, stop), total = output[filter][stop];
    image.update(shape, origin, stop, lit, editing);
    drawMatrices(values, rows, output, stop, filter, hidden);
    const terms = rows[filter].map((w, place) => ({ channel: origin[place][stop].channel, a: origin[place][stop].a, pixel: values[place][stop], weight: w }));
    sums.replaceChildren(`Row ${filter} times column ${stop}: `,
      ...terms.map((term, place) => h("span", { class: place === lit ? "im2col-term lit" : "im2col-term" }, `${place ? "+ " : ""}${place ? factor(term.weight) : format(term.weight)}·${factor(term.pixel)}`)).flatMap((term) => [term, " "]),
      "= ", h("strong", {}, isHidden ? "?" : format(total)));
    const where = `row ${filter}, column ${stop}`;
    bar.update(stop, count(), `window ${stop}`);
    controls.update();
    predict.element.hidden = !get("predict");
    predict.update({ key: key() + data, where: `${where} of the product`, terms, total, bias: 0, score: get("score"), known: !isHidden });
    const [one, all] = [pixels.flat(2).length, values.flat().length];
    counts.textContent = `${one} pixels, ${values.length} × ${values[0].length} = ${all} numbers in the columns: ${format(all / one, 2)} times as many. `
      + `The product takes ${rows.length} × ${values.length} × ${values[0].length} = ${rows.length * all} multiplications.`;
    speak(`window ${stop}, ${where}: ${isHidden ? "hidden" : format(total)}`);
  }
  const speak = speaker(live, bar);

  const root = h("div", { class: "cnn-widget im2col", role: "group", "aria-label": "Windows as columns" },
    h("div", { class: "im2col-stage" }, image.element, columns.element, filters.element, product.element),
    sums, bar.element, predict.element, error, counts, controls.element, live);
  spacePlays(root, bar);
  return mount(el, root, model, draw, () => bar.pause());
}

export default { render };
