// Build a network, train it in the page, break it, and look into it while it learns.
import source from "./playground_worker.js" with { type: "text" };
import { completeLayers, describe, fixedPart } from "./shared/math/building.js";
import { LAYERS } from "./shared/math/architecture.js";
import { digitData } from "./shared/math/digits.js";
import { asPython } from "./shared/math/python.js";
import { best } from "./shared/math/lists.js";
import { windowAxes } from "./shared/math/shapes.js";
import { completeSettings, SETTINGS } from "./shared/math/settings.js";
import { choice, presets, same, tick } from "./shared/view/controls.js";
import { curves, percent } from "./shared/view/curves.js";
import { button, copyText, format, h, iconButton, icon, select } from "./shared/view/dom.js";
import { drawing, placed } from "./shared/view/drawing.js";
import { createEngine } from "./shared/view/engine.js";
import { breaking, comparing } from "./shared/view/experiments.js";
import { frame, group } from "./shared/view/frame.js";
import { computingSteps, layerTrace } from "./shared/view/layers.js";
import { inRange, paintLarge } from "./shared/view/maps.js";
import { confusionTable, sizesTable, wrongImages } from "./shared/view/report.js";
import { editor, paintTiles, stack } from "./shared/view/stack.js";
import { tabs } from "./shared/view/tabs.js";

const NAMES = Array.from({ length: 10 }, (_, digit) => String(digit));
const CANVAS = { digits: 8, places: 16 };
const PLAY = "M7 4v16l13-8z", PAUSE = "M6 4h4v16H6zM14 4h4v16h-4z";
const BATCH = "M7 5v14l10-7zM17 5h2v14h-2z", EPOCH = "M3 5v14l9-7zM11 5v14l9-7zM19 5h2v14h-2z", AGAIN = "M12 5V1L6 6l6 5V7a5 5 0 1 1-5 5H5a7 7 0 1 0 7-7z";
const GOAL = 0.97; // of the held-out digits
const LOOKS = 150; // ms between two looks into a network that learns
const SPOKEN = 15000; // ms between two reports that are said aloud while it plays
const RUNS = 8; // that are kept
const DRAWINGS = 200; // that a link may hold
const HEAVY = 3e6; // parameters: more than a link may ask of a reader's device
const PRINTED = 10; // losses of the first batches
const FORBIDDEN = "The page where this stands allows no script that would train a network.";
const EMPTY = { playing: false, runs: [] };

/** What asks for new networks; all else may change while they learn. */
const FRESH = ["layers", "data", "seed", "seeds"];
const fresh = ({ layers, settings, ...now }) => JSON.stringify([FRESH.slice(1).map((name) => now[name]),
  fixedPart(layers), settings.shuffled_pixels, settings.zero_weights]);

const changeable = ({ layers, settings, drawings }) => JSON.stringify([layers, settings, drawings]);
/** What the engine is to train. */
const taskOf = ({ layers, settings, drawings, data, seed, seeds }) =>
  ({ layers, settings, drawings, canvas: CANVAS[data], seeds: Array.from({ length: seeds }, (_, k) => seed + k) });

/** What a report adds to what is known of the networks. */
function takeReport(run, message) {
  const [{ losses: { every, values }, history, epoch, seconds }] = message.runs;
  run.now = message;
  if (every === 1) run.firstLosses = values.slice(0, PRINTED);
  if (run.reached === null && epoch && history.at(-1).validation_accuracy >= GOAL) run.reached = seconds;
}

/**
 * The networks that learn, at the other end of a channel: `now` is their last report, `seen` the last look into the
 * first of them. onreport() and onlook() when there is a new one, onstop(sentence) when a network cannot go on.
 */
