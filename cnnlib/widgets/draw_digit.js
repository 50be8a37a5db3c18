// Draw a digit: a trained network reads it in the page, and every number it computes can be traced to its sum.
import { announcer, factor, field, format, h, redraw, select, setter } from "./shared/dom.js";
import { grid } from "./shared/grid.js";
import { inference, lead, occlusion, opened, partsOf, softmax } from "./shared/inference.js";
import { centerDigit, inkLine, pad, PAD, shrunkPad, SIDE } from "./shared/ink.js";
import { inRange, largeMap, largestOf, paintLarge, strip } from "./shared/maps.js";
import { table } from "./shared/ops.js";
import { padBoard } from "./shared/pad.js";

const PENS = [[0.035, "fine"], [0.08, "medium"], [0.15, "thick"]];
const LOOK = { step: 2, margin: 2 }; // of the occlusion: places of 2x2 pixels, patches of 6x6
const SLICE = 8; // milliseconds that the page may be kept busy at a time

const asRows = (image) => table(SIDE, SIDE, (i, j) => image[i * SIDE + j]);
const asList = (rows) => Float64Array.from(rows.flat());
const short = (number) => format(number, 3);
const shortFactor = (number) => (number < 0 ? `(${short(number)})` : short(number));
const percent = (p) => (p >= 0.9995 ? "over 99.9 %" : p < 0.0005 ? "under 0.1 %" : `${format(100 * p, 1)} %`);
const pixelsOf = (example) => Float64Array.from(atob(example.pixels), (letter) => letter.charCodeAt(0) / 255);

/** What a layer is called, by its place in the network. */
function title({ layer }) {
  const window = layer.weightShape?.slice(2) ?? layer.kernel_size ?? [];
  return `${layer.kind}${window.length ? ` ${window.join("×")}` : ""}`;
}
const shapeText = ([maps, ...sides]) => (sides.length ? `${maps} maps of ${sides.join("×")}` : `${maps} numbers`);

/** The layers to be shown: those that compute something, each with the maps that it reads, before they were flattened. */
function shownSteps(network) {
  let flattened = null;
  return network.steps.flatMap((step, index) => {
    if (step.layer.kind === "Flatten" && step.input.length > 1) flattened = step.input;
    if (!step.run) return [];
    const source = step.input.length === 1 && flattened ? flattened : step.input;
    flattened = null;
    return [{ ...step, index, source, last: step.values === network.steps.at(-1).values }];
  });
}

