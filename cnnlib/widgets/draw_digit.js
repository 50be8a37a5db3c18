// Draw a digit: a trained network reads it in the page, and every number can be traced to its sum.
import { choice, same, tick, trait } from "./shared/view/controls.js";
import { button, format, h } from "./shared/view/dom.js";
import { exampleButton, shelf } from "./shared/view/examples.js";
import { frame, group } from "./shared/view/frame.js";
import { centerDigit, inkLine, pad, PAD, shrunkPad, SIDE } from "./shared/view/ink.js";
import { heatMap } from "./shared/view/looking.js";
import { paintLarge } from "./shared/view/maps.js";
import { inference } from "./shared/math/inference.js";
import { fromBase64 } from "./shared/math/array.js";
import { best, table } from "./shared/math/lists.js";
import { softmax } from "./shared/math/loss.js";
import { padBoard } from "./shared/view/pad.js";
import { layerStrips } from "./shared/view/strips.js";

const PENS = [[0.035, "fine"], [0.08, "medium"], [0.15, "thick"]];

const asRows = (image) => table(SIDE, SIDE, (i, j) => image[i * SIDE + j]);
const asList = (rows) => Float64Array.from(rows.flat());
const percent = (p) => (p >= 0.9995 ? "over 99.9%" : `${format(100 * p, 1)}%`);
const pixelsOf = ({ pixels }) => Float64Array.from(fromBase64(pixels), (byte) => byte / 255);

/** A bar for each class, and the answer in words. */
function createAnswer(classes) {
  const bars = classes.map((name) => {
    const number = h("span", { class: "chance" }), fill = h("span", { class: "fill" });
    const bar = h("span", { class: "bar", "aria-hidden": "true" }, fill);
    return { number, fill, element: h("li", {}, number, bar, h("span", { class: "class-name" }, name)) };
  });
  const big = h("strong"), sure = h("span"), truth = h("span", { class: "truth" });
  return {
    bars: h("ol", { class: "chances", "aria-label": "Probabilities" }, bars.map((bar) => bar.element)),
    element: h("p", { class: "answer" }, big, " ", sure, truth),
    get text() { return [big, sure, truth].map((one) => one.textContent).filter(Boolean).join(", "); },
    update(p, example) {
      const most = best(p);
      bars.forEach(({ element, number, fill }, k) => {
        number.textContent = p[k] >= 0.995 ? ">99" : p[k] < 0.005 ? "<1" : String(Math.round(100 * p[k]));
        fill.style.height = `${100 * p[k]}%`;
        element.classList.toggle("best", k === most);
      });
      big.textContent = classes[most];
      sure.textContent = percent(p[most]);
      truth.textContent = example ? `MNIST says ${classes[example.label]}` : "";
      truth.classList.toggle("wrong", Boolean(example) && example.label !== most);
    },
  };
}

/** The examples in two rows, those that are read right and the others. */
function createExamples(examples, classes, onload) {
  const buttons = examples.map((example) => {
    const wrong = example.answer !== example.label;
    const canvas = h("canvas", { "aria-hidden": "true" });
    paintLarge(canvas, pixelsOf(example), 0, [SIDE, SIDE], 1, true);
    const read = wrong ? `, which the network read as ${classes[example.answer]}` : "";
    return exampleButton(`Test image ${example.index}: a ${classes[example.label]}${read}`, canvas, () => onload(example));
  });
  const row = (wrong) => buttons.filter((_, i) => (examples[i].answer !== examples[i].label) === wrong);
  const element = h("div", { class: "examples", role: "group", "aria-label": "Examples" },
    shelf("MNIST’s own", row(false)), shelf("misread", row(true)));
  return { element, update(example) {
    buttons.forEach((button, i) => button.setAttribute("aria-pressed", String(examples[i] === example)));
  } };
}

/** What is drawn: an image, perhaps one of the examples, under strokes; and what undo goes back to. */
function createDrawing(get) {
  const known = get("examples").map((example) => ({ example, image: pixelsOf(example) }));
  const asGiven = (image) => ({ image, strokes: [], example: known.find((one) =>
    one.image.every((gray, i) => Math.abs(gray - image[i]) < 1e-6))?.example });
  const past = [asGiven(asList(get("image")))];
  let pixels = pad(past[0].image);
  const now = () => past.at(-1);
  function redraw() {
    const { image, strokes } = now();
    pixels = pad(image);
    for (const { points, width } of strokes)
      points.forEach((point, i) => inkLine(pixels, points[i - 1] ?? point, point, width));
  }
  function add(state) {
    past.push({ strokes: [], ...state });
    redraw();
  }
  return {
    now, add, give: (image) => add(asGiven(image)),
    get isFirst() { return past.length === 1; },
    get example() { return now().strokes.length ? null : now().example; },
    undo() {
      past.pop();
      redraw();
    },
    /** The next point of a stroke, or the first. */
    draw(point, first) {
      const { image, strokes } = now();
      if (first) past.push({ image, strokes: [...strokes, { points: [], width: get("pen") }] });
      const { points, width } = now().strokes.at(-1);
      inkLine(pixels, points.at(-1) ?? point, point, width);
      points.push(point);
    },
    /** The image that the network gets. */
    input() {
      const { image, strokes } = now();
      if (!strokes.length) return image ?? new Float64Array(SIDE * SIDE);
      return get("center") ? centerDigit(pixels, PAD, PAD) : shrunkPad(pixels);
    },
  };
}