function createTraining({ get }, { onreport, onlook, onstop }) {
  const run = { now: EMPTY, seen: null, reached: null, firstLosses: [], begin, heed, rest, look, ask, close };
  let engine = null, started = 0, busy = false, known = "", live = "", looking = false, again = false, lastLook = 0, image = 0;

  function receive(message) {
    if (message.start !== started) return;
    busy = false;
    if (message.type === "progress") {
      takeReport(run, message);
      onreport();
      if (!message.playing || performance.now() - lastLook > LOOKS) look();
    } else if (message.type === "snapshot") {
      looking = false;
      run.seen = message;
      onlook();
      if (again) look();
    } else onstop(message.message);
  }
  function ask(type, more = {}) {
    engine?.post({ type, ...more });
  }
  /** Starts the engine, if it is not there, and new networks in it. */
  function begin(state) {
    if (busy) close(); // with networks that nobody waits for any more
    engine ??= createEngine(source, receive, () => onstop(FORBIDDEN));
    [known, live] = [fresh(state), changeable(state)];
    Object.assign(run, { now: EMPTY, seen: null, reached: null, firstLosses: [] });
    [started, busy, looking, again] = [started + 1, true, false, false];
    ask("start", { ...taskOf(state), digits: get("digits"), id: started });
  }
  /** Takes over what has changed: while the networks learn where that is possible, and else with new ones. */
  function heed(state) {
    if (!engine || fresh(state) !== known) {
      begin(state);
      return true;
    }
    const { layers, settings, drawings } = state;
    if (live !== (live = changeable(state))) ask("set", { layers, settings, drawings });
    return false;
  }
  /** Ends what is there, of which nothing more is heard. */
  function rest() {
    ask("pause");
    [started, known] = [started + 1, ""];
    Object.assign(run, { now: EMPTY, seen: null });
  }
  /** Looks into the first network: at the image with this number, or of these pixels. */
  function look(what = image) {
    image = what;
    again = looking;
    if (looking || !run.now.runs.length) return;
    [looking, lastLook] = [true, performance.now()];
    ask("snapshot", { image });
  }
  function close() {
    engine?.close();
    engine = null;
  }
  return run;
}

/** What is drawn of the runs: their histories, and the batches' losses as [epoch, loss]. */
function drawnOf({ runs: [first, ...others] }, count) {
  if (!first) return { histories: [[]], losses: [], epoch: 0 };
  const epoch = first.epoch + first.at / count, { values } = first.losses;
  return { histories: [first, ...others].map(({ history }) => history), epoch,
    losses: values.map((loss, i) => [((i + 1) * epoch) / values.length, loss]) };
}

/** Play, one batch, one epoch, start again, other first weights: the bar at the top. */
function createBar({ ask, again, shake }) {
  let playing = false, able = true;
  const toggle = () => able && ask(playing ? "pause" : "play");
  const play = iconButton("Play", PLAY, toggle, { class: "play" }), place = h("span", { class: "where", translate: "no" });
  const steps = [iconButton("One batch", BATCH, () => ask("batch")), iconButton("One epoch", EPOCH, () => ask("epoch"))];
  const element = h("div", { class: "playground-bar", role: "group", "aria-label": "Training" }, play, steps,
    iconButton("Start again", AGAIN, again), button("New weights", shake, { title: "Start again with other first weights" }), place);
  function show(name, path) {
    play.replaceChildren(icon(path));
    play.setAttribute("aria-label", name);
    play.title = name;
  }
  return { element, toggle, get playing() { return playing; }, pause() {
    if (playing) ask("pause");
  }, update({ misfit }) {
    able = !misfit;
    for (const one of [play, ...steps]) one.disabled = !able;
  }, live(now, epoch) {
    if (playing !== now.playing) show(now.playing ? "Pause" : "Play", now.playing ? PAUSE : PLAY);
    playing = now.playing;
    const [first] = now.runs;
    place.textContent = first ? `epoch ${format(epoch, 1)}, batch ${first.batches}, ${format(first.seconds, 1)} s` : able ? "starting" : "";
  } };
}

/** The number that counts: how many of the held-out digits are right. */
function createHeadline() {
  const [big, rest, goal] = [h("strong", { translate: "no" }), h("span"), h("span", { class: "goal" })];
  const element = h("p", { class: "headline" }, big, h("span", { class: "headline-words" }, rest, goal));
  return { element, live({ now, reached, histories }) {
    const { accuracy, validation_accuracy: held, epoch = 0, loss } = histories[0].at(-1) ?? {};
    big.textContent = percent(held);
    rest.textContent = !now.runs.length ? "of the held-out digits: not trained yet" : epoch === 0 ? "of the held-out digits are right before training"
      : `of the held-out digits are right. Training: ${percent(accuracy)}, loss ${Number.isFinite(loss) ? loss.toFixed(3) : "nan"}`;
    goal.textContent = reached !== null && histories.length === 1 ? ` 97% was reached after ${format(reached, 1)} s of training.` : "";
  } };
}