/** A bar for each class, and the answer in words. */
function createAnswer(classes) {
  const bars = classes.map((name) => {
    const number = h("span", { class: "chance" }), fill = h("span", { class: "fill" });
    return { number, fill, element: h("li", {}, number, h("span", { class: "bar", "aria-hidden": "true" }, fill),
      h("span", { class: "class-name" }, name)) };
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

/** The examples in a row: one tab stop, arrows move, Enter or a click loads. */
function createExamples(examples, classes, onload) {
  const buttons = examples.map((example, i) => {
    const wrong = example.answer !== example.label;
    const canvas = h("canvas", { "aria-hidden": "true" });
    paintLarge(canvas, pixelsOf(example), 0, [SIDE, SIDE], 1, true);
    const says = `a ${classes[example.label]}${wrong ? `, which the network read as ${classes[example.answer]}` : ""}`;
    return h("button", { type: "button", class: wrong ? "example wrong" : "example", tabindex: i ? -1 : 0,
      title: `MNIST's test image ${example.index}: ${says}`, "aria-label": `Test image ${example.index}: ${says}`,
      "aria-pressed": "false", click: () => onload(example) }, canvas);
  });
  const row = (wrong) => buttons.filter((_, i) => (examples[i].answer !== examples[i].label) === wrong);
  const shelf = (text, list) => (list.length ? h("div", { class: "shelf" }, h("span", { class: "note" }, text),
    h("div", { class: "thumbs" }, list)) : null);
  const element = h("div", { class: "examples", role: "group", "aria-label": "Examples" },
    shelf("MNIST’s own", row(false)), shelf("misread", row(true)));
  element.addEventListener("keydown", (event) => {
    const at = buttons.indexOf(event.target), by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (at < 0 || !by) return;
    event.preventDefault();
    const to = buttons[inRange(at + by, 0, buttons.length - 1)];
    for (const button of buttons) button.tabIndex = button === to ? 0 : -1;
    to.focus();
  });
  return { element, update: (example) => buttons.forEach((button, i) => button.setAttribute("aria-pressed", examples[i] === example)) };
}

/** The image with what each place is worth to the answer laid over it, computed bit by bit. */
function createLook(layers, classes) {
  const canvas = h("canvas", { role: "img", width: 10 * SIDE, height: 10 * SIDE });
  const text = h("p", { role: "status" });
  const element = h("div", { class: "looking", hidden: true }, canvas, h("div", {}, text,
    h("p", { class: "note" }, "A patch of 6×6 zeros covers one place after the other. Orange: without it the answer’s lead over the"
      + " next one shrinks. Blue: it grows.")));
  const small = h("canvas");
  let network = null, timer = 0;

  function paint(image, map) {
    const context = canvas.getContext("2d"), top = largestOf(map.flat()), side = LOOK.step * 10;
    paintLarge(small, image, 0, [SIDE, SIDE], 1, true);
    context.imageSmoothingEnabled = false;
    context.drawImage(small, 0, 0, canvas.width, canvas.height);
    map.forEach((line, i) => line.forEach((worth, j) => {
      context.fillStyle = `rgb(${worth < 0 ? "80 150 255" : "255 130 20"} / ${(0.85 * Math.abs(worth)) / top})`;
      context.fillRect(j * side, i * side, side, side);
    }));
  }
  function start(image) {
    clearTimeout(timer);
    network ??= inference(layers, [1, SIDE, SIDE]);
    const places = SIDE / LOOK.step, map = table(places, places, () => 0);
    const logits = Float64Array.from(network.run(image)), k = logits.indexOf(Math.max(...logits));
    const steps = occlusion(network, image, SIDE, LOOK, map);
    text.textContent = "Looking …";
    function go() {
      const until = performance.now() + SLICE;
      let done = false;
      while (!done && performance.now() < until) done = steps.next().done;
      paint(image, map);
      if (!done) timer = setTimeout(go);
      else say(map, k, lead(logits, k));
    }
    go();
  }
  function say(map, k, whole) {
    const most = Math.max(...map.flat()), i = map.findIndex((line) => line.includes(most)), j = map[i].indexOf(most);
    const where = `row ${i * LOOK.step}, column ${j * LOOK.step}`;
    text.textContent = most > 0 ? `Answer ${classes[k]}, ahead of the next by ${short(whole)}. It leans most on ${where}: `
      + `covered, the lead is ${short(whole - most)}.` : `Answer ${classes[k]}, ahead by ${short(whole)}. It leans on no place.`;
    canvas.setAttribute("aria-label", text.textContent);
  }
  return { element, start, stop: () => clearTimeout(timer) };
}

/** One number of one map: the map, what comes in, and the sum behind it. */
function createTrace({ classes, choose }) {
  const heading = h("p", { class: "part-title" });
  const output = largeMap({ onchoose: (row, column) => choose({ row, column }) }), input = largeMap({});
  const [inName, outName] = [h("span", { class: "plane-name" }), h("span", { class: "plane-name" })];
  const inBox = h("div", {}, inName, input.element), outBox = h("div", {}, outName, output.element);
  const maps = h("div", { class: "trace-maps" }, inBox, outBox);
  const [window, kernel] = ["Window", "Kernel"].map((label) => grid({ label, tone: "signed" }));
  const grids = h("div", { class: "trace-grids" }, h("div", {}, h("span", { class: "plane-name" }, "window"), window.element),
    h("span", { class: "times" }, "×"), h("div", {}, h("span", { class: "plane-name" }, "kernel"), kernel.element));
  const chips = h("div", { class: "chips", role: "group", "aria-label": "Sums of the channels" }), written = h("div", { class: "sum" });
  const element = h("div", { class: "trace" }, heading, maps, h("div", { class: "trace-sum" }, chips, grids, written));
  let heard = null; // the channel whose products are written, or null for the one that counts most
  let last = null;

  const term = ({ pixel, weight }, first) => h("span", { class: pixel && weight ? "term" : "term zero" },
    `${first ? "" : "+ "}${short(pixel)}·${shortFactor(weight)}`);
  const line = (...nodes) => h("p", {}, ...nodes);

  /** The sums of the channels as buttons, then the products of the chosen one. */
  function writeParts(step, { map, row, column }) {
    const parts = partsOf(step, step.source, map, row, column), bias = step.layer.bias?.[map];
    const most = parts.reduce((best, part) => (Math.abs(part.total) > Math.abs(best.total) ? part : best));
    const part = parts[heard] ?? most, alone = part.terms.length === 1;
    const counting = parts.filter((one) => one === part || !alone || one.total), dropped = parts.length - counting.length;
    chips.hidden = parts.length === 1;
    chips.replaceChildren(...counting.map((one) => h("button", { type: "button", "aria-pressed": String(one === part),
      "data-channel": one.channel, click: () => {
        heard = one.channel;
        update(last);
        chips.querySelector(`[data-channel="${one.channel}"]`)?.focus();
      } }, h("span", { class: "note" }, one.channel), ` ${short(one.total)}`)));
    grids.hidden = alone;
    if (!alone) {
      const [high, wide] = [part.terms.at(-1).a + 1, part.terms.at(-1).b + 1];
      const plane = (name) => table(high, wide, (a, b) => part.terms[a * wide + b][name]);
      grids.style.setProperty("--fit", 2 * wide + 2);
      window.update(plane("pixel"));
      kernel.update(plane("weight"));
    }
    const products = line(...part.terms.flatMap((one, i) => [term(one, i === 0), " "]), `= ${short(part.total)}`);
    const sums = parts.length === 1 ? [] : [h("span", { class: "plane-name" }, alone ? `input ${part.channel}` : `channel ${part.channel}`), " "];
    products.prepend(...sums);
    const all = parts.reduce((total, one) => total + one.total, 0);
    const name = alone ? `all ${parts.length} products${dropped ? `, ${dropped} of them 0` : ""}` : `all ${parts.length} channels`;
    const end = line(parts.length === 1 ? "" : h("span", { class: "plane-name" }, name), ` ${short(all)} `,
      bias === undefined ? "" : `+ ${shortFactor(bias)} (bias) `, "= ", h("strong", {}, short(all + (bias ?? 0))));
    return { nodes: [products, end], part };
  }
  /** The same for the layers that have no products. */
  function writeOther(step, { map, row, column }, value) {
    const { layer, before, input: [, rows = 1, columns = 1] } = step;
    const at = (i, j) => before[(map * rows + i) * columns + j];
    const result = h("strong", {}, short(value));
    if (layer.kind === "BatchNorm2d") {
      const deviation = Math.sqrt(layer.variance[map] + layer.eps);
      return [line(h("span", { class: "plane-name" }, "minus the mean, over the deviation, times γ, plus β")),
        line(`(${short(at(row, column))} − ${shortFactor(layer.mean[map])}) / ${short(deviation)} · ${shortFactor(layer.weight[map])} + `
          + `${shortFactor(layer.bias[map])} = `, result)];
    }
    if (layer.kind === "ReLU") return [line(`max(${short(at(row, column))}, 0) = `, result)];
    if (layer.kind === "GlobalAvgPool2d") return [line(`${short(value * rows * columns)} / ${rows * columns} = `, result)];
    const box = windowOf(step, row, column), cells = [];
    for (let i = box.row; i < box.row + box.rows; i++)
      for (let j = box.column; j < box.column + box.columns; j++) if (i >= 0 && j >= 0 && i < rows && j < columns) cells.push(at(i, j));
    return [line(`max(${cells.map(short).join(", ")}) = `, result)];
  }
  /** The rows and columns that come in, as a frame. */
  function windowOf({ layer, source: [, rows = 1, columns = 1] }, row, column) {
    const sizes = layer.weightShape?.slice(2) ?? layer.kernel_size;
    if (sizes?.length) {
      const [top, left] = [row, column].map((at, i) => at * layer.stride[i] - layer.padding[i]);
      return { row: top, column: left, rows: sizes[0], columns: sizes[1] };
    }
    return ["Linear", "GlobalAvgPool2d"].includes(layer.kind) ? { row: 0, column: 0, rows, columns } : { row, column, rows: 1, columns: 1 };
  }
  function softmaxLine({ values }, map) {
    const p = softmax(values)[map];
    return line(`softmax: e^${short(values[map])} / (sum of all ${values.length}) = ${format(p, 4)}`);
  }

  function update(state) {
    const { step, map, row, column } = state, [, rows = 1, columns = 1] = step.output;
    if (last && (last.step !== step || last.map !== map)) heard = null;
    last = state;
    const value = step.values[(map * rows + row) * columns + column], isSum = Boolean(step.layer.weightShape?.length > 1);
    chips.hidden = grids.hidden = true;
    const { nodes, part } = isSum ? writeParts(step, state) : { nodes: writeOther(step, state, value) };
    if (step.last) nodes.push(softmaxLine(step, map));
    written.replaceChildren(...nodes);

    const name = step.last ? `class ${classes[map]}` : rows * columns > 1 ? `map ${map}, row ${row}, column ${column}` : `number ${map}`;
    heading.replaceChildren(h("code", {}, `network[${step.index}]`), ` ${title(step)}, ${name}`);
    outBox.hidden = rows * columns === 1;
    const label = `${title(step)}, ${name}: ${short(value)}`;
    const from = (channel, sides) => channel * sides[0] * sides[1];
    outName.textContent = `what comes out: map ${map}`;
    output.update({ label, values: step.values, from: from(map, [rows, columns]), sides: [rows, columns],
      top: largestOf(step.values), frame: { row, column, rows: 1, columns: 1 } });
    const [, high = 1, wide = 1] = step.source, channel = part?.channel ?? map;
    inBox.hidden = high * wide === 1;
    maps.hidden = inBox.hidden && outBox.hidden;
    const isImage = step.index === 0;
    inName.textContent = isImage ? "what comes in: the image" : `what comes in: map ${channel}`;
    input.update({ label: inName.textContent, values: step.before, from: from(channel, [high, wide]), sides: [high, wide],
      top: isImage ? 1 : largestOf(step.before), gray: isImage, frame: windowOf(step, row, column) });
    return `${label}`;
  }
  return { element, update };
}

function render({ model, el }) {
  const get = (name) => model.get(name);
  const set = setter(model);
  const classes = get("classes"), layers = opened(get("layers"));
  const network = inference(layers, [1, SIDE, SIDE]), steps = shownSteps(network);
  const known = get("examples").map((example) => ({ example, image: pixelsOf(example) }));
  /** An image from outside, perhaps one of the examples. */
  const given = (image) => ({ image, strokes: [], example: known.find((one) =>
    one.image.every((gray, i) => Math.abs(gray - image[i]) < 1e-6))?.example });
  const past = [given(asList(get("image")))]; // what undo goes back to; the last is what is seen
  let pixels = pad(past[0].image), published = get("image"), centered = get("center");
  let waiting = 0, painted = 0, cost = 0;
  const now = () => past.at(-1);

  const answer = createAnswer(classes), live = announcer(), look = createLook(layers, classes);
  const preview = h("canvas", { class: "preview", role: "img", "aria-label": "What the network gets: 28×28 pixels" });
  const board = padBoard({
    width: () => get("pen"),
    onpen: (down) => { live.textContent = down ? "Pen down" : "Pen up"; },
    onmove(point, first) {
      if (first) past.push({ image: now().image, strokes: [...now().strokes, { points: [], width: get("pen") }] });
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
    const p = softmax(network.run(image));
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
    pixels = pad(now().image);
    for (const { points, width } of now().strokes) points.forEach((point, i) => inkLine(pixels, points[i - 1] ?? point, point, width));
    settle();
  }
  function add(state) {
    past.push({ strokes: [], ...state });
    rebuild();
  }

  const examples = createExamples(get("examples"), classes, (example) => add({ image: pixelsOf(example), example }));
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
    h("button", { type: "button", click: () => add({ image: input().map((gray) => 1 - gray), example: now().example }) }, "Invert"),
    looking);

  const strips = steps.map((step) => strip({ label: `network[${step.index}], ${title(step)}`, shape: step.output,
    onchoose: (map, row, column) => choose({ step, map, row, column }) }));
  const trace = createTrace({ classes, choose });
  const shelves = h("div", { class: "strips" }, steps.map((step, i) => h("div", { class: "strip" },
    h("div", { class: "strip-name" }, h("span", { class: "note" }, `[${step.index}]`), ` ${title(step)} `,
      h("span", { class: "note" }, shapeText(step.output))), strips[i].element)));

  /** Where the selected number stands; a place that this network does not have is its nearest. */
  function selected() {
    const [index, map, row, column] = get("selected");
    const step = steps.find((one) => one.index === index) ?? steps[0], [maps, rows = 1, columns = 1] = step.output;
    const near = (at, count) => inRange(at, 0, count - 1);
    return { step, map: near(map, maps), row: near(row, rows), column: near(column, columns) };
  }
  function choose(change) {
    const before = selected(), to = { ...before, ...Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined)) };
    const sides = [to.step.output[1] ?? 1, to.step.output[2] ?? 1];
    set({ selected: [to.step.index, to.map, inRange(to.row, 0, sides[0] - 1), inRange(to.column, 0, sides[1] - 1)] });
  }
  function paintMaps() {
    steps.forEach((step, i) => strips[i].update(step.values));
    writeTrace();
  }
  function writeTrace() {
    const place = selected();
    steps.forEach((step, i) => strips[i].choose(step === place.step ? place.map : -1));
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

  const root = h("div", { class: "cnn-widget draw-digit", role: "group", "aria-label": "Draw a digit" },
    h("div", { class: "board" }, board.element,
      h("div", { class: "reading" }, h("span", { class: "plane-name" }, "28×28"), preview, answer.element), answer.bars),
    controls, look.element, examples.element,
    h("p", { class: "part-title" }, "What every layer makes of it"), shelves, trace.element, live);
  el.append(root);
  board.show(now());
  readImage();
  examples.update(now().example);
  draw();
  const stop = redraw(model, draw);
  return () => {
    stop();
    look.stop();
    cancelAnimationFrame(waiting);
    root.remove();
  };
}

export default { render };
