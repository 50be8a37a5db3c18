// Four optimizers walk over the same surface, and every step can be traced to its sum.
import { announcer, field, format, h, mount, onEnter, readings, select, setter, speaker } from "./shared/view/dom.js";
import { judge } from "./shared/view/judge.js";
import { BETAS, OPTIMIZERS, SURFACES, walk } from "./shared/math/walks.js";
import { player, spacePlays } from "./shared/view/player.js";
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
    update({ surface, start, walks, position, chosen }) {
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
  const { gradient, from, to, move } = axis;
  const rows = [["gradient", "", gradient]];
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

/** Asks where the chosen optimizer is after this step, one coordinate at a time. */
function createQuestion(onright) {
  let task = {};
  const input = h("input", { type: "text", autocomplete: "off", size: 7, "aria-label": "Your prediction" });
  const words = h("span"), verdict = h("span", { class: "race-verdict", role: "status" });
  function check() {
    const { from, to, gradient, move } = task.axis, { lr } = task.options, numbers = readings(input.value);
    const slips = [
      [from + lr * move, "That goes uphill: the step is subtracted."],
      [from - move, "The learning rate is missing."],
      [from - lr * gradient, "That is the step of plain SGD. This optimizer remembers earlier gradients."],
      [lr * move, "That is the step. Subtract it from the place."],
    ];
    const { right, sentence } = judge(numbers, to, slips);
    if (!numbers.length) verdict.textContent = "Type a number, such as 3.84 or -0.6.";
    else if (right) onright(`${format(to)} is right.`);
    else verdict.textContent = sentence ?? "Not that. Place minus learning rate times move.";
  }
  const element = h("div", { class: "race-predict", keydown: onEnter(check) }, words, input, h("button", { type: "button", click: check }, "Check"), h("button", { type: "button", click: () => onright(`It is ${format(task.axis.to)}.`) }, "Show me"), verdict);
  return {
    element,
    update(newTask) {
      if (newTask.key !== task.key) {
        input.value = "";
        verdict.textContent = newTask.said;
      }
      task = newTask;
      words.textContent = `Step ${task.count} of ${task.name}: the new ${task.letter}?`;
      for (const part of [words, input, ...element.querySelectorAll("button")]) part.hidden = task.known;
      verdict.textContent = task.known ? task.said : verdict.textContent;
    },
  };
}

/** Surface, start, learning rate, momentum. */
function createControls({ get, restart, initial }) {
  const surface = select([["valley", "narrow valley"], ["saddle", "saddle"]], (value) =>
    restart({ surface: value, start: value === "saddle" ? [4, 0.01] : [4, 1] }));
  const range = (name, label, min, max, step) => {
    const shown = h("span", { class: "race-value" });
    const control = h("input", { type: "range", min, max, step, "aria-label": label, input: () => restart({ [name]: Number(control.value) }) });
    return { element: h("span", { class: "field" }, h("span", {}, label), control, shown), update() {
      control.value = get(name);
      control.setAttribute("aria-valuetext", format(get(name)));
      shown.textContent = format(get(name));
    } };
  };
  const ranges = [range("lr", "Learning rate", 0.02, 1, 0.02), range("momentum", "Momentum", 0, 0.98, 0.02)];
  const starts = ["x", "y"].map((letter, i) =>
    h("input", { type: "number", step: 0.1, min: -[WIDE, HIGH][i], max: [WIDE, HIGH][i], "aria-label": `Start ${letter}`, change: (event) => {
      const start = [...get("start")];
      if (event.target.value !== "") start[i] = within(Number(event.target.value), [WIDE, HIGH][i]);
      restart({ start });
      event.target.value = get("start")[i];
    } }));
  const predict = h("input", { type: "checkbox", change: () => restart({ predict: predict.checked }) });
  return {
    element: h("div", { class: "controls" }, field("Surface", surface), ranges.map(({ element }) => element),
      h("span", { class: "field" }, h("span", {}, "Start"), starts),
      h("label", { class: "tick" }, predict, "Predict first"),
      h("button", { type: "button", click: () => restart(initial) }, "Reset")),
    update() {
      surface.value = get("surface");
      for (const { update } of ranges) update();
      starts.forEach((input, i) => {
        if (input !== document.activeElement) input.value = get("start")[i];
      });
      predict.checked = get("predict");
    },
  };
}

/** A row for each optimizer: choose it, and see where it is and how high. */
function createTable(choose) {
  const rows = OPTIMIZERS.map((name) => {
    const [place, height] = [h("td"), h("td")];
    const button = h("button", { type: "button", click: () => choose(name) }, h("span", { class: `race-key ${name}` }, name[0]), name);
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

function render({ model, el }) {
  const get = (name) => model.get(name);
  const set = setter(model);
  const initial = Object.fromEntries(["surface", "start", "lr", "momentum", "chosen"].map((name) => [name, get(name)]));
  const known = new Map();

  function restart(traits) {
    bar.pause();
    known.clear();
    set({ ...("predict" in traits ? { position: traits.predict ? 1 : 0 } : {}), ...traits });
    draw();
  }
  const map = createMap((start) => restart({ start }));
  const table = createTable((chosen) => set({ chosen }));
  const steps = h("div", { class: "race-sums" });
  const question = createQuestion((said) => {
    known.set(key(), said);
    draw();
  });
  const bar = player({ label: "Step", onmove: (position) => set({ position }) });
  const controls = createControls({ get, restart, initial });
  const live = announcer(), formula = h("p", { class: "note" });
  const axis = () => (get("surface") === "saddle" ? 1 : 0);
  const key = () => `${get("chosen")},${get("position")}`;

  function writeSums(path, position, hidden) {
    const { axes } = path[position];
    if (!axes) return [h("p", {}, `The start: ${pair(path[0].place)}, height ${format(path[0].height)}. Press play, or step.`)];
    return axes.map((one, i) => h("p", {}, h("b", {}, "xy"[i]), " ",
      sums(get("chosen"), one, path[position - 1].axes?.[i], { lr: get("lr"), momentum: get("momentum") }, position).flatMap(([what, how, value], k, all) => [
        h("span", { class: "race-term" }, `${what} ${how ? `${how} = ` : ""}`,
          k === all.length - 1 ? h("strong", {}, hidden ? "?" : write(value)) : what === "of squares" && value < 1e4 ? format(value, 6) : write(value), k === all.length - 1 ? "" : ";"), " "])));
  }
  function draw() {
    const [surface, start, position, chosen] = ["surface", "start", "position", "chosen"].map(get);
    const options = { lr: get("lr"), momentum: get("momentum") };
    const walks = new Map(OPTIMIZERS.map((name) => [name, walk(surface, name, start, options, STEPS)]));
    const path = walks.get(chosen);
    const hidden = get("predict") && position > 0 && !known.has(key());
    map.update({ surface, start, position, chosen, walks: hidden ? new Map(walks).set(chosen, [...path.slice(0, position), path[position - 1]]) : walks });
    table.update({ walks, position, chosen, hidden });
    steps.replaceChildren(...writeSums(path, position, hidden));
    question.element.hidden = !get("predict") || position === 0;
    if (!question.element.hidden)
      question.update({ key: key(), name: chosen, letter: "xy"[axis()], count: position, options,
        axis: path[position].axes[axis()], known: !hidden, said: known.get(key()) ?? "" });
    const where = position ? `step ${position}` : "start";
    bar.update(position, STEPS + 1, where);
    controls.update();
    formula.textContent = `Height: ${SURFACES[surface].formula}. x runs from −5 to 5, y from −2 to 2; dark is low. Drag the ring, or click the map, to start elsewhere.`;
    speak(`${chosen}, ${where}: ${hidden ? "hidden" : `${pair(path[position].place)}, height ${format(path[position].height)}`}`);
  }

  const speak = speaker(live, bar);
  const root = h("div", { class: "cnn-widget optimizer-race", role: "group", "aria-label": "Race of optimizers" },
    map.element, formula, bar.element, table.element, steps, question.element, controls.element, live);
  spacePlays(root, bar);
  return mount(el, root, model, draw, () => bar.pause());
}

export default { render };
