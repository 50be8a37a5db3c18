// A lens over a photograph: the numbers that its pixels are made of, channel by channel.
import { choice } from "./shared/view/controls.js";
import { button, followPointer, h } from "./shared/view/dom.js";
import { frame, group } from "./shared/view/frame.js";
import { grid, oneCell } from "./shared/view/grid.js";
import { fromBase64 } from "./shared/math/array.js";
import { table } from "./shared/math/lists.js";

const LENS = 5;
const NAMES = { 1: ["gray"], 3: ["red", "green", "blue"] };
const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

/** The bytes of a photograph as numbers by channel, row and column. */
function decode({ shape: [channels, rows, columns], bytes }) {
  const data = fromBase64(bytes);
  return { channels, rows, columns, names: NAMES[channels],
    at: (channel, row, column) => data[(channel * rows + row) * columns + column] };
}

/** Draws all planes together, or one of them in its color, with `size` rows and columns from a corner. */
function paintPixels(canvas, photo, plane, top = 0, left = 0, rows = photo.rows, columns = photo.columns) {
  Object.assign(canvas, { width: columns, height: rows });
  const pixels = new ImageData(columns, rows);
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++)
      [0, 1, 2, 3].forEach((part) => {
        const channel = photo.channels === 1 ? 0 : part;
        const dark = photo.channels === 3 && plane !== "all" && photo.names[part] !== plane;
        pixels.data[(i * columns + j) * 4 + part] = part === 3 ? 255 : dark ? 0 : photo.at(channel, top + i, left + j);
      });
  canvas.getContext("2d").putImageData(pixels, 0, 0);
}

/** The photograph with its frame: pointing previews a place, pressing or an arrow key chooses it. */
function createPhoto({ place, onpoint, onchoose }) {
  let photo = null;
  const canvas = h("canvas", { "aria-hidden": "true" });
  const frame = h("div", { class: "lens-frame", "aria-hidden": "true" });
  const at = (event) => {
    const box = canvas.getBoundingClientRect();
    const along = (from, position, length, count) => clamp(Math.floor(((position - from) / length) * count), 0, count - 1);
    return [along(box.top, event.clientY, box.height, photo.rows), along(box.left, event.clientX, box.width, photo.columns)];
  };
  const element = h("div", {
    class: "photo", tabindex: 0, role: "application", "aria-roledescription": "lens",
    pointermove: (event) => event.buttons || onpoint(at(event)),
    pointerleave: () => onpoint(null),
    keydown: (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const [row, column] = place();
      const by = event.shiftKey ? 10 : 1;
      const to = STEPS[event.key]?.map((step, i) => [row, column][i] + by * step)
        ?? { Home: [row, 0], End: [row, photo.columns - 1] }[event.key];
      if (!to) return;
      event.preventDefault();
      onchoose(clamp(to[0], 0, photo.rows - 1), clamp(to[1], 0, photo.columns - 1));
    },
  }, canvas, frame);
  followPointer(element, () => element.focus({ preventScroll: true }), (event) => onchoose(...at(event)));
  return {
    element,
    update({ photo: newPhoto, plane, top, left }) {
      photo = newPhoto;
      paintPixels(canvas, photo, plane);
      element.setAttribute("aria-label", `Photograph of ${photo.rows} rows and ${photo.columns} columns. `
        + "The arrow keys move the lens, with Shift by ten.");
      element.style.setProperty("--ratio", photo.columns / photo.rows);
      Object.assign(frame.style, { top: `${(100 * top) / photo.rows}%`, left: `${(100 * left) / photo.columns}%`,
        height: `${(100 * LENS) / photo.rows}%`, width: `${(100 * LENS) / photo.columns}%` });
    },
  };
}

