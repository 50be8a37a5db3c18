// Draw a digit: a trained network reads it in the page, and every number can be traced to its sum.
import { announcer, field, format, h, mount, select, setter } from "./shared/view/dom.js";
import { centerDigit, inkLine, pad, PAD, shrunkPad, SIDE } from "./shared/view/ink.js";
import { computingSteps, layerTitle, layerTrace, shapeText } from "./shared/view/layers.js";
import { heatMap } from "./shared/view/looking.js";
import { inRange, paintLarge, strip } from "./shared/view/maps.js";
import { inference } from "./shared/math/inference.js";
import { table } from "./shared/math/lists.js";
import { softmax } from "./shared/math/loss.js";
import { padBoard } from "./shared/view/pad.js";

const PENS = [[0.035, "fine"], [0.08, "medium"], [0.15, "thick"]];

const asRows = (image) => table(SIDE, SIDE, (i, j) => image[i * SIDE + j]);
const asList = (rows) => Float64Array.from(rows.flat());
const percent = (p) => (p >= 0.9995 ? "over 99.9%" : `${format(100 * p, 1)}%`);
const pixelsOf = ({ pixels }) => Float64Array.from(atob(pixels), (letter) => letter.charCodeAt(0) / 255);

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
    get text() { return [big, sure, truth].map((one) => one.textContent).filter(Boolean).join(" "); },
    update(p, example) {
      const best = p.indexOf(Math.max(...p));
      bars.forEach(({ element, number, fill }, k) => {
        number.textContent = p[k] >= 0.995 ? ">99" : p[k] < 0.005 ? "<1" : String(Math.round(100 * p[k]));
        fill.style.height = `${100 * p[k]}%`;
        element.classList.toggle("best", k === best);
      });
      big.textContent = classes[best];
      sure.textContent = percent(p[best]);
      truth.textContent = example ? `MNIST says ${classes[example.label]}` : "";
      truth.classList.toggle("wrong", Boolean(example) && example.label !== best);
    },
  };
}

/** The examples in two rows, each with one tab stop: arrows move, Enter or a click loads. */
function createExamples(examples, classes, onload) {
  const buttons = examples.map((example) => {
    const wrong = example.answer !== example.label;
    const canvas = h("canvas", { "aria-hidden": "true" });
    paintLarge(canvas, pixelsOf(example), 0, [SIDE, SIDE], 1, true);
    const read = wrong ? `, which the network read as ${classes[example.answer]}` : "";
    const label = `Test image ${example.index}: a ${classes[example.label]}${read}`;
    return h("button", { type: "button", class: "example", title: label,
      "aria-label": label, "aria-pressed": "false", click: () => onload(example) }, canvas);
  });
  const row = (wrong) => buttons.filter((_, i) => (examples[i].answer !== examples[i].label) === wrong);
  function shelf(text, list) {
    const stop = (chosen) => list.forEach((button) => (button.tabIndex = button === chosen ? 0 : -1));
    function keydown(event) {
      const at = list.indexOf(event.target), by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (at < 0 || !by) return;
      event.preventDefault();
      const to = list[inRange(at + by, 0, list.length - 1)];
      stop(to);
      to.focus();
    }
    stop(list[0]);
    return list.length ? h("div", { class: "shelf" }, h("span", { class: "note" }, text), h("div", { class: "thumbs", keydown }, list)) : null;
  }
  const element = h("div", { class: "examples", role: "group", "aria-label": "Examples" },
    shelf("MNIST’s own", row(false)), shelf("misread", row(true)));
  return { element, update(example) {
    buttons.forEach((button, i) => button.setAttribute("aria-pressed", String(examples[i] === example)));
  } };
}

