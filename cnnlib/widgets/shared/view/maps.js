// Feature maps as pictures: all maps of a layer in a row to choose from, and one of them large.
import { h } from "./dom.js";

const HUES = [[26, 115, 232], [232, 113, 10]]; // below zero and above: the widgets' blue and orange
const MAP_KEYS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
const SLIDE = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, Enter: 0 };
const HIGH = 56, GAP = 4, CELL = 16; // of a strip: a map's height, the space between, a lone number's size

export const inRange = (value, low, high) => Math.min(Math.max(value, low), high);
export const largestOf = (values) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0) || 1;

/** Paints one map into pixels `width` wide, from a column and a row on; the page shines through what is weak. */
export function paintMap(data, width, left, values, from, [rows, columns], top, gray, above = 0) {
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++) {
      const value = values[from + i * columns + j], at = 4 * ((above + i) * width + left + j);
      const strength = 255 * inRange(Math.abs(value) / top, 0, 1), hue = HUES[value < 0 ? 0 : 1];
      for (let part = 0; part < 3; part++) data[at + part] = gray ? strength : hue[part];
      data[at + 3] = gray ? 255 : strength;
    }
}

/** Paints one map alone on a canvas of its size. */
export function paintLarge(canvas, values, from, [rows, columns], top, gray = false) {
  Object.assign(canvas, { width: columns, height: rows });
  const pixels = new ImageData(columns, rows);
  paintMap(pixels.data, columns, 0, values, from, [rows, columns], top, gray);
  canvas.getContext("2d").putImageData(pixels, 0, 0);
}

/**
 * strip({label, shape, onchoose}) shows all maps of a layer of this shape, [maps, rows, columns] or
 * [numbers]; onchoose(map, row, column) when one is chosen, without row and column where a key moved.
 * update(values) paints; choose(map) marks one, or none when it is -1.
 */
export function strip({ label, shape, onchoose }) {
  const [maps, rows, columns] = [shape[0], shape[1] ?? 1, shape[2] ?? 1];
  const zoom = rows * columns === 1 ? CELL : Math.max(1, Math.floor(HIGH / rows));
  const wide = columns * zoom + GAP;
  const canvas = h("canvas", { width: maps * wide - GAP, height: rows * zoom, "aria-hidden": "true" });
  const frame = h("div", { class: "map-frame", "aria-hidden": "true" });
  Object.assign(frame.style, { width: `${wide - GAP + 6}px`, height: `${rows * zoom + 6}px` });
  const what = shape.length > 1 ? "map" : "number";
  const element = h("div", { class: "strip-maps", tabindex: 0, role: "slider", "aria-label": label,
    "aria-valuemin": 0, "aria-valuemax": maps - 1, "aria-valuenow": 0 },
    h("div", { class: "strip-inner" }, canvas, frame));
  const small = h("canvas", { width: maps * columns, height: rows });
  let chosen = -1;

  canvas.addEventListener("click", (event) => {
    const box = canvas.getBoundingClientRect(), scale = box.width / canvas.offsetWidth;
    const [x, y] = [event.clientX - box.left, event.clientY - box.top].map((along) => along / scale);
    const map = inRange(Math.floor(x / wide), 0, maps - 1);
    const cell = (along, count) => inRange(Math.floor(along / zoom), 0, count - 1);
    onchoose(map, cell(y, rows), cell(x - map * wide, columns));
  });
  element.addEventListener("keydown", (event) => {
    const by = { ...SLIDE, Home: -maps, End: maps }[event.key];
    if (by === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    onchoose(inRange(Math.max(chosen, 0) + by, 0, maps - 1));
  });

  return {
    element,
    update(values) {
      const width = maps * columns, area = rows * columns;
      const pixels = new ImageData(width, rows), top = largestOf(values);
      for (let map = 0; map < maps; map++)
        paintMap(pixels.data, width, map * columns, values, map * area, [rows, columns], top);
      small.getContext("2d").putImageData(pixels, 0, 0);
      const context = canvas.getContext("2d");
      context.clearRect(0, 0, canvas.width, canvas.height);
      context.imageSmoothingEnabled = false;
      for (let map = 0; map < maps; map++)
        context.drawImage(small, map * columns, 0, columns, rows,
          map * wide, 0, columns * zoom, rows * zoom);
    },
    choose(map) {
      chosen = map;
      frame.hidden = map < 0;
      element.setAttribute("aria-valuenow", Math.max(map, 0));
      element.setAttribute("aria-valuetext", map < 0 ? "none chosen" : `${what} ${map}`);
      if (map < 0) return;
      frame.style.transform = `translate(${map * wide - 3}px, -3px)`;
      // The strip is scrolled, and not the page.
      const left = map * wide - element.scrollLeft, room = element.clientWidth;
      if (left < 0 || left + wide > room) element.scrollLeft += left - room / 2;
    },
  };
}

/**
 * largeMap({onchoose}) shows one map with a frame over some of its numbers; with onchoose(row, column) a
 * click and the arrows choose one. update({label, values, from, sides, top, gray, frame}) draws.
 */
export function largeMap({ onchoose }) {
  const canvas = h("canvas", { "aria-hidden": "true" });
  const frame = h("div", { class: "map-frame", "aria-hidden": "true" });
  const keys = onchoose ? { tabindex: 0, role: "application", "aria-roledescription": "feature map" }
    : { role: "img" };
  const element = h("div", { class: `large-map ${onchoose ? "chooses" : ""}`, ...keys }, canvas, frame);
  let sides = [1, 1], place = [0, 0];
  if (onchoose) {
    canvas.addEventListener("click", (event) => {
      const box = canvas.getBoundingClientRect();
      const parts = [(event.clientY - box.top) / box.height, (event.clientX - box.left) / box.width];
      onchoose(...parts.map((part, i) => inRange(Math.floor(part * sides[i]), 0, sides[i] - 1)));
      element.focus({ preventScroll: true });
    });
    element.addEventListener("keydown", (event) => {
      const by = { ...MAP_KEYS, Home: [0, -sides[1]], End: [0, sides[1]] }[event.key];
      if (!by || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      onchoose(...place.map((at, i) => inRange(at + by[i], 0, sides[i] - 1)));
    });
  }
  return {
    element,
    update({ label, values, from, sides: both, top, gray, frame: box }) {
      [sides, place] = [both, [box.row, box.column]];
      paintLarge(canvas, values, from, sides, top, gray);
      element.setAttribute("aria-label", label);
      const share = (number, i) => `${(100 * number) / sides[i]}%`;
      Object.assign(frame.style, { top: share(box.row, 0), left: share(box.column, 1),
        height: share(box.rows, 0), width: share(box.columns, 1) });
    },
  };
}
