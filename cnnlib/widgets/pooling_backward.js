// Pooling's backward pass: who receives how much of each gradient.
import { fitted, gradientPresets, placesOf, planeGrids, sameData, sumLines, totals, written } from "./shared/view/backward.js";
import { choiceOf } from "./shared/view/choices.js";
import { announcer, copyWith, field, format, h, mount, setter, speaker } from "./shared/view/dom.js";
import { countedCells, pool2d, poolGeometry, poolShares, poolWindow, winnerOf } from "./shared/math/cells.js";
import { sum } from "./shared/math/lists.js";
import { player, spacePlays } from "./shared/view/player.js";
import { MISCOUNTS, POOLING, frameOf, inMode, mapCell, markOf, noteBelow, poolingControls, poolingOf, poolingProblem, ringsOf, windowNotes } from "./shared/view/pooled.js";
import { prediction } from "./shared/view/predict.js";

/** All that is drawn, from the traits: the shares, what is chosen, and what has added up so far. */
function state(get) {
  const [image, grad, mode, walk] = ["image", "grad_output", "mode", "walk"].map(get);
  const options = poolingOf(get), shape = poolGeometry(image, options);
  const shares = poolShares(image, options).map((t) => ({ ...t, gradient: grad[t.i][t.j] }));
  const places = placesOf(walk === "outputs" ? grad : image);
  const position = Math.min(get("position"), places.length - 1);
  const place = places[position];
  const order = (t) => t.i * grad[0].length + t.j;
  const counted = walk === "outputs" ? shares.filter((t) => order(t) <= position) : shares;
  const key = (t) => `${t.row},${t.column}`;
  const sums = totals(counted, key, (t) => t.share * t.gradient);
  return {
    image, grad, mode, walk, options, shape, position, place, count: places.length,
    cells: walk === "outputs" ? poolWindow(image, shape, ...place) : [], // the window that is framed
    chosen: shares.filter((t) => (walk === "outputs" ? `${t.i},${t.j}` : key(t)) === place.join()),
    dx: image.map((line, row) => line.map((_, column) => sums.get(`${row},${column}`) ?? 0)),
    touched: new Set(counted.filter((t) => t.share).map(key)),
    output: pool2d(image, options),
  };
}

/** 1, 0, or a share such as 1/4. */
const fraction = (share) => (share === 0 || share === 1 ? String(share) : `1/${Math.round(1 / share)}`);
const spot = ([row, column]) => `row ${row}, column ${column}`;
const whereIs = ({ walk, place }) => `${walk === "outputs" ? "G" : "dX"}, ${spot(place)}`;

function linesOf(now, hidden) {
  const { walk, chosen, mode } = now;
  if (walk === "outputs") {
    const terms = chosen.map((t) => ({ ...t, zero: t.share === 0,
      text: `${format(t.value)} gets ${fraction(t.share)}·${format(t.gradient)} = ${format(t.share * t.gradient)}` }));
    const name = mode === "average" ? "each gets an equal share" : "the first largest gets all";
    return [{ name: terms.length ? name : "all is padding: the gradient is lost", rows: terms.map((t) => [t]) }];
  }
  const total = sum(chosen.map((t) => t.share * t.gradient));
  const terms = chosen.map((t) => ({ ...t, zero: t.share === 0,
    text: t.share === 0 || t.share === 1 ? written(t.share, t.gradient) : `${fraction(t.share)}·${written(1, t.gradient).slice(2)}` }));
  const name = `${whereIs(now)}: ${chosen.length ? "share·g" : "no window reads it"}`;
  return [{ name, rows: terms.map((t) => [t]), plus: true, end: hidden ? "?" : format(total) }];
}

/** What must be said about the framed window. */
function notesOf({ cells, options, mode }) {
  const counted = mode === "average" ? countedCells(cells, options) : [];
  const padding = counted.filter(({ kind }) => kind === "padding").length;
  return [...windowNotes(cells, options, mode === "max" ? winnerOf(cells, options) : null),
    ...(padding ? [`The padding counts too; its share, ${padding}/${counted.length}, is cropped.`] : [])];
}

/** What the usual slips make of a sum of shares. */
function poolingSlips({ chosen, mode }) {
  const divided = (count) => sum(chosen.map((t) => t.gradient / count(t.cells)));
  const cases = {
    max: [[divided(() => 1), "Only the largest number of a window receives its gradient."],
      [divided((cells) => cells.length), "That is the mean's way. A maximum does not divide."]],
    average: [[divided(() => 1), "That gives every number the whole gradient. A mean divides it by how many it counts."],
      ...MISCOUNTS.map(([count, words]) => [divided(count), words])],
  };
  const turned = [-sum(chosen.map((t) => t.share * t.gradient)), "The sign is turned round."];
  return { slips: [...cases[mode], turned],
    otherwise: "Not that. Look at each window over it: how much of the window's gradient is its share?" };
}