function createPlanes({ set }) {
  const element = h("span", { class: "planes", role: "group", "aria-label": "Plane" });
  let drawn = null;
  return { element, update({ photo, chosen }) {
    if (photo !== drawn) element.replaceChildren(...["all", ...photo.names].map((name) =>
      button(name === "all" ? "all three" : name, () => set({ plane: name }), { "data-plane": name })));
    drawn = photo;
    element.hidden = photo.channels === 1;
    for (const one of element.children) one.setAttribute("aria-pressed", one.dataset.plane === chosen);
  } };
}

/** What is under the lens: enlarged, and a grid of numbers for each channel. */
function createLenses() {
  const lens = h("canvas", { class: "lens", role: "img", "aria-label": `The ${LENS} by ${LENS} pixels under the lens, enlarged` });
  const element = h("div", { class: "lenses" });
  let grids = [], drawn = null;
  const channel = (title, one) => h("div", { class: "channel" }, h("span", { class: "plane-name" }, title), one);
  function build(photo) {
    drawn = photo;
    grids = photo.names.map((name) => grid({ label: `${name} plane under the lens`, tone: name, counted: false }));
    element.replaceChildren(channel("under the lens", lens),
      ...grids.map((one, k) => channel(photo.channels === 1 ? photo.names[k] : `${k}: ${photo.names[k]}`, one)));
  }
  return { element, update({ photo, plane, row, column, top, left, shown }) {
    if (photo !== drawn) build(photo);
    paintPixels(lens, photo, plane, top, left, LENS, LENS);
    grids.forEach((numbers, k) => numbers.update(table(LENS, LENS, (i, j) => shown(photo.at(k, top + i, left + j))), {
      range: [0, shown(255)],
      frame: oneCell(row - top, column - left),
      cell: (i, j) => ({ mark: i === row - top && j === column - left ? "current" : "" }),
    }));
  } };
}

function createIndex() {
  const element = h("p", { class: "index" });
  return { element, update: ({ row, column, texts }) => element.replaceChildren(
    h("span", {}, h("code", {}, `x[:, ${row}, ${column}]`), ` in (C, H, W), `, h("code", {}, `x[${row}, ${column}, :]`), ` in (H, W, C):`), " ",
    h("strong", {}, `[${texts.join(", ")}]`)) };
}

function build(own) {
  const { get, set, draw } = own;
  let source = null, photo = null, hover = null;
  const point = (place) => {
    hover = place;
    draw();
  };
  function state() {
    if (get("image") !== source) photo = decode(get("image"));
    source = get("image");
    const [row, column] = hover ?? [get("row"), get("column")], scaled = get("scaled");
    const shown = (value) => (scaled ? value / 255 : value);
    const texts = photo.names.map((_, k) => shown(photo.at(k, row, column))).map((value) => (scaled ? value.toFixed(4) : String(value)));
    return { photo, row, column, shown, texts, chosen: get("plane"), plane: photo.channels === 1 ? "all" : get("plane"),
      top: clamp(row - (LENS >> 1), 0, photo.rows - LENS), left: clamp(column - (LENS >> 1), 0, photo.columns - LENS) };
  }
  const picture = createPhoto({ place: () => [get("row"), get("column")], onpoint: point, onchoose(row, column) {
    hover = null;
    set({ row, column });
  } });
  return {
    state,
    parts: [group({ class: "stage" }, picture, createLenses()), createIndex(), group({ class: "controls" }, createPlanes(own),
      choice("Numbers", [[255, "0 to 255"], [1, "0 to 1"]], { read: () => (get("scaled") ? 1 : 255), write: (white) => set({ scaled: white === 1 }) }))],
    say: ({ row, column, texts }) => (hover ? undefined
      : `row ${row}, column ${column}: ${photo.names.map((name, i) => `${name} ${texts[i]}`).join(", ")}`),
  };
}

export default frame({ mark: "pixel-magnifier", label: "Pixel magnifier",
  problem: ({ image: { shape }, row, column }) => (row < shape[1] && column < shape[2] ? "" : "The photograph has no such pixel."), build });
