// A question in the page that answers back: right, or which mistake was made.
import { answerField, button, format, h, misread, onEnter, readings } from "./shared/view/dom.js";
import { frame, group } from "./shared/view/frame.js";
import { grid } from "./shared/view/grid.js";
import { close, judge } from "./shared/view/judge.js";

/** Whether all numbers of a grid are those of another. */
const fits = (given, answer, decimals) => given.every((row, i) => row.every((value, j) => close(value, answer[i][j], decimals)));

/** A matrix as a grid, if code such as [[1, 2], [3, 4]] is one. */
function matrix(code) {
  if (!/^\[\[[-\d.,\s[\]]*\]\]$/.test(code)) return null;
  const rows = JSON.parse(code);
  return h("span", { class: "matrix", role: "img", "aria-label": rows.map((row) => row.join(", ")).join("; "), style: `--columns: ${rows[0].length}` },
    rows.flat().map((number) => h("span", {}, format(number))));
}

/** Text with `code` in it. */
const prose = (text) => text.split("`").map((part, i) => (i % 2 ? matrix(part) ?? h("code", {}, part) : part));

/** Code's minus signs as they are printed, and a negative number that follows a sign in brackets; `code` stays as it is. */
const signed = (text) => text.split("`").map((part, i) => (i % 2 ? part
  : part.replace(/([·+−-] ?)-([\d.]*\d)/g, "$1(−$2)").replace(/(^|[^\w.])-(?=[\d.])|( )-(?= )/g, "$1$2−"))).join("`");

/** A number made of a text, to put choices in an order that has nothing to do with which is right. */
function mixed(text) {
  let number = 0;
  for (const letter of text) number = Math.imul(number ^ letter.codePointAt(0), 0x9e3779b1) ^ (number >>> 15);
  return number;
}

const kindOf = (one) => (one.choices.length ? "choice" : Array.isArray(one.answer) ? "grid" : "number");

/**
 * For each kind of question, its controls, {nodes, read, fill}: read() gives the answer, and null while there is
 * none; fill(answer) gives it in the reader's place. `check` judges it, say(sentence) answers, end() follows the last cell.
 */
const CONTROLS = {
  number(one, check, say) {
    const { input, sign } = answerField("Your answer", { size: 8, input: () => say(""), keydown: onEnter(check) });
    // A question that asks for percent is answered with or without the sign.
    return { nodes: [input, sign], read: () => (/percent/.test(one.text) ? input.value.replace("%", "") : input.value),
      fill: (answer) => (input.value = format(answer, Math.max(one.decimals, 4))) };
  },
  choice(one, check, say) {
    const name = `choice-${Math.random()}`; // radio buttons of one question belong together
    const choices = [...one.choices].sort((a, b) => mixed(one.text + a) - mixed(one.text + b)); // alike at every visit
    const radios = choices.map((choice) => h("input", { type: "radio", name, value: choice, change: () => say(""), keydown: onEnter(check) }));
    return { nodes: radios.map((radio, i) => h("label", { class: "choice" }, radio, h("span", {}, ...prose(choices[i])))),
      read: () => radios.find((radio) => radio.checked)?.value ?? null,
      fill: (answer) => (radios.find((radio) => radio.value === answer).checked = true) };
  },
  grid(one, check, say, end) {
    let filled = one.answer.map((row) => row.map(() => null));
    const cells = grid({ label: "Your answer", tone: "signed", onerror: say, onend: end, onedit: (i, j, value) => {
      filled = filled.map((row, r) => row.map((old, c) => (r === i && c === j ? value : old)));
      show();
    } });
    // So many decimals that what is right looks different from what is wrong.
    const show = () => cells.update(filled, { cell: (i, j) => ({ text: filled[i][j] === null ? "" : format(filled[i][j], one.decimals + 2) }) });
    show();
    return { nodes: [cells.element], read: () => (filled.flat().includes(null) ? null : filled), fill(answer) {
      filled = answer;
      show();
    } };
  },
};