const listed = (values, text = String) => values.map((value) => [value, text(value)]);
const share = (part) => `${format(100 * part, 1)}%`;

/** A choice for one of the settings. */
function setting({ get, set }, label, name, options) {
  return choice(label, options, { read: () => get("settings")[name], text: String,
    write: (value) => set({ settings: { ...get("settings"), [name]: value } }) });
}

/** The share that the layers' dropout drops; the first choice of one puts a layer before the last Linear. */
function dropoutChoice({ get, set }) {
  const find = (layers) => layers.find(({ kind }) => kind === "Dropout");
  const write = (p) => {
    const layers = get("layers");
    if (find(layers)) return set({ layers: layers.map((layer) => (layer.kind === "Dropout" ? { ...layer, p } : layer)) });
    const at = Math.max(layers.findLastIndex(({ kind }) => kind === "Linear"), 0);
    return set({ layers: [...layers.slice(0, at), { kind: "Dropout", p }, ...layers.slice(at)] });
  };
  return choice("Dropout", listed([0, 0.1, 0.25, 0.5, 0.8], share), { read: () => find(get("layers"))?.p ?? 0, write, text: share });
}

/** How it is trained. */
function trainPanel(own) {
  const names = { sgd: "SGD", adam: "Adam", adamw: "AdamW" };
  const momentum = setting(own, "Momentum", "momentum", listed([0, 0.5, 0.9, 0.99]));
  const epochs = setting(own, "over epochs", "epochs", listed([5, 10, 20, 50, 100]));
  const only = { element: h("span", { hidden: true }), update({ settings }) {
    momentum.element.hidden = settings.optimizer !== "sgd";
    epochs.element.hidden = settings.schedule === "constant";
  } };
  return group({}, group({ class: "controls fields" },
    setting(own, "Optimizer", "optimizer", Object.keys(names).map((name) => [name, names[name]])),
    setting(own, "Learning rate", "lr", listed([0.0001, 0.001, 0.003, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 10, 100])), momentum,
    setting(own, "Batch size", "batch_size", listed([1, 8, 16, 32, 64, 128, 1297])),
    setting(own, "Schedule", "schedule", [["constant", "constant"], ["step", "steps"], ["cosine", "cosine"], ["one_cycle", "one cycle"]]), epochs,
    setting(own, "Weight decay", "weight_decay", listed([0, 0.0001, 0.001, 0.01, 0.1])), dropoutChoice(own), only),
  h("p", { class: "note" }, "All of this may change while it learns. Another optimizer forgets what the one before remembered."));
}

/** What it is trained on, and some of it with what it is called in training. */
function dataPanel(own, dataOf) {
  const { get, set } = own, pictures = h("div", { class: "digits", role: "group", "aria-label": "The first images to train on" });
  const shuffled = tick("Shuffle the pixels, all images alike", { read: () => get("settings").shuffled_pixels,
    write: (shuffled_pixels) => set({ settings: { ...get("settings"), shuffled_pixels } }) });
  const controls = group({ class: "controls fields" },
    choice("Images", [["digits", "digits, 8×8"], ["places", "in places, 16×16"]], { read: () => get("data"), write: (data) => set({ data }) }),
    setting(own, "Train on", "images", listed([10, 20, 50, 100, 300, 1297], (count) => `${count} images`)),
    setting(own, "Wrong labels", "wrong_labels", listed([0, 0.05, 0.1, 0.2, 0.4, 1], share)),
    setting(own, "Shift by up to", "shift", [[0, "0 pixels"], [1, "1 pixel"], [2, "2 pixels"]]), shuffled);
  const words = h("p", { class: "note" }, "Scikit-learn’s 1,797 digits. 500 of them are held out: no network is trained on them. "
    + "Your own digits, from Draw, come on top. Here are the first to train on; a wrong label is struck out.");
  let known = "";
  return { ...group({}, controls, words, pictures), update: controls.update, live(look) {
    const shown = look.shown.slice(0, get("settings").images), key = JSON.stringify([get("data"), shown]);
    if (key === known) return;
    known = key;
    const { images } = dataOf().train, side = CANVAS[get("data")];
    pictures.replaceChildren(...shown.map(({ index, label, truth }) => {
      const canvas = h("canvas", { role: "img", "aria-label": label === truth ? `A ${truth}` : `A ${truth} that is called ${label}` });
      paintLarge(canvas, images.data, index * side * side, [side, side], 1, true);
      return h("span", {}, canvas, h("span", { translate: "no", class: label === truth ? "" : "wrong", "aria-hidden": "true" }, label === truth ? label : [h("s", {}, truth), ` ${label}`]));
    }));
  } };
}

