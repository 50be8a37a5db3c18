// A pad for a digit of one's own, what a network makes of it, and the way into the images to train on.
import { button, field, h, refill, select } from "./dom.js";
import { fitDigit, inkLine, PAD, pad } from "./ink.js";
import { paintLarge } from "./maps.js";
import { padBoard } from "./pad.js";

const PEN = 0.13; // as thick as the digits' own pens
const [SIDE, WHITE] = [8, 16];

/** The same digit on a canvas of `canvas` pixels a side, about where it was drawn. */
export function placed(image, middle, canvas) {
  const large = new Float64Array(canvas * canvas);
  const [top, left] = middle.map((part) => Math.min(Math.max(Math.round(part * canvas - SIDE / 2), 0), canvas - SIDE));
  for (let i = 0; i < SIDE; i++)
    for (let j = 0; j < SIDE; j++) large[(top + i) * canvas + left + j] = image[i * SIDE + j];
  return large;
}

/** What the reader has added, each with a button that takes it away. */
function createAdded(own, rest) {
  const list = h("div", { class: "drawings", role: "group", "aria-label": "Your digits" });
  let shown = "";
  return { element: list, update({ drawings }) {
    const key = JSON.stringify(drawings);
    if (key === shown) return;
    shown = key;
    refill(list, drawings.map(({ pixels, label }, i) => {
      const canvas = h("canvas", { "aria-hidden": "true" });
      paintLarge(canvas, pixels, 0, [SIDE, SIDE], WHITE, true);
      return button([canvas, h("span", {}, `${label} ✕`)], () => own.set({ drawings: drawings.filter((_, k) => k !== i) }),
        { "aria-label": `Take away your ${label}` });
    }), rest);
  } };
}

/**
 * The panel: onink(image, middle) when what is drawn has changed, an image of 64 numbers from 0 to 1, or null; at
 * most so many can be added.
 * answer(text) writes what the network says.
 */
export function drawing(own, { classes, most, onink }) {
  const preview = h("canvas", { class: "preview", role: "img", "aria-label": "What the network gets" });
  const words = h("p", { class: "drawn-answer" });
  let strokes = [], pixels = pad(null), image = null;
  const board = padBoard({
    width: () => PEN, onlift: () => own.announce(words.textContent), onpen: (down) => own.announce(down ? "Pen down" : "Pen up"),
    onmove(point, first) {
      if (first) strokes.push({ points: [], width: PEN });
      const { points } = strokes.at(-1);
      inkLine(pixels, points.at(-1) ?? point, point, PEN);
      points.push(point);
      board.show({ image: null, strokes });
      read();
    },
  });
  function read() {
    const fitted = fitDigit(pixels, PAD, PAD, SIDE);
    image = strokes.length ? fitted.image : null;
    paintLarge(preview, fitted.image, 0, [SIDE, SIDE], 1, true);
    onink(image, fitted.middle);
  }
  function clear() {
    [strokes, pixels] = [[], pad(null)];
    board.show({ image: null, strokes });
    read();
  }
  const added = createAdded(own, board.element), label = select(classes.map((name, k) => [k, name]), () => {});
  const add = button("Add it to the images to train on", () => {
    if (!image) return own.complain("Draw a digit first.");
    if (own.get("drawings").length === most) return own.complain(`There is room for ${most} digits of your own: take one away first.`);
    const pixels = Array.from(image, (ink) => Math.round(WHITE * ink));
    own.set({ drawings: [...own.get("drawings"), { pixels, label: Number(label.value) }] });
    own.announce(`Added as a ${label.value}.`);
    clear();
  });
  // Space is the pen's here, and plays elsewhere.
  board.element.addEventListener("keydown", (event) => event.key === " " && event.stopPropagation());
  board.show({ image: null, strokes });
  paintLarge(preview, new Float64Array(SIDE * SIDE), 0, [SIDE, SIDE], 1, true);
  const element = h("div", { class: "drawing" }, h("div", { class: "drawing-board" }, board),
    h("div", { class: "drawing-side" }, h("div", { class: "drawing-read" }, preview, words),
      h("div", { class: "controls" }, button("Clear", clear), field("It is a", label), add), h("p", { class: "note" },
        "The network answers while it learns. What you add is trained on as often as any other image."), added));
  const answer = (text) => words.textContent !== text && (words.textContent = text);
  return { element, answer, update(now) {
    added.update(now);
    if (now.misfit) answer("The layers do not fit, so no network answers.");
  } };
}
