// A reliability diagram: how sure answers are against how many of them are right, with a temperature to be moved.
import { array, map } from "./shared/math/array.js";
import { expected_calibration_error, fit_temperature, reliability } from "./shared/math/calibration.js";
import { best, sum } from "./shared/math/lists.js";
import { cross_entropy, softmax } from "./shared/math/loss.js";
import { button, format, h } from "./shared/view/dom.js";
import { dock, frame, group } from "./shared/view/frame.js";
import { grid, oneCell } from "./shared/view/grid.js";
import { svg } from "./shared/view/svg.js";

const BINS = 10;
const LIMITS = [0.1, 10];
const inHundredths = (temperature) => Math.min(Math.max(Number(temperature.toFixed(2)), LIMITS[0]), LIMITS[1]);
const edges = (bin) => `${format(bin / BINS)} to ${format((bin + 1) / BINS)}`;

/** All that follows from the answers and the temperature. */
function measured(logits, labels, temperature) {
  const scaled = map((logit) => logit / temperature, array(logits)), p = softmax(scaled).data, classes = logits[0].length;
  const rows = logits.map((row, n) => [...p.subarray(n * classes, (n + 1) * classes)]);
  const confidence = array(rows.map((row) => Math.max(...row))), right = logits.map((row, n) => best(row) === labels[n]);
  return {
    ...reliability(confidence, right, BINS), error: expected_calibration_error(confidence, right, BINS), loss: cross_entropy(scaled, labels),
    total: labels.length, rightShare: sum(right.map(Number)) / labels.length, mean: sum([...confidence.data]) / labels.length,
  };
}

/** A column for each bin: a bar as high as its accuracy, a line at its mean confidence, and between them the gap. */
function createColumns({ set }) {
  const columns = Array.from({ length: BINS }, (_, bin) => h("div", { class: "column", click: () => set({ chosen: bin }) },
    h("span", { class: "bar" }), h("span", { class: "gap" }), h("span", { class: "said" })));
  const diagonal = svg("svg", { class: "diagonal", viewBox: "0 0 100 100", preserveAspectRatio: "none" }, svg("line", { x1: 0, y1: 100, x2: 100, y2: 0 }));
  const element = h("div", { class: "columns", "aria-hidden": "true" }, columns, diagonal);
  return { element, update({ answers, confidence, accuracy, chosen }) {
    columns.forEach((column, bin) => {
      column.className = `column ${answers[bin] ? "" : "none"} ${bin === chosen ? "chosen" : ""} ${accuracy[bin] < confidence[bin] ? "over" : "under"}`;
      const [low, high] = [accuracy[bin], confidence[bin]].sort((a, b) => a - b).map((share) => 100 * (share || 0));
      const [bar, gap, said] = column.children;
      bar.style.height = `${100 * (accuracy[bin] || 0)}%`;
      Object.assign(gap.style, { bottom: `${low}%`, height: `${high - low}%` });
      said.style.bottom = `${100 * (confidence[bin] || 0)}%`;
    });
  } };
}

/** The diagram with its axes, and under it how many answers each bin has. */
function createBoard(own) {
  const columns = createColumns(own);
  const counts = grid({ label: "Answers by confidence", tone: "signed", counted: false, onselect: (_, bin) => own.set({ chosen: bin }) });
  const ticks = (mark, side) => h("div", { class: mark, "aria-hidden": "true" },
    [0, 0.2, 0.4, 0.6, 0.8, 1].map((tick) => h("span", { style: `${side}: ${100 * tick}%` }, format(tick))));
  const element = h("div", { class: "board" }, h("p", { class: "note upper" }, "right ↑"), ticks("rises", "bottom"), columns, ticks("runs", "left"),
    h("p", { class: "note lower" }, "confidence →"), h("p", { class: "note answers" }, "answers"), counts);
  return { element, update(now) {
    columns.update(now);
    counts.update([now.answers.map(() => 0)], {
      frame: oneCell(0, now.chosen),
      cell: (_, bin) => ({ text: String(now.answers[bin]), mark: `${now.answers[bin] ? "" : "none"} ${bin === now.chosen ? "current" : ""}` }),
    });
  } };
}

/** The temperature: a slider whose middle is 1, and what it is. */
function createSlider({ set }) {
  const slider = h("input", { type: "range", min: -1, max: 1, step: 0.02, "aria-label": "Temperature",
    input: () => set({ temperature: inHundredths(10 ** Number(slider.value)) }) });
  const shown = h("span", { class: "temperature" });
  return { element: h("span", { class: "field slide" }, h("span", {}, "Temperature"), slider, shown), update({ temperature }) {
    if (inHundredths(10 ** Number(slider.value)) !== temperature) slider.value = Math.log10(temperature);
    slider.setAttribute("aria-valuetext", format(temperature));
    shown.textContent = format(temperature);
  } };
}

/** What the chosen bin holds and adds to the error, and what all answers come to. */
function sentencesOf({ chosen, answers, confidence, accuracy, total, error, rightShare, mean, loss }) {
  const here = answers[chosen], right = Math.round(here * accuracy[chosen]);
  const own = here
    ? [`${edges(chosen)}: ${here} of ${total} answers, ${right} right, ${right}/${here} = ${format(accuracy[chosen])}. Mean confidence ${format(confidence[chosen])}.`,
      `Its part of the error: ${here}/${total}·|${format(accuracy[chosen])} − ${format(confidence[chosen])}| = ${format((here / total) * Math.abs(accuracy[chosen] - confidence[chosen]))}.`]
    : [`${edges(chosen)}: none of ${total} answers.`, "Its part of the error: 0."];
  return [...own, `All together: right ${format(rightShare)}, mean confidence ${format(mean)}, loss ${format(loss)}.`,
    `Expected calibration error: ${format(error)}.`];
}

function createWords() {
  const element = h("div", { class: "sum" });
  return { element, update: ({ sentences: [first, part, all, error] }) =>
    element.replaceChildren(h("p", {}, first), h("p", {}, part), h("p", {}, all), h("p", {}, h("strong", {}, error))) };
}

function build(own) {
  const { get, set } = own;
  return {
    state() {
      const [logits, labels, temperature, chosen] = ["logits", "labels", "temperature", "chosen"].map(get);
      const now = { temperature, chosen, ...measured(logits, labels, temperature) };
      return { ...now, sentences: sentencesOf(now) };
    },
    parts: [
      createBoard(own),
      h("p", { class: "note" }, "Bar: the share that is right. Line: the mean confidence. Orange between them: too sure. Blue: not sure enough. Dashed: where both are equal."),
      dock(createWords()),
      group({ class: "controls" }, createSlider(own),
        button("Smallest loss", () => set({ temperature: inHundredths(fit_temperature(array(get("logits")), get("labels"))) })), own.reset),
    ],
    say: ({ temperature, sentences: [first, , , error] }) => `Temperature ${format(temperature)}. ${error} ${first}`,
  };
}

export default frame({ mark: "calibration", label: "Calibration", data: ["logits", "labels"], kept: ["temperature", "chosen"], build });
