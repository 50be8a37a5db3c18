// Windows laid down as columns, so that a convolution becomes one matrix product.
import { choice, tick, trait, upTo } from "./shared/view/controls.js";
import { copyWith, factor, format, h } from "./shared/view/dom.js";
import { dock, frame, group } from "./shared/view/frame.js";
import { grid, oneCell } from "./shared/view/grid.js";
import { array, nested, reshape } from "./shared/math/array.js";
import { conv2d, im2col } from "./shared/math/convolution.js";
import { table } from "./shared/math/lists.js";
import { geometry, products } from "./shared/math/terms.js";
import { player } from "./shared/view/player.js";
import { predictFirst } from "./shared/view/predict.js";

const LARGEST = 36; // rows or columns of a matrix that a reader can still look over
const STEPS = ["stride", "padding", "dilation"];
const folded = (row, kernel, channels) =>
  Array.from({ length: channels }, (_, c) => table(...kernel, (a, b) => row[(c * kernel[0] + a) * kernel[1] + b]));
const kernelOf = (weight) => [weight[0][0].length, weight[0][0][0].length];

/** Why the columns cannot be drawn, or "". */
function obstacle({ image, weight, ...options }) {
  if (weight[0].length !== image.length) return `The filters have ${weight[0].length} channels, the image has ${image.length}.`;
  const { rows, columns } = geometry(array(image), array(weight), options);
  if (rows.output < 1 || columns.output < 1) return "No window fits: the kernel reaches beyond the image and its padding.";
  const size = [weight[0].flat(2).length, rows.output * columns.output];
  return Math.max(...size) <= LARGEST ? "" : `That makes ${size[0]} rows and ${size[1]} columns; up to ${LARGEST} are drawn.`;
}

/** A matrix with its name, which scrolls sideways where it is too wide. */
function createMatrix(mark, title, options) {
  const numbers = grid({ label: title, tone: "signed", ...options }), size = h("span", { class: "note" });
  const scroll = h("div", { class: "im2col-scroll" }, numbers);
  return {
    element: h("div", { class: mark }, h("div", { class: "im2col-title" }, h("b", {}, title), " ", size), scroll),
    /** Draws; Tab leads to (row, column), if that is given, and the matrix is scrolled until its column is seen. */
    draw(values, look, row, column) {
      numbers.update(values, look);
      size.textContent = `${values.length} × ${values[0].length}`;
      if (row === undefined) return;
      if (!scroll.contains(document.activeElement)) numbers.activate(row, column);
      const [own, all] = [numbers.cell(0, column), scroll].map((one) => one.getBoundingClientRect());
      const by = Math.max(0, own.right + 4 - all.right) - Math.max(0, all.left + 4 - own.left);
      scroll.scrollLeft += (by * scroll.offsetWidth) / (all.width || 1); // it may be drawn larger
    },
  };
}

