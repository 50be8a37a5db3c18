// A question in the page that answers back: right, or which mistake was made.
import { answerField, button, format, h, misread, onEnter, readings } from "./shared/view/dom.js";
import { frame, group } from "./shared/view/frame.js";
import { grid } from "./shared/view/grid.js";
import { close, judge } from "./shared/view/judge.js";

/** Whether all numbers of a grid are those of another. */
const fits = (given, answer, decimals) => given.every((row, i) => row.every((value, j) => close(value, answer[i][j], decimals)));

/** Text with `code` in it. */
const prose = (text) => text.split("`").map((part, i) => (i % 2 ? h("code", {}, part) : part));

/** A number made of a text, to put choices in an order that has nothing to do with which is right. */
function mixed(text) {
  let number = 0;
  for (const letter of text) number = Math.imul(number ^ letter.codePointAt(0), 0x9e3779b1) ^ (number >>> 15);
  return number;
}

const kindOf = (one) => (one.choices.length ? "choice" : Array.isArray(one.answer) ? "grid" : "number");

/**
 * For each kind of question, its controls, {nodes, read}: read() gives the answer, and null while there is none.
 * `check` judges it, say(sentence) answers.
 */
const CONTROLS = {
  number(one, check, say) {
    const { input, sign } = answerField("Your answer", { size: 8, input: () => say(""), keydown: onEnter(check) });
    // A question that asks for percent is answered with or without the sign.
    return { nodes: [input, sign], read: () => (/percent/.test(one.text) ? input.value.replace("%", "") : input.value) };
  },
  choice(one, check, say) {
    const name = `choice-${Math.random()}`; // radio buttons of one question belong together
    const choices = [...one.choices].sort((a, b) => mixed(one.text + a) - mixed(one.text + b)); // alike at every visit
    const radios = choices.map((choice) => h("input", { type: "radio", name, value: choice, change: () => say(""), keydown: onEnter(check) }));
    return { nodes: radios.map((radio, i) => h("label", { class: "choice" }, radio, h("span", {}, ...prose(choices[i])))),
      read: () => radios.find((radio) => radio.checked)?.value ?? null };
  },
  grid(one, check, say) {
    let filled = one.answer.map((row) => row.map(() => null));
    const cells = grid({ label: "Your answer", tone: "signed", onerror: say, onedit: (i, j, value) => {
      filled = filled.map((row, r) => row.map((old, c) => (r === i && c === j ? value : old)));
      show();
    } });
    // So many decimals that what is right looks different from what is wrong.
    const show = () => cells.update(filled, { cell: (i, j) => ({ text: filled[i][j] === null ? "" : format(filled[i][j], one.decimals + 2) }) });
    show();
    return { nodes: [cells.element], read: () => (filled.flat().includes(null) ? null : filled) };
  },
};

/** Where a grid is wrong first. */
function look(given, { answer: right, decimals }) {
  const wrong = given.flatMap((row, i) => row.map((value, j) => [value, i, j]))
    .filter(([value, i, j]) => !close(value, right[i][j], decimals));
  const [[value, i, j] = []] = wrong, count = given.flat().length;
  return wrong.length && `${count - wrong.length} of ${count} are right. Look again at row ${i}, column ${j}: it is not ${format(value, decimals + 2)}.`;
}

/** Each kind of answer, judged: {right}, {sentence} of the mistake behind it, or {missing}. */
const JUDGES = {
  number: (given, one) => (readings(given).length ? judge(readings(given), one.answer, one.mistakes, one)
    : { missing: given.trim() ? misread(given) : "Type a number, such as 3, -1 or 1/9." }),
  choice: (given, one) => (given === null ? { missing: "Choose one first." }
    : { right: given === one.answer, sentence: one.mistakes.find(([wrong]) => wrong === given)?.[1] }),
  grid(given, one) {
    if (given === null) return { missing: "Fill every cell first." };
    const led = one.mistakes.filter(([wrong]) => fits(given, wrong, one.decimals)).map(([, sentence]) => sentence);
    return { right: fits(given, one.answer, one.decimals), sentence: [...new Set(led)].join(" Or: ") || look(given, one) };
  },
};

function build({ get, set }) {
  const question = () => get("questions")[get("current") % get("questions").length];
  const text = h("p", { class: "question" }), answers = h("div", { class: "answers" });
  const verdict = h("p", { class: "verdict", role: "status" });
  const another = button("Another one", () => set({ current: (get("current") + 1) % get("questions").length, solved: false }));
  another.hidden = get("questions").length === 1;
  let drawn = null, read = () => null;

  const say = (sentence, mood = "") => {
    verdict.replaceChildren(...prose(sentence));
    verdict.className = `verdict ${mood}`;
  };
  function check() {
    const one = question(), { missing, right, sentence } = JUDGES[kindOf(one)](read(), one);
    if (missing) return say(missing);
    if (right) say("Right.", "right");
    else say(sentence ?? "Not that. Try once more.", "wrong");
    set({ solved: right });
  }
  function update({ one }) {
    if (one === drawn) return;
    drawn = one;
    text.replaceChildren(...prose(one.text));
    const controls = CONTROLS[kindOf(one)](one, check, say);
    read = controls.read;
    answers.replaceChildren(...controls.nodes);
    say("");
  }
  return {
    state: () => ({ one: question() }),
    parts: [{ element: text, update }, answers, group({ class: "controls" }, button("Check", check), another), verdict],
  };
}

export default frame({ mark: "check", label: "Check", build });