/** The steps of a look into a network, as layers.js writes them out. */
function stepsOf({ layers: seen }, layers) {
  const steps = seen.map((one, i) => {
    const { kernel_size, stride = 1, padding = 0 } = layers[i], options = { stride, padding };
    const axes = kernel_size ? windowAxes(one.input, kernel_size, options) : null;
    return { ...one, axes, computes: !["Dropout", "Flatten"].includes(one.kind),
      layer: { weight: one.weight, bias: one.bias, running_mean: one.running_mean, running_var: one.running_var, eps: 1e-5, options: [options] } };
  });
  return computingSteps({ steps });
}

/** What can be measured of each layer, those inside a Residual among them. */
const measures = (seen, prefix = "") => seen.flatMap(({ kind, sizes, dead, layers }, i) => [
  ...(sizes || dead !== null ? [{ name: `${prefix}${i} ${kind}`, ...sizes, dead: dead ?? undefined }] : []),
  ...(layers ? measures(layers, `${prefix}${i}.`) : [])]);

/** One image inside the network: the kernels of the chosen layer, any number's sum, and all layers' sizes. */
function insidePanel(own) {
  const { get, set } = own, sizes = sizesTable(), kernels = h("canvas", { role: "img" }), caption = h("p", { class: "note" });
  const trace = layerTrace({ classes: NAMES, onchoose(change) {
    Object.assign(place, Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined)));
    draw();
  } });
  const other = (by) => () => set({ image: (get("image") + by + 500) % 500 });
  const maps = h("input", { type: "range", min: 0, step: 1, "aria-label": "Map", input() {
    place.map = Number(maps.value);
    draw();
  } });
  const mapName = h("span", { translate: "no" }), which = h("span", { translate: "no" });
  const element = h("div", {}, h("div", { class: "controls" }, button("← Image", other(-1)), which, button("Image →", other(1)),
    h("label", { class: "field" }, mapName, maps)), h("div", { class: "kernels", hidden: true }, caption, kernels), trace, sizes);
  const place = { map: 0, row: 3, column: 3 };
  let seen = null, steps = [];

  function draw() {
    if (!seen) return;
    const chosen = get("selected"), step = steps.find(({ index }) => index >= chosen) ?? steps.at(-1);
    const [count, rows = 1, columns = 1] = step.output;
    maps.max = count - 1;
    const now = { step, map: inRange(place.map, 0, count - 1), row: inRange(place.row, 0, rows - 1), column: inRange(place.column, 0, columns - 1) };
    maps.value = now.map;
    mapName.textContent = `${step.output.length > 1 ? "map" : "number"} ${now.map} of layer ${step.index}`;
    which.textContent = `held-out image ${get("image")}`;
    const { weight } = step.layer, hasKernels = ["Conv2d", "Linear"].includes(step.kind);
    kernels.parentElement.hidden = !hasKernels;
    if (hasKernels) showWeights(kernels, caption, weight, step.index);
    return trace.update(now);
  }
  return { element, update: draw, live(look) {
    if (!look) return;
    [seen, steps] = [look, stepsOf(look, get("layers"))];
    draw();
    sizes.update(measures(look.layers));
  } };
}