/** The image's channels, where a click chooses a window, or a number to change. */
function createImage({ get, complain }, change, chooseWindow) {
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
    update({ image, shape: { rows, columns }, origin, position, lit, editing }) {
      build(image.length, editing);
      const [i, j] = [Math.floor(position / columns.output), position % columns.output];
      const places = new Map(origin.map((line, place) => [`${line[position].channel},${line[position].row},${line[position].column}`, place]));
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

/** The image, its windows as columns, the filters as rows, and their product. */
function createStage(own, { change, choose, chooseWindow }) {
  const { get, complain } = own;
  const columns = createMatrix("im2col-columns", "Columns", { tone: "gray", onselect: (row, column) => choose({ position: column }, row) });
  const filters = createMatrix("im2col-filters", "Filters as rows", { onerror: complain, onedit: (row, column, value) => {
    const weight = get("weight"), flat = copyWith(weight.map((planes) => planes.flat(2)), [row, column], value);
    change({ weight: flat.map((line) => folded(line, kernelOf(weight), weight[0].length)) });
  } });
  const product = createMatrix("im2col-product", "Product", { onselect: (row, column) => choose({ filter: row, position: column }) });
  const image = createImage(own, change, chooseWindow);
  return { element: h("div", { class: "im2col-stage" }, image, columns, filters, product), update(now) {
    const { values, rows, output, position, filter, lit, hidden } = now;
    image.update(now);
    columns.draw(values, { frame: { row: 0, column: position, rows: values.length, columns: 1 },
      cell: (row, column) => ({ mark: column === position ? (row === lit ? "current lit" : "current") : "" }) }, lit ?? 0, position);
    filters.draw(rows, { frame: { row: filter, column: 0, rows: 1, columns: rows[0].length },
      cell: (row, column) => ({ mark: row === filter && column === lit ? "lit" : "" }) });
    product.draw(output, { frame: oneCell(filter, position), cell: (row, column) => ({
      ...(hidden(row, column) ? { text: "?" } : {}), mark: row === filter && column === position ? "current" : "" }) }, filter, position);
  } };
}

/** Sizes, stride, padding, dilation, predict first. */
function createControls(own, { change, ask, editing }) {
  const { get } = own;
  const fill = (plane, rows, columns) => table(rows, columns, (i, j) => plane[i]?.[j] ?? (i + 2 * j) % 5);
  const [image, weight] = [() => get("image"), () => get("weight")];
  /** Label, the largest, what it is now, and the traits for another value. */
  const sizes = [
    ["Image rows", 8, () => image()[0].length, (rows) => ({ image: image().map((plane) => fill(plane, rows, plane[0].length)) })],
    ["Image columns", 8, () => image()[0][0].length, (columns) => ({ image: image().map((plane) => fill(plane, plane.length, columns)) })],
    ["Channels", 3, () => image().length, (count) => ({
      image: Array.from({ length: count }, (_, c) => image()[c] ?? image()[0].map((line) => [...line].reverse())),
      weight: weight().map((planes) => Array.from({ length: count }, (_, c) => planes[c] ?? planes[0].map((line) => line.map(() => 1)))),
    })],
    ["Kernel size", 4, () => weight()[0][0].length, (size) => ({
      weight: weight().map((planes) => planes.map((plane) => table(size, size, (a, b) => plane[a]?.[b] ?? 0))) })],
  ].map(([label, largest, read, resize]) => choice(label, upTo(largest), { read, write: (value) => change(resize(value)) }));
  const steps = [["Stride", upTo(3)], ["Padding", upTo(2, 0)], ["Dilation", upTo(3)]].map(
    ([label, options]) => choice(label, options, trait(own, label.toLowerCase(), change)));
  const first = group({ class: "controls" }, ask.tick, tick("Edit the pixels", editing), own.reset);
  const more = group({ class: "controls" }, sizes, steps);
  return { ...group({}, first, more),
    element: h("div", {}, first, h("details", {}, h("summary", {}, "Size, channels, stride, padding, dilation"), more)) };
}

/** The chosen number written out, with what meets at the place that is lit. */
function createSum() {
  const element = h("p", { class: "sum" });
  return { element, update({ terms, filter, position, lit, isHidden, total }) {
    const spans = terms.map(({ weight, pixel }, place) => h("span", { class: place === lit ? "im2col-term lit" : "im2col-term" },
      `${place ? `+ ${factor(weight)}` : format(weight)}·${factor(pixel)}`));
    element.replaceChildren(`Row ${filter} times column ${position}: `, ...spans.flatMap((span) => [span, " "]),
      "= ", h("strong", {}, isHidden ? "?" : format(total)));
  } };
}

/** How many numbers there are, and multiplications. */
function counted({ image, values, rows }) {
  const [one, all] = [image.flat(2).length, values.flat().length];
  return `${one} pixels, ${values.length} × ${values[0].length} = ${all} numbers in the columns: ${format(all / one, 2)} times as many. `
    + `The product takes ${rows.length} × ${values.length} × ${values[0].length} = ${rows.length * all} multiplications.`;
}

/** All that is drawn, from the traits; origin[place][stop] is where a number of the columns stands in the image. */
function stateOf(get, ask) {
  const [image, weight] = ["image", "weight"].map(get), options = Object.fromEntries(STEPS.map((name) => [name, get(name)]));
  const x = array(image), filters = array(weight), shape = geometry(x, filters, options);
  const stops = table(shape.rows.output, shape.columns.output, (i, j) => products(x, filters, shape, 0, i, j)).flat();
  const origin = stops[0].map((_, place) => stops.map((terms) => terms[place]));
  const values = nested(im2col(reshape(x, [1, ...x.shape]), kernelOf(weight), options));
  const rows = weight.map((planes) => planes.flat(2)), output = nested(conv2d(x, filters, null, options)).map((map) => map.flat());
  const count = stops.length, position = Math.min(get("position"), count - 1), filter = Math.min(get("filter"), weight.length - 1);
  const hidden = (row, column) => ask.hidden(`${row},${column}`), total = output[filter][position];
  const terms = rows[filter].map((w, place) => ({ channel: origin[place][position].channel, a: origin[place][position].a, pixel: values[place][position], weight: w }));
  const number = `row ${filter}, column ${position}`;
  return { image, shape, origin, values, rows, output, count, position, filter, hidden, isHidden: hidden(filter, position), terms, total,
    number, where: `window ${position}`, task: { key: `${filter},${position}`, where: `${number} of the product`, terms, total, bias: 0 } };
}

function build(own) {
  const { get, set, complain, draw } = own;
  let editing = false, lit = null; // the place in the columns that the reader points at
  const state = () => ({ ...stateOf(get, ask), lit, editing });
  function change(traits) {
    const message = obstacle({ ...Object.fromEntries(["image", "weight", ...STEPS].map((name) => [name, get(name)])), ...traits });
    if (!message) set(traits);
    complain(message);
    draw();
  }
  function choose(traits, place = null) {
    bar.pause();
    lit = place;
    set(traits);
    draw();
  }
  /** The window that begins at a pixel, or the last before it. */
  function chooseWindow(row, column) {
    const { shape } = state();
    const [i, j] = [[row, shape.rows], [column, shape.columns]].map(([at, side]) =>
      Math.min(Math.floor((at + side.before) / side.stride), side.output - 1));
    choose({ position: i * shape.columns.output + j });
  }
  const bar = player(own, "Window");
  const ask = predictFirst(own, { start: () => ({ position: 0, filter: 0 }), next() {
    const { position, count } = state();
    choose({ position: (position + 1) % count });
  } });
  const counts = h("p", { class: "note" });
  const access = { read: () => editing, write(value) {
    editing = value;
    draw();
  } };
  return {
    bar, state, forget: () => (lit = null),
    parts: [createStage(own, { change, choose, chooseWindow }), dock(createSum(), bar, ask), own.error,
      { element: counts, update: (now) => (counts.textContent = counted(now)) }, createControls(own, { change, ask, editing: access })],
    say: ({ where, number, isHidden, total }) => `${where}, ${number}: ${isHidden ? "hidden" : format(total)}`,
  };
}

export default frame({ mark: "im2col", label: "Windows as columns", data: ["image", "weight", ...STEPS], kept: ["position", "filter"], problem: obstacle, build });
