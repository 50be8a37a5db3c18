// A kernel on a real photograph: what it makes of it, and the sum behind any of its numbers.
import { choice, presets, same, sizes, tick, trait, upTo } from "./shared/view/controls.js";
import { button, copyWith, followPointer, format, h, light, select } from "./shared/view/dom.js";
import { frame, group } from "./shared/view/frame.js";
import { grid } from "./shared/view/grid.js";
import { inRange, largestOf, paintLarge } from "./shared/view/maps.js";
import { decoded, imageOf, ownPicture, paintLight, savePicture, takeFiles } from "./shared/view/picture.js";
import { codeFor } from "./shared/view/photo_code.js";
import { EVERY_KERNEL } from "./shared/view/photo_presets.js";
import { sumPanel } from "./shared/view/sum.js";
import { table } from "./shared/math/lists.js";
import { convolved, placeOver, sizeOf, traced } from "./shared/math/photo.js";

const LARGEST = 7, POOLS = 4;
const FRAME = [320, 240]; // columns and rows of a reader's own picture, at most
const COLORS = ["red", "green", "blue"];
const DECIDING = ["weight", "bias", "stride", "padding", "dilation", "channels", "relu", "second", "pool"];
const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

const planeSize = (plane) => [plane.length, plane[0].length];
/** A kernel in another size: rows and columns come and go on both sides. */
function resized(plane, rows, columns) {
  const [top, left] = [plane.length - rows, plane[0].length - columns].map((more) => Math.trunc(more / 2));
  return table(rows, columns, (i, j) => plane[i + top]?.[j + left] ?? 0);
}
const sentence = (text) => `${text[0].toUpperCase()}${text.slice(1)}.`;

/** The pixels of the image that is chosen, once they are decoded; ondecoded() tells when. */
function createSource({ get, complain }, ondecoded) {
  const decodedPhotos = new Map();
  let asked = null, image = null;
  function decode(name) {
    decodedPhotos.set(name, null);
    decoded(get("photographs")[name], FRAME).then((picture) => {
      decodedPhotos.set(name, imageOf(picture));
      ondecoded();
    }, (error) => complain(error.message));
  }
  return {
    get name() { return typeof get("image") === "string" ? get("image") : null; },
    /** The image, or null while it is decoded. */
    get image() {
      const now = get("image");
      if (typeof now === "string") {
        if (!decodedPhotos.has(now)) decode(now);
        return decodedPhotos.get(now);
      }
      if (now !== asked) [asked, image] = [now, imageOf(now)];
      return image;
    },
  };
}

/** A canvas with frames over it: pointing previews a place, pressing chooses it, the arrow keys move it. */
function createPicture(label, frames, { onpoint, onchoose, onmove }) {
  const canvas = h("canvas", { "aria-hidden": "true", width: FRAME[0], height: FRAME[1] });
  const marks = frames.map((name) => h("div", { class: `place ${name}`, "aria-hidden": "true" }));
  let sides = [FRAME[1], FRAME[0]];
  const at = (event) => {
    const box = canvas.getBoundingClientRect(), along = [event.clientY - box.top, event.clientX - box.left];
    return along.map((far, i) => inRange(Math.floor((far / [box.height, box.width][i]) * sides[i]), 0, sides[i] - 1));
  };
  const element = h("div", { class: "photo", tabindex: 0, role: "application", "aria-roledescription": "picture",
    pointermove: (event) => event.buttons || event.pointerType === "touch" || onpoint(at(event)),
    pointerleave: () => onpoint(null),
    keydown: (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const by = STEPS[event.key]?.map((step) => (event.shiftKey ? 10 : 1) * step) ?? { Home: [0, -Infinity], End: [0, Infinity] }[event.key];
      if (!by) return;
      event.preventDefault();
      onmove(by);
    } }, canvas, marks);
  followPointer(element, () => element.focus({ preventScroll: true }), (event) => onchoose(at(event)));
  return { element, canvas, mark(places, size) {
    sides = size;
    element.setAttribute("aria-label", `${label} of ${size[0]} rows and ${size[1]} columns. The arrow keys choose a number, with Shift the tenth.`);
    element.style.setProperty("--ratio", size[1] / size[0]);
    marks.forEach((mark, i) => {
      const { row, column, rows, columns } = places[i];
      const share = (number, side) => `${(100 * number) / size[side]}%`;
      Object.assign(mark.style, { top: share(row, 0), left: share(column, 1), height: share(rows, 0), width: share(columns, 1) });
      mark.hidden = i > 0 && same(places[i], places[0]);
    });
  } };
}