/** A layer's kernels as tiles, or the whole matrix of a Linear. */
function showWeights(canvas, caption, { shape, data }, index) {
  const [outputs, inputs, ...sides] = shape;
  paintTiles(canvas, data, sides.length ? [outputs * inputs, ...sides] : [1, outputs, inputs]);
  caption.textContent = sides.length ? `Layer ${index}: ${outputs * inputs > 16 ? "the first 16" : `all ${outputs * inputs}`} of ${outputs} × ${inputs} kernels. Orange is above 0, blue below.`
    : `Layer ${index}: the ${outputs} × ${inputs} weights, a row for each output. Orange is above 0, blue below.`;
  canvas.setAttribute("aria-label", caption.textContent);
}

/** Who is taken for whom, and which images. */
function mistakesPanel({ set }, dataOf) {
  const table = confusionTable(NAMES), wrong = wrongImages((image) => set({ image, tab: "Inside" }));
  return { element: h("div", { class: "mistakes" }, table, wrong), live(look) {
    if (!look) return;
    table.update(look.confusion);
    const { images } = dataOf().validation, side = images.shape[3], area = side * side;
    wrong.update(look.wrong, (index) => images.data.subarray(index * area, (index + 1) * area), [side, side]);
  } };
}

/** A layer as it is added: with its usual numbers; a Residual keeps the shape of what comes in. */
function newLayer(kind, channels) {
  const usual = (name) => Object.fromEntries(Object.entries(LAYERS[name]).map(([key, { value }]) => [key, value]));
  const same = { kind: "Conv2d", ...usual("Conv2d"), out_channels: channels, padding: 1 };
  if (kind === "Residual") return { kind, layers: [same, { kind: "ReLU" }, { ...same }] };
  if (kind === "Dropout") return { kind, p: 0.5 };
  return { kind, ...usual(kind), ...(kind === "Conv2d" && { padding: 1 }) };
}

/** Whole layers: `add`, `move`, `remove` and `choose` them. */
function layerMoves({ get, set, complain, announce }, cards) {
  const choose = (index) => set({ selected: get("selected") === index && get("tab") === "Build" ? -1 : index,
    tab: ["Build", "Inside"].includes(get("tab")) ? get("tab") : "Build" });
  return {
    choose,
    move(index, by) {
      const layers = [...get("layers")], to = index + by;
      if (!layers[to]) return;
      [layers[index], layers[to]] = [layers[to], layers[index]];
      set({ layers, selected: to });
      if (cards().element.contains(document.activeElement)) cards().focus(to);
      announce(`${layers[to].kind} is now layer ${to}.`);
    },
    remove(index) {
      const layers = get("layers").filter((_, i) => i !== index);
      if (!layers.length) return complain("A network has at least one layer.");
      set({ layers, selected: Math.min(get("selected"), layers.length - 1) });
      cards().focus(Math.min(index, layers.length - 1));
    },
    add(kind, channels) {
      const layers = [...get("layers")], at = get("selected") < 0 ? layers.length : get("selected") + 1;
      layers.splice(at, 0, newLayer(kind, channels));
      set({ layers, selected: at });
    },
  };
}

/** What all layers cost, in words. */
function inAll(rows) {
  const total = (name) => rows.reduce((sum, row) => sum + (row[name] ?? 0), 0).toLocaleString("en-US");
  return `In all ${total("parameters")} parameters, ${total("multiplyAdds")} multiply-adds for an image.`;
}

/** The network: ready ones, layers to add, the numbers of the chosen one, and what all of it costs. */
function buildPanel(own, moves) {
  const { get, set, complain } = own;
  const kind = select([...Object.keys(LAYERS), "Residual"].map((name) => [name, name]), () => {});
  kind.setAttribute("aria-label", "Layer to add");
  const ready = presets("Network", new Map(Object.entries(get("presets")).map(([name, layers]) => [name, () => layers])),
    { read: () => get("layers"), write: (layers) => set({ layers, selected: -1 }) });
  const totals = h("p", { class: "totals", translate: "no" });
  let rows = [];
  const channelsAt = () => {
    const at = get("selected") < 0 ? rows.length - 1 : get("selected");
    return rows[at]?.output?.length === 3 ? rows[at].output[0] : 8;
  };
  return group({}, group({ class: "controls" }, ready, kind, button("Add layer", () => moves.add(kind.value, channelsAt())), own.reset),
    editor({ write: (layers) => set({ layers }), onmove: moves.move, onremove: moves.remove, complain }),
    { element: totals, update(now) {
      ({ rows } = now);
      totals.textContent = rows.length ? inAll(rows) : "";
    } },
    h("p", { class: "note" }, "Press a layer above to change it. Keys: arrows, Alt with arrows moves it, Delete removes it."));
}