function render({ model, el }) {
  const get = (name) => model.get(name);
  const set = setter(model);
  const classes = get("classes"), layers = get("layers");
  const network = inference(layers, [1, SIDE, SIDE]), steps = computingSteps(network);
  const known = get("examples").map((example) => ({ example, image: pixelsOf(example) }));
  /** An image from outside, perhaps one of the examples. */
  const given = (image) => ({ image, strokes: [], example: known.find((one) =>
    one.image.every((gray, i) => Math.abs(gray - image[i]) < 1e-6))?.example });
  const past = [given(asList(get("image")))]; // what undo goes back to; the last is what is seen
  let pixels = pad(past[0].image), published = get("image"), centered = get("center");
  let waiting = 0, painted = 0, cost = 0;
  const now = () => past.at(-1);

  const answer = createAnswer(classes), live = announcer(), look = heatMap(layers, classes);
  const preview = h("canvas", { class: "preview", role: "img", "aria-label": "What the network gets" });
  const board = padBoard({
    width: () => get("pen"),
    onpen: (down) => { live.textContent = down ? "Pen down" : "Pen up"; },
    onmove(point, first) {
      const { image, strokes } = now();
      if (first) past.push({ image, strokes: [...strokes, { points: [], width: get("pen") }] });
      const { points, width } = now().strokes.at(-1);
      inkLine(pixels, points.at(-1) ?? point, point, width);
      points.push(point);
      waiting ||= requestAnimationFrame(follow);
    },
    onlift: (time) => settle(time),
  });

  /** While the pen moves: as often as this machine can. */
  function follow() {
    waiting = 0;
    board.show(now());
    if (performance.now() - painted < 3 * cost) waiting = requestAnimationFrame(follow);
    else readImage();
  }
  function input() {
    const { image, strokes } = now();
    if (!strokes.length) return image ?? new Float64Array(SIDE * SIDE);
    return get("center") ? centerDigit(pixels, PAD, PAD) : shrunkPad(pixels);
  }
  /** The answer first, and the maps when it is on the screen. */
  function readImage(mapsLater) {
    const start = performance.now(), image = input();
    const logits = network.run(image), p = [...softmax({ shape: [logits.length], data: logits }).data];
    paintLarge(preview, image, 0, [SIDE, SIDE], 1, true);
    answer.update(p, now().strokes.length ? null : now().example);
    if (mapsLater) mapsLater();
    else paintMaps();
    painted = performance.now();
    cost = painted - start;
    return image;
  }
  /** After a stroke, a load, an undo: the answer for what is there now, and `image` for Python. */
  function settle(time) {
    cancelAnimationFrame(waiting);
    const image = readImage(() => {
      waiting = requestAnimationFrame(() => {
        waiting = 0;
        paintMaps();
      });
    });
    if (time) root.dataset.answered = (performance.now() - time).toFixed(1);
    board.show(now());
    examples.update(now().strokes.length ? null : now().example);
    undo.disabled = past.length === 1;
    live.textContent = `The network says ${answer.text}`;
    published = asRows(image);
    set({ image: published });
    if (!look.element.hidden) look.start(image);
  }
  function rebuild() {
    const { image, strokes } = now();
    pixels = pad(image);
    for (const { points, width } of strokes)
      points.forEach((point, i) => inkLine(pixels, points[i - 1] ?? point, point, width));
    settle();
  }
  function add(state) {
    past.push({ strokes: [], ...state });
    rebuild();
  }

  const examples = createExamples(get("examples"), classes, (example) =>
    add({ image: pixelsOf(example), example }));
  const invert = () => add({ image: input().map((gray) => 1 - gray), example: now().example });
  const undo = h("button", { type: "button", disabled: true, click: () => {
    past.pop();
    rebuild();
  } }, "Undo");
  const pen = select(PENS, (value) => set({ pen: Number(value) }));
  const center = h("input", { type: "checkbox", change: () => set({ center: center.checked }) });
  const looking = h("button", { type: "button", "aria-pressed": "false", click: () => {
    look.element.hidden = !look.element.hidden;
    looking.setAttribute("aria-pressed", String(!look.element.hidden));
    if (look.element.hidden) look.stop();
    else look.start(input());
  } }, "Where is it looking?");
  const controls = h("div", { class: "controls" },
    h("button", { type: "button", click: () => add({ image: null }) }, "Clear"), undo,
    field("Pen", pen), h("label", { class: "tick" }, center, "Scale and center"),
    h("button", { type: "button", click: invert }, "Invert"), looking);

  const strips = steps.map((step, i) => strip({
    label: `network[${step.index}], ${layerTitle(step)}`, shape: step.output,
    onchoose: (map, row, column) => keepPlace(strips[i].element, () => choose({ step, map, row, column })),
  }));
  const trace = layerTrace({ classes, onchoose: choose });
  const note = (text, more = "") => h("span", { class: `note ${more}` }, text);
  const rows = steps.map((step, i) => h("div", { class: "strip" },
    h("div", { class: "strip-name" }, note(`[${step.index}]`), ` ${layerTitle(step)}`,
      note(shapeText(step.output), "strip-shape")), strips[i].element));

  /** A place that the layer has: for one it does not have, the nearest. */
  function near({ step, map, row, column }) {
    const [maps, rows = 1, columns = 1] = step.output, within = (at, count) => inRange(at, 0, count - 1);
    return { step, map: within(map, maps), row: within(row, rows), column: within(column, columns) };
  }
  /** Where the selected number stands. */
  function selected() {
    const [index, map, row, column] = get("selected");
    const step = steps.find((one) => one.index === index) ?? steps[0];
    return near({ step, map, row, column });
  }
  /** The sum opens below its layer; what was clicked stays where it was on the screen. */
  function keepPlace(element, change) {
    const before = element.getBoundingClientRect().top;
    change();
    draw();
    scrollBy(0, element.getBoundingClientRect().top - before);
  }
  function choose(change) {
    const asked = Object.entries(change).filter(([, value]) => value !== undefined);
    const { step, map, row, column } = near({ ...selected(), ...Object.fromEntries(asked) });
    set({ selected: [step.index, map, row, column] });
  }
  function paintMaps() {
    steps.forEach((step, i) => strips[i].update(step.values));
    writeTrace();
  }
  function writeTrace() {
    const place = selected();
    steps.forEach((step, i) => strips[i].choose(step === place.step ? place.map : -1));
    const row = rows[steps.indexOf(place.step)];
    if (row.nextElementSibling !== trace.element) row.after(trace.element);
    return trace.update(place);
  }

  let place = String(get("selected"));
  function draw() {
    if (JSON.stringify(get("image")) !== JSON.stringify(published)) add(given(asList(get("image"))));
    else if (get("center") !== centered) {
      centered = get("center");
      settle();
    }
    if (place !== String(get("selected"))) {
      place = String(get("selected"));
      live.textContent = writeTrace();
    }
    if (![...pen.options].some((option) => Number(option.value) === get("pen")))
      pen.append(h("option", { value: get("pen") }, String(get("pen"))));
    pen.value = get("pen");
    center.checked = get("center");
  }

  const reading = h("div", { class: "reading" },
    h("span", { class: "plane-name" }, "28×28 input"), preview, answer.element);
  const root = h("div", { class: "cnn-widget draw-digit", role: "group", "aria-label": "Draw a digit" },
    h("div", { class: "board" }, board.element, reading, answer.bars),
    controls, look.element, examples.element,
    h("p", { class: "part-title" }, "What every layer makes of it"),
    h("div", { class: "strips" }, rows), live);
  board.show(now());
  readImage();
  examples.update(now().example);
  return mount(el, root, model, draw, () => {
    look.stop();
    cancelAnimationFrame(waiting);
  });
}

export default { render };