/** Paints a result as light, or one of its maps in two colors. */
function paint(canvas, { shape: [maps, rows, columns], data }, signed, channel) {
  const plane = (map) => data.subarray(map * rows * columns, (map + 1) * rows * columns);
  if (signed) return paintLarge(canvas, data, channel * rows * columns, [rows, columns], largestOf(plane(channel)));
  const pixels = new ImageData(columns, rows);
  Object.assign(canvas, { width: columns, height: rows });
  paintLight(pixels.data, [0, 1, 2].map((part) => plane(part % maps)));
  return canvas.getContext("2d").putImageData(pixels, 0, 0);
}

/** What the colors of the result mean, and from where to where its numbers go. */
function createScale() {
  const low = h("span"), high = h("span"), bar = h("span", { class: "bar", "aria-hidden": "true" }), range = h("span", { class: "note" });
  return { element: h("div", { class: "scale" }, low, bar, high, range), update({ result, map, signed }) {
    const { shape: [, rows, columns], data } = result.output, plane = data.subarray(map * rows * columns, (map + 1) * rows * columns);
    let [least, most] = [Infinity, -Infinity];
    for (const value of plane) {
      if (value < least) least = value;
      if (value > most) most = value;
    }
    const top = signed ? largestOf(plane) : 1;
    [low.textContent, high.textContent] = [signed ? format(-top, 2) : "0", format(top, 2)];
    bar.classList.toggle("signed", signed);
    const cut = signed || (least >= 0 && most <= 1) ? "" : ": beyond black and white it is cut off";
    range.textContent = `from ${format(least, 2)} to ${format(most, 2)}${cut}`;
  } };
}

/** The photograph and what becomes of it, with the same place in both. */
function createPictures({ get, set }, { point, choose, current }) {
  const move = (by) => choose(current().map((place, i) => place + by[i]));
  const over = (use) => (pixel) => {
    const { result } = current;
    if (result) use(pixel && placeOver(result, ...pixel));
  };
  const photo = createPicture("Photograph", ["window", "field"], { onpoint: over(point), onchoose: over(choose), onmove: move });
  const map = createPicture("Result", ["here"], { onpoint: point, onchoose: choose, onmove: move });
  const names = [h("div", { class: "caption" }), h("div", { class: "caption" })], scale = createScale();
  const planes = h("span", { class: "planes", role: "group", "aria-label": "Map" }, COLORS.map((name, channel) =>
    button(name, () => set({ channel }), { "data-channel": channel })));
  let [painted, source] = [[], null];
  const element = h("div", { class: "pictures" }, h("div", {}, names[0], photo), h("div", {}, names[1], map, scale, planes));
  return { element, update(now) {
    const { image, result, signed, row, column, trace, map: channel } = now;
    if (!result) return;
    const read = get("channels") === "gray" ? result.x : image, shown = [result, signed, signed && channel];
    if (read !== source) paint(photo.canvas, read, false, 0);
    if (shown.some((one, i) => one !== painted[i])) {
      paint(map.canvas, result.output, signed, channel);
      scale.update(now);
    }
    [painted, source] = [shown, read];
    const [, rows, columns] = image.shape, [maps, high, wide] = result.output.shape, { layer: { axes }, i, j } = trace.sums[0];
    const window = { row: i * axes.rows.stride - axes.rows.before, column: j * axes.columns.stride - axes.columns.before,
      rows: axes.rows.extent, columns: axes.columns.extent };
    photo.mark([window, trace.field], [rows, columns]);
    map.mark([{ row, column, rows: 1, columns: 1 }], [high, wide]);
    names[0].replaceChildren(h("b", {}, "Photograph"), ` ${rows} × ${columns}`);
    names[1].replaceChildren(h("b", {}, "Result"), ` ${maps > 1 ? `${maps} × ` : ""}${high} × ${wide}`);
    planes.hidden = maps === 1;
    for (const one of planes.children) one.setAttribute("aria-pressed", Number(one.dataset.channel) === channel);
  } };
}