/** The same network, data and optimizer in Python. */
function codePanel() {
  const boxes = ["cnnlib", "PyTorch"].map((title) => {
    const text = h("code", {}), pre = h("pre", { tabindex: 0, "aria-label": `${title} code` }, text), said = h("span", { role: "status" });
    const element = h("details", { class: "code" }, h("summary", {}, title), pre, h("div", { class: "controls" }, button("Copy", () => copyText(text, said)), said));
    return { element, update(now) {
      const code = now.misfit ? "The layers do not fit yet." : asPython({ ...now, canvas: CANVAS[now.data] }, title === "PyTorch");
      if (text.textContent !== code) [text.textContent, said.textContent] = [code, ""];
    } };
  });
  const losses = h("p", { class: "losses", translate: "no" });
  const words = "The same network, images, first weights and batches in Python. With the settings as they were from the first batch on, it prints the same first losses.";
  return { ...group({}, h("p", { class: "note" }, words), losses, boxes), live({ firstLosses }) {
    losses.textContent = firstLosses.length ? `The first losses here: ${firstLosses.map((loss) => loss.toFixed(4)).join(" ")}` : "";
  } };
}

const STATE = ["layers", "data", "settings", "seed", "seeds", "drawings"];
/** Why no page should train this, or ""; throws a sentence, too. A link may hold anything. */
function problem({ layers, data, settings, drawings }) {
  const shape = [1, CANVAS[data], CANVAS[data]];
  const total = describe(completeLayers(layers), shape, NAMES.length).reduce((sum, { parameters }) => sum + parameters, 0);
  if (total > HEAVY) return `The network has ${total.toLocaleString("en-US")} parameters, too many for a page.`;
  completeSettings(settings);
  const isInk = (ink) => Number.isInteger(ink) && ink >= 0 && ink <= 16;
  const isDrawing = ({ pixels, label }) => Number.isInteger(label) && NAMES[label] && pixels.length === 64 && pixels.every(isInk);
  return drawings.every(isDrawing) ? "" : "The drawings cannot be read.";
}

/** What a run is called: its network, and what is not as usual. */
function nameOf({ layers, settings, data, seeds }, ready) {
  const network = Object.keys(ready).find((name) => same(ready[name], layers)) ?? "own network";
  const other = Object.entries(SETTINGS).filter(([name, { value }]) => settings[name] !== value).map(([name]) => `${name.replace("_", " ")} ${settings[name]}`);
  return [network, ...(data === "places" ? ["at random places"] : []), ...other, ...(seeds > 1 ? [`${seeds} seeds`] : [])].join(", ");
}

/** A history of at most `most` entries: of several seeds the means. What is no number is null. */
function keptHistory(histories, most = 60) {
  const length = Math.min(...histories.map((one) => one.length)), every = Math.ceil(length / most) || 1;
  const mean = (i, name) => histories.reduce((sum, one) => sum + (one[i][name] ?? NaN), 0) / histories.length;
  const names = ["loss", "accuracy", "validation_loss", "validation_accuracy"];
  return Array.from({ length }, (_, i) => i).filter((i) => i % every === 0 || i === length - 1).map((i) =>
    ({ epoch: histories[0][i].epoch, batches: histories[0][i].batches, ...Object.fromEntries(names.map((name) => [name, numberOrNull(mean(i, name))])) }));
}
const numberOrNull = (number) => (Number.isFinite(number) ? number : null);

