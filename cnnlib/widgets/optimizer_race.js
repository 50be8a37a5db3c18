// Four optimizers walk over the same surface, and every step can be traced to its sum.
import { choice, tick } from "./shared/view/controls.js";
import { button, format, h, onEnter, readings } from "./shared/view/dom.js";
import { frame, group } from "./shared/view/frame.js";
import { judge } from "./shared/view/judge.js";
import { BETAS, OPTIMIZERS, SURFACES, walk } from "./shared/math/walks.js";
import { player } from "./shared/view/player.js";
import { svg } from "./shared/view/svg.js";

const STEPS = 60;
const [WIDE, HIGH] = [5, 2]; // the map shows x from -5 to 5 and y from -2 to 2
const SCALE = 40; // units of the drawing for one of x or y
const onMap = ([x, y]) => [(x + WIDE) * SCALE, (HIGH - y) * SCALE];
const within = (value, limit) => Math.min(Math.max(value, -limit), limit);
const isOnMap = ([x, y]) => Math.abs(x) <= WIDE && Math.abs(y) <= HIGH;
const pair = ([x, y]) => `(${format(x)}, ${format(y)})`;

/** The surface as bands of gray, darker where it is lower: one band for each level line. In the dark theme all are darker. */
function paintSurface(canvas, { height }) {
  const context = canvas.getContext("2d");
  const pixels = context.createImageData(canvas.width, canvas.height);
  const low = Math.min(height([0, 0]), height([0, 1]), height([0, -1]));
  for (let i = 0; i < canvas.height; i++)
    for (let j = 0; j < canvas.width; j++) {
      const place = [((j + 0.5) / canvas.width) * 2 * WIDE - WIDE, HIGH - ((i + 0.5) / canvas.height) * 2 * HIGH];
      const level = Math.floor(6 * Math.sqrt(height(place) - low));
      const at = 4 * (i * canvas.width + j);
      pixels.data[at] = pixels.data[at + 1] = pixels.data[at + 2] = Math.min(250, 185 + 4.5 * level) - (level % 2 ? 9 : 0);
      pixels.data[at + 3] = 255;
    }
  context.putImageData(pixels, 0, 0);
}

/** The map: surface, paths, runners, and the start to drag. */
function createMap(onstart) {
  const canvas = h("canvas", { width: 2 * WIDE * SCALE, height: 2 * HIGH * SCALE, "aria-hidden": "true" });
  const lines = new Map(OPTIMIZERS.map((name) => [name, svg("polyline", { class: `race-line ${name}` })]));
  const runners = new Map(OPTIMIZERS.map((name) => [name, svg("g", { class: `race-runner ${name}` },
    svg("circle", { r: 9 }), svg("text", { "text-anchor": "middle", dy: "0.36em" }, name[0]))]));
  const handle = svg("circle", { class: "race-start", r: 13 });
  const drawing = svg("svg", { viewBox: `0 0 ${2 * WIDE * SCALE} ${2 * HIGH * SCALE}`, role: "img" },
    [...lines.values()], handle, [...runners.values()]);
  const element = h("div", { class: "race-map" }, canvas, drawing);

  const placeOf = (event) => {
    const box = drawing.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * 2 * WIDE - WIDE;
    const y = HIGH - ((event.clientY - box.top) / box.height) * 2 * HIGH;
    return [within(Math.round(x * 20) / 20, WIDE), within(Math.round(y * 20) / 20, HIGH)];
  };
  handle.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    handle.setPointerCapture(event.pointerId);
  });
  handle.addEventListener("pointermove", (event) => {
    if (handle.hasPointerCapture(event.pointerId)) onstart(placeOf(event));
  });
  drawing.addEventListener("click", (event) => onstart(placeOf(event)));

  return {
    element,
    update({ surface, start, seen: walks, position, chosen }) {
      if (canvas.dataset.surface !== surface) paintSurface(canvas, SURFACES[surface]);
      canvas.dataset.surface = surface;
      const places = [];
      for (const [name, path] of walks) {
        const seen = path.slice(0, position + 1).map(({ place }) => place);
        const outside = seen.findIndex((place) => !isOnMap(place));
        const drawn = (outside < 0 ? seen : seen.slice(0, outside + 1)).map(([x, y]) => [within(x, 3 * WIDE), within(y, 3 * HIGH)]);
        lines.get(name).setAttribute("points", drawn.map((place) => onMap(place).join(",")).join(" "));
        const here = seen.at(-1);
        runners.get(name).setAttribute("transform", `translate(${onMap(isOnMap(here) ? here : [9 * WIDE, 0])})`);
        for (const part of [lines, runners]) part.get(name).classList.toggle("chosen", name === chosen);
        places.push(`${name} ${isOnMap(here) ? `at ${pair(here)}` : "has left the map"}`);
      }
      drawing.append(runners.get(chosen));
      const [x, y] = onMap(start);
      handle.setAttribute("cx", x);
      handle.setAttribute("cy", y);
      drawing.setAttribute("aria-label", `Map of the ${surface}, x from −5 to 5, y from −2 to 2. ${places.join(", ")}.`);
    },
  };
}