/** Where a grid is wrong first. */
function look(given, { answer: right, decimals }) {
  const wrong = given.flatMap((row, i) => row.map((value, j) => [value, i, j]))
    .filter(([value, i, j]) => !close(value, right[i][j], decimals));
  const [[value, i, j] = []] = wrong, count = given.flat().length;
  return wrong.length && `${count - wrong.length} of ${count} are right. Look again at row ${i}, column ${j}: it is not ${format(value, decimals + 2)}.`;
}

/** Each kind of answer, judged: {right}, {sentence} of the mistake behind it, {note} on one that is not listed, or {missing}. */
const JUDGES = {
  number(given, one) {
    const numbers = readings(given);
    if (!numbers.length) return { missing: given.trim() ? misread(given) : "Type a number, such as 3, -1 or 1/9." };
    const turned = numbers.some((number) => close(-number, one.answer, one.decimals));
    return { note: turned ? "The size is right, the sign is not." : "Not that.", ...judge(numbers, one.answer, one.mistakes, one) };
  },
  choice: (given, one) => (given === null ? { missing: "Choose one first." }
    : { right: given === one.answer, note: "Not that.", sentence: one.mistakes.find(([wrong]) => wrong === given)?.[1] }),
  grid(given, one) {
    if (given === null) return { missing: "Fill every cell first." };
    const led = one.mistakes.filter(([wrong]) => fits(given, wrong, one.decimals)).map(([, sentence]) => sentence);
    return { right: fits(given, one.answer, one.decimals), note: look(given, one), sentence: [...new Set(led)].join(" Or: ") };
  },
};

/** What to say to a wrong answer that is not listed: what it shows, and the next of the steps before the last, which ends at the answer. */
function hint({ steps }, note, count) {
  const next = steps.slice(0, -1)[Math.min(count, steps.length - 1) - 1];
  return `${note} ${signed(next ?? "Try once more.")}`;
}

/** What is said of an answer: right or wrong, and the way to the right one once it is found or shown. */
function createVerdict() {
  const verdict = h("p", { class: "verdict", role: "status" }), worked = h("p", { class: "worked", "aria-live": "polite" });
  return { nodes: [verdict, worked], say(sentence, mood = "", steps = []) {
    verdict.replaceChildren(...prose(sentence));
    verdict.className = `verdict ${mood}`;
    worked.replaceChildren(...prose(signed(steps.join(" "))));
  } };
}

function build({ get, set }) {
  const question = () => get("questions")[get("current") % get("questions").length];
  const text = h("p", { class: "question" }), answers = h("div", { class: "answers" });
  const { nodes, say } = createVerdict();
  const another = button("Another one", () => set({ current: (get("current") + 1) % get("questions").length, solved: false }));
  another.hidden = get("questions").length === 1;
  const [checking, showing] = [button("Check", check), button("Show me", show)];
  let drawn = null, controls = null, wrong = 0, unlisted = 0;

  function check() {
    const one = question(), { missing, right, sentence, note } = JUDGES[kindOf(one)](controls.read(), one);
    if (missing) return say(missing);
    if (right) say("Right.", "right", one.steps);
    else {
      if (!sentence) unlisted += 1;
      say(sentence || hint(one, note, unlisted), "wrong");
      wrong += 1;
      showing.hidden = wrong < 2;
    }
    set({ solved: right });
  }
  function show() {
    const one = question(), kind = kindOf(one);
    controls.fill(one.answer);
    say(kind === "number" ? `It is ${format(one.answer, Math.max(one.decimals, 4))}.` : "This is right:", "", one.steps);
  }
  function update({ one }) {
    if (one === drawn) return;
    drawn = one;
    wrong = unlisted = 0;
    showing.hidden = true;
    text.replaceChildren(...prose(one.text));
    controls = CONTROLS[kindOf(one)](one, check, say, () => checking.focus());
    answers.replaceChildren(...controls.nodes);
    say("");
  }
  return {
    state: () => ({ one: question() }),
    parts: [{ element: text, update }, answers, group({ class: "controls" }, checking, showing, another), ...nodes],
  };
}

export default frame({ mark: "check", label: "Check", build });