/** As many grids, each in a box with its name, as a number needs: make(k, name) makes one. */
function createGrids(make) {
  const element = h("div", { class: "grids" });
  let list = [], known = [];
  return { element, cell: (k, row, column) => list[k]?.cell(row, column), update(names, draw) {
    if (!same(names, known)) {
      list = names.map((name, k) => make(k, name));
      element.replaceChildren(...list.map((made, k) => h("div", { class: "plane" }, h("span", { class: "plane-name" }, names[k]), made.element)));
    }
    known = names;
    list.forEach(draw);
  } };
}

/** The window enlarged, with its weights, the kernel beside it, to be typed into, and the sum of the products. */
function createLook(own, change) {
  const { get, complain } = own;
  let shown = [0];
  const windows = createGrids((k, name) => grid({ label: name, tone: COLORS.find((color) => name.endsWith(color)) ?? "gray", counted: false }));
  const kernels = createGrids((k, name) => grid({ label: name, tone: "signed", counted: false, onerror: complain,
    onedit: (a, b, value) => change({ weight: copyWith(get("weight"), [shown[k] % get("weight").length, a, b], value) }) }));
  const bias = grid({ label: "Bias", tone: "signed", counted: false, onerror: complain, onedit: (_, __, value) => change({ bias: value }) });
  const row = h("div", { class: "look" }, windows, h("span", { class: "times", "aria-hidden": "true" }, "×"),
    h("div", {}, kernels, h("div", { class: "bias" }, h("span", {}, "+ bias"), bias)));
  const sum = sumPanel((term) => light(row, term ? [windows.cell(shown.indexOf(term.channel), term.a, term.b), kernels.cell(Math.min(shown.indexOf(term.channel), get("weight").length - 1), term.a, term.b)] : []));
  return { element: h("div", { class: "stage" }, row, sum), update({ result, trace, relu }) {
    if (!result) return;
    const { terms, bias: added, total, layer } = trace.sums[0], weight = get("weight"), single = result.x.shape[0] === 1;
    shown = [...new Set(terms.map((term) => term.channel))];
    const [high, wide] = layer.weight.shape.slice(2), own = (c) => terms.filter((term) => term.channel === c);
    row.classList.toggle("busy", wide > 4);
    row.style.setProperty("--wide", wide);
    windows.update(shown.map((c) => (single ? "Window" : `Window in ${COLORS[c]}`)), (one, k) => {
      const all = own(shown[k]);
      one.update(table(high, wide, (a, b) => all[a * wide + b].pixel), { range: [0, 1],
        cell: (a, b) => ({ note: `×${format(all[a * wide + b].weight, 2)}` }) });
    });
    const planes = weight.length === 1 ? [0] : shown;
    kernels.update(planes.map((c) => (weight.length === 1 ? "Kernel" : `Kernel for ${COLORS[c]}`)), (one, k) => {
      one.update(weight[planes[k] % weight.length], { scale: weight.flat() });
    });
    bias.update([[added]]);
    sum.update({ terms, bias: added, channels: single ? [] : COLORS });
    sum.element.append(...(relu ? [h("p", { class: "then" }, `ReLU: max(${format(total)}, 0) = ${format(Math.max(total, 0))}`)] : []));
  } };
}