/** A number of a walk, which may be one that leads far away. */
const write = (number) => (Math.abs(number) < 1e4 ? format(number) : Number.isFinite(number) ? number.toExponential(1).replaceAll("-", "−") : "∞");
const inSum = (number) => (number < 0 ? `(${write(number)})` : write(number));

/** The sums of a step along one axis: [what, how it is computed, value]. */
function sums(name, axis, before, { lr, momentum }, count) {
  const { gradient, slope, off, from, to, move } = axis;
  const rows = [["gradient", off ? `${write(slope)} + ${inSum(off)}` : "", gradient]];
  if ("velocity" in axis)
    rows.push(["velocity", before ? `${format(momentum)}·${inSum(before.velocity)} + ${inSum(gradient)}` : "the first gradient", axis.velocity]);
  if (name === "Nesterov") rows.push(["move", `${write(gradient)} + ${format(momentum)}·${inSum(axis.velocity)}`, move]);
  if (name === "Adam") {
    const power = (beta) => (count === 1 ? `${beta}` : `${beta}^${count}`);
    rows.push(["mean", `0.9·${inSum(before?.mean ?? 0)} + 0.1·${inSum(gradient)}`, axis.mean],
      ["of squares", `0.999·${format(before?.square ?? 0, 6)} + 0.001·${inSum(gradient)}²`, axis.square],
      ["corrected", `${write(axis.mean)} / (1 − ${power(BETAS[0])})`, axis.corrected],
      ["root", `√(${format(axis.square, 6)} / (1 − ${power(BETAS[1])}))`, axis.root],
      ["move", `${write(axis.corrected)} / ${write(axis.root)}`, move]);
  }
  return [...rows, ["new", `${write(from)} − ${format(lr)}·${inSum(move)}`, to]];
}

/** Asks for `now.task`, where the chosen optimizer is after this step; onfound(said) when that may be shown. */
function createQuestion(onfound) {
  let task = null;
  const input = h("input", { type: "text", autocomplete: "off", size: 7, "aria-label": "Your prediction" });
  const words = h("span"), verdict = h("span", { class: "race-verdict", role: "status" });
  function check() {
    if (!task) return;
    const { axis: { from, to, gradient, move }, lr } = task, numbers = readings(input.value);
    const slips = [
      [from + lr * move, "That goes uphill: the step is subtracted."],
      [from - move, "The learning rate is missing."],
      [from - lr * gradient, "That is the step of plain SGD. This optimizer remembers earlier gradients."],
      [lr * move, "That is the step. Subtract it from the place."],
    ];
    const { right, sentence } = judge(numbers, to, slips);
    if (!numbers.length) verdict.textContent = "Type a number, such as 3.84 or -0.6.";
    else if (right) onfound(`${format(to)} is right.`);
    else verdict.textContent = sentence ?? "Not that. Place minus learning rate times move.";
  }
  const asking = [words, input, button("Check", check), button("Show me", () => task && onfound(`It is ${format(task.axis.to)}.`))];
  const element = h("div", { class: "race-predict", keydown: onEnter(check) }, asking, verdict);
  return { element, update({ task: asked }) {
    element.hidden = !asked;
    if (asked && asked.key !== task?.key) {
      input.value = "";
      verdict.textContent = asked.said;
    }
    task = asked;
    if (!task) return;
    words.textContent = `Step ${task.count} of ${task.name}: the new ${task.letter}?`;
    for (const part of asking) part.hidden = task.known;
    if (task.known) verdict.textContent = task.said;
  } };
}

/** A slider for a trait, with its number beside it. */
function createSlider(label, name, { get, restart }, limits) {
  const shown = h("span", { class: "race-value" });
  const control = h("input", { type: "range", ...limits, "aria-label": label, input: () => restart({ [name]: Number(control.value) }) });
  return { element: h("span", { class: "field" }, h("span", {}, label), control, shown), update() {
    control.value = get(name);
    control.setAttribute("aria-valuetext", format(get(name)));
    shown.textContent = format(get(name));
  } };
}

/** The two numbers of the start. */
function createStart({ get, restart }) {
  const inputs = [["x", WIDE], ["y", HIGH]].map(([letter, limit], i) => {
    const input = h("input", { type: "number", step: 0.1, min: -limit, max: limit, "aria-label": `Start ${letter}`, change() {
      const start = [...get("start")];
      if (input.value !== "") start[i] = within(Number(input.value), limit);
      restart({ start });
      input.value = get("start")[i];
    } });
    return input;
  });
  return { element: h("span", { class: "field" }, h("span", {}, "Start"), inputs), update: () => inputs.forEach((input, i) => {
    if (input !== document.activeElement) input.value = get("start")[i];
  }) };
}