/** What is set, and what follows from it. */
function stateOf({ get }) {
  const state = Object.fromEntries([...STATE, "runs", "tab", "selected", "image"].map((name) => [name, get(name)]));
  const shape = [1, CANVAS[state.data], CANVAS[state.data]];
  let rows = [], misfit = "";
  try {
    rows = describe(state.layers, shape, NAMES.length);
  } catch (error) {
    misfit = error.layer === undefined ? error.message : `Layer ${error.layer}: ${error.message}`;
  }
  return { ...state, selected: Math.min(state.selected, state.layers.length - 1), shape, rows, misfit, digits: get("digits") };
}

/** Draws what the networks report, once per frame, and tells Python and a screen reader now and then. */
function createReports(own, training, parts) {
  let waiting = 0, told = "", toldAt = 0, spokenAt = 0, epochs = 0;
  function tell(first) {
    const history = keptHistory([first.history], Infinity), key = JSON.stringify([first.seed, history.length, history.at(-1)]);
    if (key === told) return;
    [told, toldAt] = [key, performance.now()];
    own.set({ history });
  }
  function speak({ history: [...all] }, playing) {
    const { epoch, validation_accuracy } = all.at(-1);
    if (!epoch) epochs = 0;
    if (epoch === epochs || (playing && performance.now() - spokenAt < SPOKEN)) return;
    [epochs, spokenAt] = [epoch, performance.now()];
    own.announce(`Epoch ${epoch}: ${percent(validation_accuracy)} of the held-out digits are right.`);
  }
  function draw() {
    waiting = 0;
    const { now, reached } = training, [first] = now.runs, images = own.get("settings").images + own.get("drawings").length;
    const drawn = drawnOf(now, images);
    parts.bar.live(now, drawn.epoch);
    parts.headline.live({ now, reached, histories: drawn.histories });
    const kept = own.get("runs").map(({ history }, i) => ({ history, mark: `kept-${i}` }));
    parts.curves.live({ ...drawn, kept });
    parts.compare.live(drawn);
    parts.code.live(training);
    if (!first) return;
    if (!now.playing || performance.now() - toldAt > 2000) tell(first);
    if (first.epoch || !now.playing) speak(first, now.playing);
  }
  return { draw, soon: () => (waiting ||= requestAnimationFrame(draw)), stop: () => cancelAnimationFrame(waiting) };
}

/** The images that the networks get, made once for each kind and for each drawing. */
function createData({ get }) {
  let made = "", data = null;
  return () => {
    const now = JSON.stringify([get("data"), get("drawings")]);
    if (made !== now) data = digitData(get("digits"), { canvas: CANVAS[get("data")], drawings: get("drawings") });
    made = now;
    return data;
  };
}

/** The ways to break the training and to mend it again: `broken` is what is broken now, or "". */
function createBreaks(own, { keep, begin }) {
  let broken = "", before = null;
  const breaks = { get broken() { return broken; }, forget: () => ([broken, before] = ["", null]),
    panel: breaking({
      onbreak({ name, look, change }) {
        keep();
        before ??= { layers: own.get("layers"), settings: own.get("settings") };
        [broken] = [name];
        own.set({ ...before, ...change(before) });
        begin(true);
        own.announce(look);
      },
      onmend() {
        own.set(before);
        breaks.forget();
        begin(false);
      },
    }) };
  return breaks;
}

/** What is seen of a look into the first network, and which image that is: the held-out one, or the reader's own. */
function createView({ get }, training, cards, parts) {
  let drawn = null; // the reader's digit, and where it was drawn
  const isDrawn = () => get("tab") === "Draw" && drawn !== null;
  const ownImage = () => (get("data") === "places" ? placed(...drawn, CANVAS.places) : drawn[0]);
  const view = { image: () => (isDrawn() ? ownImage() : get("image")), draw(image, middle) {
    drawn = image && [image, middle];
    training.look(view.image());
  }, show() {
    const { pixels, layers, probabilities: p, label } = training.seen, most = best(p);
    if (!same(layers.map(({ kind }) => kind), get("layers").map(({ kind }) => kind))) return; // a Dropout has just come or gone
    cards.show({ image: pixels, layers, p, label });
    parts.pad.answer(isDrawn() ? `The network says ${most}: ${percent(p[most])}` : "Draw a digit.");
    ({ Data: parts.data, Inside: parts.inside, Mistakes: parts.mistakes })[get("tab")]?.live(training.seen);
  } };
  return view;
}