/** The sum of the second kernel, and the largest of the pooling window: what comes after the first. */
function createAfter({ complain, get }, change) {
  const window = grid({ label: "Window of the second kernel", tone: "signed", counted: false });
  const kernel = grid({ label: "Second kernel", tone: "signed", counted: false, onerror: complain,
    onedit: (a, b, value) => change({ second: copyWith(get("second"), [a, b], value) }) });
  const name = (text) => h("span", { class: "plane-name" }, text);
  const row = h("div", { class: "look" }, h("div", { class: "plane" }, name("Window in the first map"), window),
    h("span", { class: "times", "aria-hidden": "true" }, "×"), h("div", { class: "plane" }, name("Second kernel"), kernel));
  const sum = sumPanel((term) => light(row, term ? [window.cell(term.a, term.b), kernel.cell(term.a, term.b)] : []));
  const second = h("div", { class: "stage" }, row, sum), pooled = h("p", { class: "sum pooled" });
  return { element: h("div", {}, second, pooled), update({ result, trace, relu }) {
    if (!result) return;
    const next = trace.sums[1];
    second.hidden = !next;
    if (next) {
      const [high, wide] = next.layer.weight.shape.slice(2);
      row.classList.toggle("busy", wide > 4);
      row.style.setProperty("--wide", wide);
      const of = (name) => table(high, wide, (a, b) => next.terms[a * wide + b][name]);
      const centre = next.terms.find((term) => term.row === trace.sums[0].i && term.column === trace.sums[0].j);
      window.update(of("pixel"), { cell: (a, b) => ({ mark: centre?.a === a && centre.b === b ? "current" : "" }) });
      kernel.update(of("weight"));
      sum.update({ terms: next.terms.map((term) => ({ ...term, channel: 0 })), bias: 0, channels: [] });
      sum.element.append(...(relu ? [h("p", { class: "then" }, `ReLU: max(${format(next.total)}, 0) = ${format(Math.max(next.total, 0))}`)] : []));
    }
    pooled.hidden = trace.cells.length === 1;
    pooled.replaceChildren(`largest of ${trace.cells.map(({ value }) => format(value)).join(", ")} = `, h("strong", {}, format(trace.value)));
  } };
}

/** Where the picture comes from. */
function createPicker({ get, complain }, change) {
  const names = Object.keys(get("photographs")), picture = ownPicture(FRAME, (image) => change({ image }), complain);
  const isOwn = h("option", { value: "" }, "your own");
  const photos = select(names.map((name) => [name, name]), (image) => change({ image }));
  photos.setAttribute("aria-label", "Photograph");
  isOwn.disabled = true;
  photos.append(isOwn);
  const row = group({ class: "controls" }, h("span", { class: "field" }, h("span", {}, "Photograph"), photos), picture.controls);
  return { element: h("div", { class: "picker" }, row, picture.note, picture.camera), take: picture.take, stop: picture.camera.stop,
    update() { photos.value = typeof get("image") === "string" ? get("image") : ""; } };
}