/** Reads images: read(image, example) answers at once, and follow(draw) as often as this machine can, while the pen moves. */
function createReader(network, answer, layers) {
  const preview = h("canvas", { class: "preview", role: "img", "aria-label": "What the network gets" });
  let waiting = 0, painted = 0, cost = 0;
  function later(work) {
    waiting = requestAnimationFrame(() => {
      waiting = 0;
      work();
    });
  }
  /** The answer first, and the maps now or, if `later`, when it is on the screen. */
  function read(image, example, mapsLater = false) {
    const start = performance.now(), logits = network.run(image);
    const p = [...softmax({ shape: [logits.length], data: logits }).data];
    paintLarge(preview, image, 0, [SIDE, SIDE], 1, true);
    answer.update(p, example);
    if (mapsLater) later(layers.paint);
    else layers.paint();
    painted = performance.now();
    cost = painted - start;
  }
  function follow(drawing, show) {
    show();
    if (performance.now() - painted < 3 * cost) later(() => follow(drawing, show));
    else read(drawing.input(), drawing.example);
  }
  return { preview, read, stop: () => cancelAnimationFrame(waiting), follow: (drawing, show) => !waiting && later(() => follow(drawing, show)) };
}

/** The heat map, and the button that opens it. */
function createLooking(get, drawing) {
  const look = heatMap(get("layers"), get("classes")), { element } = look;
  const opener = button("Where is it looking?", () => {
    element.hidden = !element.hidden;
    opener.setAttribute("aria-pressed", String(!element.hidden));
    if (element.hidden) look.stop();
    else look.start(drawing.input());
  }, { "aria-pressed": "false" });
  return { element, opener, stop: look.stop, renew: (image) => !element.hidden && look.start(image) };
}

function build(own) {
  const { get, set, announce } = own, classes = get("classes");
  const network = inference(get("layers"), [1, SIDE, SIDE]), drawing = createDrawing(get);
  const answer = createAnswer(classes), layers = layerStrips(own, network, { key: (step) => step.index }), reader = createReader(network, answer, layers);
  const looking = createLooking(get, drawing);
  const show = () => board.show(drawing.now());
  const board = padBoard({
    width: () => get("pen"), onlift: settle,
    onpen: (down) => announce(down ? "Pen down" : "Pen up"),
    onmove(point, first) {
      drawing.draw(point, first);
      reader.follow(drawing, show);
    },
  });
  const examples = createExamples(get("examples"), classes, (example) => change(() => drawing.add({ image: pixelsOf(example), example })));
  const undo = button("Undo", () => change(drawing.undo), { disabled: true });
  let published = get("image"), centered = get("center"), place = String(get("selected"));

  /** After a stroke, a load, an undo: the answer for what is there now, and `image` for Python. */
  function settle(time) {
    reader.stop();
    const image = drawing.input();
    reader.read(image, drawing.example, true);
    if (time) board.element.closest(".cnn-widget").dataset.answered = (performance.now() - time).toFixed(1);
    show();
    examples.update(drawing.example);
    undo.disabled = drawing.isFirst;
    announce(`The network says ${answer.text}`);
    published = asRows(image);
    set({ image: published });
    looking.renew(image);
  }
  function change(made) {
    made();
    settle();
  }
  /** What Python has set, or a choice. */
  function heed({ image, center, selected }) {
    if (!same(image, published)) change(() => drawing.give(asList(image)));
    else if (center !== centered) settle();
    centered = center;
    if (place !== selected) announce(layers.write());
    place = selected;
  }
  show();
  reader.read(drawing.input(), drawing.example);
  examples.update(drawing.example);
  return {
    state: () => ({ image: get("image"), center: get("center"), selected: String(get("selected")) }),
    parts: [group({ class: "main" },
      h("div", { class: "board" }, board, h("div", { class: "reading" }, h("span", { class: "plane-name" }, "28×28 input"), reader.preview, answer), answer.bars),
      group({ class: "controls" }, button("Clear", () => change(() => drawing.add({ image: null }))), undo, choice("Pen", PENS, trait(own, "pen")),
        tick("Scale and center", trait(own, "center")),
        button("Invert", () => change(() => drawing.add({ image: drawing.input().map((gray) => 1 - gray), example: drawing.now().example }))), looking.opener),
      looking, examples.element), group({ class: "all-layers" }, h("p", { class: "part-title" }, "What every layer makes of it"),
      { element: layers.element, update: heed, stop: reader.stop }), own.live],
  };
}

export default frame({ mark: "draw-digit layered", label: "Draw a digit", build });