function createStage({ get, set, complain, choose }) {
  const common = { onerror: complain, tone: "signed" };
  const edit = (trait) => (_, row, column, value) => set({ [trait]: copyWith(get(trait), [row, column], value) });
  const pick = (walk) => (_, row, column) => choose(walk, [row, column]);
  const parts = {
    x: planeGrids({ ...common, label: "Map X", onedit: edit("image"), onselect: pick("pixels") }),
    dx: planeGrids({ ...common, label: "Gradient dX", onselect: pick("pixels") }),
    y: planeGrids({ ...common, label: "Pooled Y", onselect: pick("outputs") }),
    g: planeGrids({ ...common, label: "Gradient G", note: "from the layers above", onedit: edit("grad_output"), onselect: pick("outputs") }),
  };
  const element = h("div", { class: "stage" },
    h("div", { class: "heading" }, "forward ↓"), h("div", { class: "heading" }, "backward ↑"),
    ["x", "dx", "y", "g"].map((name) => parts[name].element));
  return {
    element,
    update(now, hidden) {
      const { image, grad, walk, options, shape, place, chosen, cells } = now;
      const border = ringsOf(shape);
      const across = 2 * shape.columns.padded + 1;
      element.style.setProperty("--fit", across);
      element.classList.toggle("busy", across > 9);
      element.classList.toggle("large", across > 11);
      const here = { row: place[0], column: place[1], rows: 1, columns: 1 };
      const frame = walk === "outputs" ? frameOf(shape, ...place) : here;
      const winner = now.mode === "max" ? winnerOf(cells, options) : null;
      const paid = new Map(chosen.map((t) => [walk === "outputs" ? `${t.row},${t.column}` : `${t.i},${t.j}`, t]));
      const note = (term) => (term && term.share ? `×${fraction(term.share)}` : "");
      const mark = (row, column, mine) => `${mine && sameData(place, [row, column]) ? "current" : ""} `;
      parts.x.update([image], () => ({ border, frame, cell: (...at) => mapCell(shape, cells, winner, options, ...at) }));
      parts.dx.update([now.dx], () => ({ border, frame, cell: (row, column) => {
        const inside = image[row]?.[column] !== undefined;
        const later = walk === "outputs" && inside && !now.touched.has(`${row},${column}`);
        return { ...(inside && hidden([row, column]) ? { text: "?" } : inside ? {} : { text: "" }),
          mark: `${mark(row, column, walk === "pixels")} ${later ? "later" : ""} ${markOf(shape, cells, row, column)}`,
          note: walk === "outputs" ? note(paid.get(`${row},${column}`)) : "" };
      } }));
      parts.y.update([now.output], () => ({ frame: walk === "outputs" ? here : null, scale: image.flat(),
        cell: (row, column) => (Number.isFinite(now.output[row][column]) ? {} : { text: "−∞" }) }));
      parts.g.update([grad], () => ({ frame: walk === "outputs" ? here : null, cell: (row, column) => {
        const term = walk === "pixels" ? paid.get(`${row},${column}`) : null;
        const later = walk === "outputs" && row * grad[0].length + column > now.position;
        return { mark: `${mark(row, column, walk === "outputs")} ${later ? "later" : ""} ${term ? "read" : ""}`, note: note(term) };
      } }));
    },
    /** Marks the number and the gradient of one share. */
    light(term) {
      for (const lit of element.querySelectorAll(".lit")) lit.classList.remove("lit");
      if (!term) return;
      for (const cell of [parts.x.cell(0, term.row, term.column), parts.dx.cell(0, term.row, term.column), parts.g.cell(0, term.i, term.j)])
        cell?.classList.add("lit");
    },
  };
}

/** The traits for another size or window: what is there is kept, what is new is filled up. */
function refitted(get, { rows, columns, ...changes }) {
  const next = { ...poolingOf(get), ...changes };
  const old = get("image");
  const image = fitted(old, rows ?? old.length, columns ?? old[0].length, (i, j) => (3 * i + 2 * j + 1) % 10);
  const message = poolingProblem(image, next);
  if (message) return { message };
  const sizes = Object.values(poolGeometry(image, next)).map((side) => side.output);
  return { message, traits: { image, grad_output: fitted(get("grad_output"), ...sizes, () => 1), ...next } };
}