/** Kernels to choose, each with what it is for. */
function createPresets(own, change) {
  const { get, initial } = own, all = [...EVERY_KERNEL, ...get("kernels").map(({ name, weight }) => ({ name, weight, signed: true,
    about: "A network has learned it. Its first layer has several like it, and the next layer reads all their maps." }))];
  const ofColors = (weight) => typeof weight[0][0] === "object", isGray = () => get("image").shape?.[0] === 1;
  const makers = new Map(all.map(({ name, weight }) => [name, () => (ofColors(weight) && isGray() ? null : weight)]));
  const one = (weight) => (weight.every((plane) => same(plane, weight[0])) ? weight[0] : weight);
  function write(weight) {
    const known = all.find((other) => other.weight === weight);
    if (!known) change({ weight: ofColors(weight) ? weight : get("weight").map(() => weight), signed: initial.signed, bias: ofColors(weight) ? initial.bias : 0 });
    else if (ofColors(weight)) change({ weight, channels: "added", channel: 0, signed: true, bias: 0 });
    else change({ weight: get("weight").map(() => weight), signed: known.signed, bias: 0 });
  }
  const kernel = presets("Kernel", makers, { read: () => one(get("weight")), given: () => one(initial.weight), write });
  const about = h("p", { class: "note about" });
  return { element: h("div", { class: "controls" }, kernel.element, about), update() {
    kernel.update();
    about.textContent = all.find(({ weight }) => same(weight, one(get("weight"))))?.about ?? "";
  } };
}

/** Everything else that can be set. */
function createControls(own, change) {
  const { get } = own, set = (name) => trait(own, name, change);
  const planes = () => (get("channels") === "gray" || get("image").shape?.[0] === 1 ? 1 : 3);
  const channels = choice("Channels", [["gray", "in gray"], ["apart", "each by itself"], ["added", "added up"]], { read: () => get("channels"),
    write: (value) => change({ channels: value, channel: 0, ...(value === "gray" ? { weight: [get("weight")[0]] } : {}) }) });
  const each = tick("A kernel for each channel", { read: () => get("weight").length > 1,
    write: (on) => change({ weight: Array.from({ length: on ? planes() : 1 }, () => get("weight")[0]) }) });
  const size = sizes("Kernel", LARGEST, { read: () => planeSize(get("weight")[0]),
    write: (size) => change({ weight: get("weight").map((plane) => resized(plane, ...size)) }) });
  const steps = [["Stride", upTo(4)], ["Padding", [...upTo(3, 0), ["same", "same"]]], ["Dilation", upTo(4)]].map(
    ([label, options]) => choice(label, options, set(label.toLowerCase())));
  const fixed = EVERY_KERNEL.map(({ name, weight }) => [name, () => weight]);
  const second = presets("Second kernel", new Map([["none", () => "none"], ...fixed]), {
    read: () => get("second") ?? "none", write: (value) => change({ second: value === "none" ? null : value }) });
  const secondSize = sizes("Second kernel", LARGEST, { read: () => planeSize(get("second") ?? [[1]]), write: (size) => change({ second: resized(get("second"), ...size) }) });
  const pool = choice("Max pooling", [[1, "none"], ...upTo(POOLS, 2).map(([pool]) => [pool, `${pool} × ${pool}`])], set("pool"));
  const rows = [group({ class: "controls" }, channels, each, tick("Two colors", set("signed")), own.reset),
    group({ class: "controls" }, size, steps), group({ class: "controls" }, tick("ReLU", set("relu")), second, secondSize, pool)];
  const fold = (title, row) => h("details", {}, h("summary", {}, title), row);
  return { element: h("div", {}, rows[0], fold("Size, stride, padding, dilation", rows[1]), fold("ReLU, a second kernel, pooling", rows[2])), update(now) {
    for (const row of rows) row.update(now);
    const color = get("image").shape?.[0] !== 1;
    channels.element.hidden = !color;
    each.element.hidden = planes() === 1;
    secondSize.element.hidden = !get("second");
  } };
}

/** The same in Python, to be copied. */
function createCode({ get }, source) {
  let library = "cnnlib", now = null;
  const code = h("pre", { translate: "no", tabindex: 0, "aria-label": "Code" });
  const libraries = select([["cnnlib", "cnnlib"], ["torch", "PyTorch"]], (chosen) => {
    library = chosen;
    write();
  });
  libraries.setAttribute("aria-label", "Library");
  const save = button("Save the picture as picture.png", () => savePicture(source.image));
  function write() {
    const traits = Object.fromEntries(DECIDING.map((name) => [name, get(name)]));
    code.textContent = codeFor(library, { ...traits, name: source.name, shape: now.image.shape, place: [now.map, now.row, now.column] });
  }
  return { element: h("details", { class: "code" }, h("summary", {}, "As code"), h("div", { class: "controls" }, libraries, save), code), update(given) {
    if (!given.result) return;
    now = given;
    save.hidden = Boolean(source.name);
    write();
  } };
}