/** Keeps the run that is there, to be compared. */
function keepRun({ get, set, announce }, training, state) {
  const history = keptHistory(drawnOf(training.now, 1).histories);
  if (history.length < 2) return;
  const name = nameOf(state(), get("presets"));
  set({ runs: [...get("runs"), { name, history }].slice(-RUNS) });
  announce(`Kept: ${name}.`);
}

/** Takes what was changed over to the networks, unless the layers do not fit; says why not, and why they stopped. */
function createHeeding(training, { image, reports, bar }, own) {
  const misfit = h("p", { class: "misfit", role: "alert" }), stopped = h("p", { class: "stopped", role: "alert" });
  let visible = false; // networks are made when the widget is
  const observer = new IntersectionObserver(([entry]) => {
    if (!entry.isIntersecting) return;
    visible = true;
    observer.disconnect();
    own.draw();
  }, { rootMargin: "200px" });
  observer.observe(bar);
  return { element: h("div", {}, stopped, misfit), onstop: (sentence) => (stopped.textContent = sentence), again(state) {
    stopped.textContent = "";
    training.begin(state);
    reports().soon();
  }, ask(type, state) {
    visible = true; // a key may come before the widget is seen
    training.heed(state);
    training.ask(type);
  }, update(now) {
    misfit.textContent = now.misfit;
    if (now.misfit) training.rest();
    else if (visible) {
      if (training.heed(now)) stopped.textContent = "";
      training.look(image());
    }
    reports().soon();
  }, stop() {
    observer.disconnect();
    training.close();
    reports().stop();
  } };
}

function build(own) {
  const { get, set } = own, dataOf = createData(own), state = () => stateOf(own);
  const training = createTraining(own, { onlook: () => view.show(), onstop: (sentence) => heeding.onstop(sentence),
    onreport() {
      if (training.now.playing && !bar.element.isConnected) training.ask("pause"); // nobody sees it
      reports.soon();
    } });
  const bar = createBar({ ask: (type) => heeding.ask(type, state()), again() {
    heeding.again(state());
    own.announce("Begun again, with the same first weights.");
  }, shake() {
    set({ seed: get("seed") + get("seeds") });
    own.announce("Begun again, with other first weights.");
  } });
  const moves = layerMoves(own, () => cards);
  const cards = stack({ classes: NAMES, onchoose: moves.choose, onmove: moves.move, onremove: moves.remove });
  const keep = () => keepRun(own, training, state);
  const breaks = createBreaks(own, { keep, begin(playing) {
    own.draw();
    heeding.again(state());
    if (playing) training.ask("play");
  } });
  const parts = {
    headline: createHeadline(), curves: curves(), build: buildPanel(own, moves), data: dataPanel(own, dataOf), train: trainPanel(own),
    inside: insidePanel(own), mistakes: mistakesPanel(own, dataOf), pad: drawing(own, { classes: NAMES, most: DRAWINGS, onink: (...ink) => view.draw(...ink) }),
    compare: comparing(own, keep), code: codePanel(),
  };
  const view = createView(own, training, cards, parts), reports = createReports(own, training, { ...parts, bar });
  const heeding = createHeeding(training, { image: view.image, reports: () => reports, bar: bar.element }, own);
  return {
    bar, state: () => ({ ...state(), broken: breaks.broken }), say: ({ rows, misfit }) => (misfit ? undefined : inAll(rows)), forget(anew) {
      if (!anew) return;
      breaks.forget();
      training.rest(); // what is set again is trained anew
    },
    parts: [group({ class: "main" }, bar, parts.headline, parts.curves, cards, heeding, own.error),
      tabs({ label: "Parts", read: () => get("tab"), write: (tab) => set({ tab }), parts: [
        ["Build", parts.build], ["Data", parts.data], ["Train", parts.train], ["Inside", parts.inside], ["Mistakes", parts.mistakes],
        ["Draw", parts.pad], ["Break it", breaks.panel], ["Compare", parts.compare], ["Code", parts.code]] })],
  };
}
export default frame({ mark: "playground", label: "Playground", data: STATE, kept: ["selected", "tab", "image", "runs"], problem, build });