function createControls({ get, set, refit, restart, choose, initial }) {
  const walk = choiceOf("Walk through", [["outputs", "the numbers of G, adding up"], ["pixels", "dX, number by number"]],
    (value) => choose(value, [0, 0]));
  const mode = choiceOf("Pooling", [["max", "max"], ["average", "average"]], (value) => refit(inMode(value)));
  const presets = gradientPresets(() => [get("grad_output")], ([grad_output]) => set({ grad_output }), () => [initial.grad_output]);
  const pooling = poolingControls({ get, change: refit, resize: (rows, columns) => refit({ rows, columns }), largest: 10 });
  const predict = h("input", { type: "checkbox", change: () =>
    restart({ predict: predict.checked, ...(predict.checked ? { walk: "pixels" } : {}) }) });
  const element = h("div", {},
    h("div", { class: "controls" }, field("Pooling", mode.control), field("Walk through", walk.control), field("G", presets.control),
      h("label", { class: "tick" }, predict, "Predict first"), h("button", { type: "button", click: () => restart(initial) }, "Reset")),
    h("details", {}, h("summary", {}, "Window, stride, padding, dilation, ceil_mode, size"),
      h("div", { class: "controls" }, pooling.window, pooling.stride, pooling.options, pooling.size),
      pooling.formula));
  return {
    element,
    update(shape) {
      walk.show(get("walk"));
      mode.show(get("mode"));
      presets.update();
      pooling.update(shape);
      predict.checked = get("predict");
    },
  };
}

function render({ model, el }) {
  const get = (name) => model.get(name);
  const set = setter(model);
  const kept = ["image", "grad_output", ...POOLING, "walk", "position"];
  const initial = Object.fromEntries(kept.map((name) => [name, get(name)]));
  const known = new Set(); // the results that were predicted or shown
  let drawn = "";

  function complain(message) {
    if (error.textContent !== message) error.textContent = message;
  }
  function refit(changes) {
    const { message, traits } = refitted(get, changes);
    complain(message);
    if (message) return draw();
    const walked = traits[get("walk") === "outputs" ? "grad_output" : "image"];
    set({ ...traits, position: placesOf(walked).length === state(get).count ? get("position") : 0 });
  }
  function choose(walk, [row, column]) {
    bar.pause();
    set({ walk, position: row * get(walk === "outputs" ? "grad_output" : "image")[0].length + column });
  }
  function restart(traits) {
    bar.pause();
    known.clear();
    complain("");
    set({ position: 0, score: [0, 0], ...traits });
    draw();
  }
  const error = h("p", { class: "error", role: "alert" });
  const live = announcer();
  const stage = createStage({ get, set, complain, choose });
  const sums = sumLines(stage.light);
  const bar = player({ label: "Step", onmove: (position) => set({ position }) });
  const predict = prediction({
    onnext: () => {
      const now = state(get);
      set({ position: (now.position + 1) % now.count });
    },
    onreveal: (right) => {
      const key = String(state(get).place), [good, asked] = get("score");
      if (!known.has(key)) set({ score: [good + (right ? 1 : 0), asked + 1] });
      known.add(key);
      draw();
    },
  });
  const controls = createControls({ get, set, refit, restart, choose, initial });

  function draw() {
    const data = JSON.stringify(kept.slice(0, -2).map(get));
    if (data !== drawn) known.clear();
    drawn = data;
    const now = state(get);
    const hidden = (place) => get("predict") && !known.has(String(place));
    const asks = now.walk === "pixels" && hidden(now.place);
    const lines = linesOf(now, asks);
    stage.update(now, hidden);
    sums.update(lines, notesOf(now).map(noteBelow));
    bar.update(now.position, now.count, whereIs(now));
    controls.update(now.shape);
    predict.element.hidden = !get("predict") || now.walk === "outputs";
    const total = sum(now.chosen.map((t) => t.share * t.gradient));
    predict.update({ key: whereIs(now) + data, where: whereIs(now), total, score: get("score"), known: !asks, explain: () => poolingSlips(now) });
    const [{ rows, end }] = lines;
    speak(`${whereIs(now)}: ${rows.flat().map((t) => t.text).join(now.walk === "outputs" ? ", " : " plus ")}${end ? ` is ${asks ? "hidden" : end}` : ""}`);
  }
  const speak = speaker(live, bar);

  const root = h("div", { class: "cnn-widget backward pooling-backward", role: "group", "aria-label": "Pooling, forward and backward" },
    stage.element, sums.element, bar.element, predict.element, error, controls.element, live);
  spacePlays(root, bar);
  return mount(el, root, model, draw, () => bar.pause());
}

export default { render };