/** Why these cannot be shown together, or "". */
const problem = ({ weight, channels }) => (weight.length === 1 || (weight.length === 3 && channels !== "gray") ? "" : "There is not one kernel for each channel.");

function said({ row, column, trace: { sums, value } }) {
  const [{ terms, bias }] = sums, products = terms.map((term) => `${format(term.pixel, 2)} times ${format(term.weight, 2)}`);
  return `row ${row}, column ${column}: ${terms.length > 9 ? `${terms.length} products` : products.join(", plus ")}, plus ${format(bias)}: ${format(value)}`;
}

function build(own) {
  const { get, set, complain, draw } = own, source = createSource(own, () => draw());
  let hover = null, computed = null, key = "", image = null;
  /** Sets what a reader changed, unless nothing would fit any more. */
  function change(traits) {
    const all = { ...Object.fromEntries([...DECIDING, "image"].map((name) => [name, get(name)])), ...traits };
    try {
      const size = traits.image?.shape ?? source.image?.shape;
      if (size) sizeOf(size.slice(-2), all);
      const planes = all.channels === "gray" || traits.image?.shape?.[0] === 1 ? 1 : 3;
      set(all.weight.length > planes ? { ...traits, weight: [all.weight[0]] } : traits);
      complain("");
    } catch (error) {
      complain(sentence(error.message.replace(/^photo: /, "")));
    }
    draw();
  }
  /** All that is computed, anew only when what it depends on has changed. */
  function result() {
    const traits = Object.fromEntries(DECIDING.map((name) => [name, get(name)])), now = JSON.stringify(traits);
    if (source.image !== image || now !== key) computed = source.image && convolved(source.image, traits);
    [image, key] = [source.image, now];
    return computed;
  }
  function state() {
    const start = performance.now(), found = result();
    current.result = found;
    if (!found) return { result: null };
    const [maps, rows, columns] = found.output.shape, map = Math.min(get("channel"), maps - 1);
    const [row, column] = (hover ?? current()).map((place, side) => inRange(place, 0, [rows, columns][side] - 1));
    return { start, image, result: found, signed: get("signed"), relu: get("relu"), map, row, column, trace: traced(found, map, row, column) };
  }
  const current = () => {
    const [, rows, columns] = current.result.output.shape;
    return [inRange(get("row"), 0, rows - 1), inRange(get("column"), 0, columns - 1)];
  };
  const choose = ([row, column]) => {
    const [, rows, columns] = current.result.output.shape;
    hover = null;
    set({ row: inRange(row, 0, rows - 1), column: inRange(column, 0, columns - 1) });
    draw();
  };
  const point = (place) => {
    if (!current.result || same(place, hover)) return;
    hover = place;
    draw();
  };
  const picker = createPicker(own, change), pictures = createPictures(own, { point, choose, current });
  const time = { element: h("span", { hidden: true }), update({ start, result }) {
    if (result) this.element.dataset.took = (performance.now() - start).toFixed(1);
  } };
  const parts = [picker, createPresets(own, change), group({ class: "main" }, pictures, createLook(own, change), createAfter(own, change)),
    createControls(own, change), createCode(own, source)];
  for (const { element } of parts) takeFiles(element, picker.take);
  return { state, parts: [own.error, ...parts, time], forget: () => (hover = null), say: (now) => (hover || !now.result ? undefined : said(now)) };
}

export default frame({ mark: "photo-kernel", label: "A kernel on a photograph",
  data: ["image", ...DECIDING], kept: ["signed", "channel", "row", "column"], problem, build });