/** Surface, start, learning rate, momentum, noise. */
function createControls(own) {
  const { get, restart } = own;
  const surface = choice("Surface", [["valley", "narrow valley"], ["saddle", "saddle"]], { read: () => get("surface"),
    write: (surface) => restart({ surface, start: surface === "saddle" ? [4, 0.01] : [4, 1] }) });
  const again = button("Other noise", () => restart({ seed: get("seed") + 1 }));
  const other = { element: again, update: () => (again.hidden = get("noise") === 0) };
  const predict = tick("Predict first", { read: () => get("predict"), write: (predict) => restart({ predict, position: predict ? 1 : 0 }) });
  return group({ class: "controls" }, surface,
    createSlider("Learning rate", "lr", own, { min: 0.02, max: 1, step: 0.02 }),
    createSlider("Momentum", "momentum", own, { min: 0, max: 0.98, step: 0.02 }),
    createSlider("Noise", "noise", own, { min: 0, max: 2, step: 0.25 }), other,
    createStart(own), predict, own.reset);
}

/** A row for each optimizer: choose it, and see where it is and how high. */
function createTable(choose) {
  const rows = OPTIMIZERS.map((name) => {
    const [place, height] = [h("td"), h("td")];
    const button = h("button", { type: "button", click: () => choose(name) }, h("span", { class: `race-key ${name}`, "aria-hidden": "true" }, name[0]), name);
    return { name, button, place, height, element: h("tr", {}, h("th", { scope: "row" }, button), place, height) };
  });
  return {
    element: h("table", { class: "race-table" },
      h("thead", {}, h("tr", {}, ["optimizer", "place", "height"].map((text) => h("th", { scope: "col" }, text)))),
      h("tbody", {}, rows.map(({ element }) => element))),
    update({ walks, position, chosen, hidden }) {
      for (const row of rows) {
        const { place, height } = walks.get(row.name)[position];
        const masked = hidden && row.name === chosen;
        row.button.setAttribute("aria-pressed", row.name === chosen);
        row.place.textContent = masked ? "?" : `(${place.map(write).join(", ")})`;
        row.height.textContent = masked ? "?" : write(height);
      }
    },
  };
}

/** The chosen optimizer's step along both axes, written out. */
function createSums() {
  const element = h("div", { class: "race-sums" });
  const line = (letter, rows, hidden) => h("p", {}, h("b", {}, letter), " ", rows.flatMap(([what, how, value], k) => {
    const last = k === rows.length - 1, number = what === "of squares" && value < 1e4 ? format(value, 6) : write(value);
    return [h("span", { class: "race-term" }, `${what} ${how ? `${how} = ` : ""}`,
      last ? h("strong", {}, hidden ? "?" : number) : number, last ? "" : ";"), " "];
  }));
  return { element, update({ path, position, chosen, options, hidden }) {
    const { axes } = path[position];
    element.replaceChildren(...(axes ? axes.map((one, i) =>
      line("xy"[i], sums(chosen, one, path[position - 1].axes?.[i], options, position), hidden))
      : [h("p", {}, `The start: ${pair(path[0].place)}, height ${format(path[0].height)}. Press play, or step.`)]));
  } };
}

/** All that is drawn, from the traits; said(key) is what was said when a place was found. */
function stateOf(get, found) {
  const [surface, start, position, chosen] = ["surface", "start", "position", "chosen"].map(get);
  const options = Object.fromEntries(["lr", "momentum", "noise", "seed"].map((name) => [name, get(name)])), { lr } = options;
  const walks = new Map(OPTIMIZERS.map((name) => [name, walk(surface, name, start, options, STEPS)]));
  const path = walks.get(chosen), key = `${chosen},${position}`, axis = surface === "saddle" ? 1 : 0;
  const asks = get("predict") && position > 0, hidden = asks && !found.has(key);
  return {
    surface, start, position, chosen, options, walks, path, hidden, count: STEPS + 1, where: position ? `step ${position}` : "start",
    seen: hidden ? new Map(walks).set(chosen, [...path.slice(0, position), path[position - 1]]) : walks,
    task: asks ? { key, name: chosen, letter: "xy"[axis], count: position, lr, axis: path[position].axes[axis],
      known: !hidden, said: found.get(key) ?? "" } : null,
  };
}

function build(own) {
  const { get, set, draw } = own;
  const found = new Map(); // what was said of a place that may be shown
  const bar = player(own, "Step"), formula = h("p", { class: "note" });
  const question = createQuestion((said) => {
    found.set(`${get("chosen")},${get("position")}`, said);
    draw();
  });
  return {
    bar, state: () => stateOf(get, found), forget: () => found.clear(),
    parts: [createMap((start) => own.restart({ start })),
      { element: formula, update: ({ surface, options }) => (formula.textContent =
        `${options.noise ? `Each gradient is off by chance, by about ${format(options.noise)} in x and in y, for all four alike. ` : ""}Height: ${SURFACES[surface].formula}. x runs from −5 to 5, y from −2 to 2; dark is low. Drag the ring, or click the map, to start elsewhere.`) },
      bar, createTable((chosen) => set({ chosen })), createSums(), question, createControls(own)],
    say: ({ chosen, where, hidden, path, position }) =>
      `${chosen}, ${where}: ${hidden ? "hidden" : `${pair(path[position].place)}, height ${format(path[position].height)}`}`,
  };
}

export default frame({ mark: "optimizer-race", label: "Race of optimizers", data: ["surface", "start", "lr", "momentum", "noise", "seed"], kept: ["chosen"], build });
