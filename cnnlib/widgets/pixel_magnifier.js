// A lens over a photograph: the numbers that its pixels are made of, channel by channel.
import { announcer, field, h, mount, select, setter, speaker } from "./shared/view/dom.js";
import { grid } from "./shared/view/grid.js";
import { table } from "./shared/math/lists.js";

const LENS = 5;
const NAMES = { 1: ["gray"], 3: ["red", "green", "blue"] };
const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

/** The bytes of a photograph as numbers by channel, row and column. */
function decode({ shape: [channels, rows, columns], bytes }) {
  const data = Uint8Array.from(atob(bytes), (letter) => letter.charCodeAt(0));
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
    pointerdown: (event) => {
      element.setPointerCapture(event.pointerId);
      onchoose(...at(event));
    },
    pointermove: (event) => {
      if (event.buttons) onchoose(...at(event));
      else onpoint(at(event));
    },
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
  return {
    element,
    update(newPhoto, plane, top, left) {
      photo = newPhoto;
      paintPixels(canvas, photo, photo.channels === 1 ? "all" : plane);
      element.setAttribute("aria-label", `Photograph of ${photo.rows} rows and ${photo.columns} columns. `
        + "The arrow keys move the lens, with Shift by ten.");
      element.style.setProperty("--ratio", photo.columns / photo.rows);
      Object.assign(frame.style, { top: `${(100 * top) / photo.rows}%`, left: `${(100 * left) / photo.columns}%`,
        height: `${(100 * LENS) / photo.rows}%`, width: `${(100 * LENS) / photo.columns}%` });
    },
  };
}

function render({ model, el }) {
  const get = (name) => model.get(name);
  const set = setter(model);
  let source = null, photo = null, hover = null;

  const live = announcer();
  const picture = createPhoto({
    place: () => [get("row"), get("column")],
    onchoose(row, column) {
      hover = null;
      set({ row, column });
    },
    onpoint(place) {
      hover = place;
      draw();
    },
  });
  const planes = h("span", { class: "planes", role: "group", "aria-label": "Plane" });
  const numbers = select([["255", "0 to 255"], ["1", "0 to 1"]], (value) => set({ scaled: value === "1" }));
  const lens = h("canvas", { class: "lens", role: "img" });
  const lenses = h("div", { class: "lenses" });
  const index = h("p", { class: "index" });
  let grids = [];

  /** A button and a grid of numbers for each channel. */
  function build() {
    const button = (name) => h("button", { type: "button", "data-plane": name, click: () => set({ plane: name }) },
      name === "all" ? "all three" : name);
    planes.replaceChildren(...["all", ...photo.names].map(button));
    planes.hidden = photo.channels === 1;
    grids = photo.names.map((name, channel) => {
      const numbers = grid({ label: `${name} plane under the lens`, tone: name, counted: false });
      return { numbers, box: h("div", { class: "channel" }, h("span", { class: "plane-name" }, photo.channels === 1 ? name : `${channel}: ${name}`), numbers.element) };
    });
    lenses.replaceChildren(h("div", { class: "channel" }, h("span", { class: "plane-name" }, "under the lens"), lens),
      ...grids.map(({ box }) => box));
  }

  function draw() {
    if (get("image") !== source) {
      source = get("image");
      photo = decode(source);
      build();
    }
    const [row, column] = hover ?? [get("row"), get("column")];
    const top = clamp(row - (LENS >> 1), 0, photo.rows - LENS), left = clamp(column - (LENS >> 1), 0, photo.columns - LENS);
    const shown = (value) => (get("scaled") ? value / 255 : value);
    picture.update(photo, get("plane"), top, left);
    paintPixels(lens, photo, photo.channels === 1 ? "all" : get("plane"), top, left, LENS, LENS);
    grids.forEach(({ numbers, box }, channel) => {
      numbers.update(table(LENS, LENS, (i, j) => shown(photo.at(channel, top + i, left + j))), {
        range: [0, shown(255)],
        frame: { row: row - top, column: column - left, rows: 1, columns: 1 },
        cell: (i, j) => ({ mark: i === row - top && j === column - left ? "current" : "" }),
      });
    });
    for (const button of planes.children) button.setAttribute("aria-pressed", button.dataset.plane === get("plane"));
    numbers.value = get("scaled") ? "1" : "255";
    write(row, column, photo.names.map((_, channel) => shown(photo.at(channel, row, column))));
  }

  function write(row, column, values) {
    const texts = values.map((value) => (get("scaled") ? value.toFixed(4) : String(value)));
    lens.setAttribute("aria-label", `The ${LENS} by ${LENS} pixels under the lens, enlarged`);
    index.replaceChildren(
      h("span", {}, h("code", {}, `x[:, ${row}, ${column}]`), ` in (C, H, W), `, h("code", {}, `x[${row}, ${column}, :]`), ` in (H, W, C):`), " ",
      h("strong", {}, `[${texts.join(", ")}]`));
    const sentence = `row ${row}, column ${column}: ${photo.names.map((name, i) => `${name} ${texts[i]}`).join(", ")}`;
    if (!hover) speak(sentence);
  }

  const speak = speaker(live);
  const root = h("div", { class: "cnn-widget pixel-magnifier", role: "group", "aria-label": "Pixel magnifier" },
    h("div", { class: "stage" }, picture.element, lenses), index,
    h("div", { class: "controls" }, planes, field("Numbers", numbers)), live);
  return mount(el, root, model, draw);
}

export default { render };
