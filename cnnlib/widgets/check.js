// A question in the page that answers back: right, or which mistake was made.
import { format, h, mount, parse, sameNumber, setter } from "./shared/dom.js";
import { grid } from "./shared/grid.js";

const same = (a, b) =>
  Array.isArray(a) ? a.every((part, i) => same(part, b[i])) : typeof a === "number" ? sameNumber(a, b) : a === b;

/** Text with `code` in it. */
const prose = (text) => text.split("`").map((part, i) => (i % 2 ? h("code", {}, part) : part));

/** A number made of a text, to put choices in an order that has nothing to do with which is right. */
function mixed(text) {
  let number = 0;
  for (const letter of text) number = Math.imul(number ^ letter.codePointAt(0), 0x9e3779b1) ^ (number >>> 15);
  return number;
}

function render({ model, el }) {
  const get = (name) => model.get(name);
  const set = setter(model);
  const question = () => get("questions")[get("current") % get("questions").length];
  let drawn = null, answer = () => null;

  const text = h("p", { class: "question" });
  const answers = h("div", { class: "answers" });
  const verdict = h("p", { class: "verdict", role: "status" });
  const another = h("button", { type: "button", click: () => set({ current: (get("current") + 1) % get("questions").length, solved: false }) }, "Another one");
  const form = h("form", { submit: check }, text, answers, h("div", { class: "controls" }, h("button", {}, "Check"), another), verdict);
  const say = (sentence, mood = "") => {
    verdict.replaceChildren(...prose(sentence));
    verdict.className = `verdict ${mood}`;
  };

  /** Each kind of question puts its controls in the page and returns what reads them: null is no answer yet. */
  const kinds = {
    number() {
      const input = h("input", { type: "text", inputmode: "decimal", autocomplete: "off", size: 8, "aria-label": "Your answer", input: () => say("") });
      const minus = h("button", { type: "button", "aria-label": "Change the sign", click: () => {
        input.value = /^[-−]/.test(input.value) ? input.value.slice(1) : `-${input.value}`;
        input.focus();
        say("");
      } }, "±");
      answers.replaceChildren(input, minus);
      return () => (Number.isNaN(parse(input.value)) ? null : parse(input.value));
    },
    choice(one) {
      const name = `choice-${Math.random()}`; // radio buttons of one question belong together
      const choices = [...one.choices].sort((a, b) => mixed(one.text + a) - mixed(one.text + b)); // alike at every visit
      const radios = choices.map((choice) => h("input", { type: "radio", name, value: choice, change: () => say("") }));
      answers.replaceChildren(...radios.map((radio, i) => h("label", { class: "choice" }, radio, h("span", {}, ...prose(choices[i])))));
      return () => radios.find((radio) => radio.checked)?.value ?? null;
    },
    grid(one) {
      let filled = one.answer.map((row) => row.map(() => null));
      const cells = grid({ label: "Your answer", tone: "signed", onerror: say, onedit: (i, j, value) => {
        filled = filled.map((row, r) => row.map((old, c) => (r === i && c === j ? value : old)));
        cells.update(filled);
      } });
      cells.update(filled);
      answers.replaceChildren(cells.element);
      return () => (filled.flat().includes(null) ? null : filled);
    },
  };
  const kindOf = (one) => (one.choices.length ? "choice" : Array.isArray(one.answer) ? "grid" : "number");
  const missing = { number: "Type a number, such as 3, -1 or 1/9.", choice: "Choose one first.", grid: "Fill every cell first." };

  function check(event) {
    event.preventDefault();
    const one = question(), given = answer();
    if (given === null) return say(missing[kindOf(one)]);
    const right = same(given, one.answer);
    const mistake = one.mistakes.find(([wrong]) => same(given, wrong));
    if (right) say("Right.", "right");
    else if (mistake) say(mistake[1], "wrong");
    else if (kindOf(one) === "grid") {
      const wrong = given.flatMap((row, i) => row.map((value, j) => [value, i, j])).filter(([value, i, j]) => !same(value, one.answer[i][j]));
      const [[value, i, j]] = wrong;
      say(`${given.flat().length - wrong.length} of ${given.flat().length} are right. Look again at row ${i}, column ${j}: it is not ${format(value)}.`, "wrong");
    } else say("Not that. Try once more.", "wrong");
    set({ solved: right });
  }

  function draw() {
    const one = question();
    if (one === drawn) return;
    drawn = one;
    text.replaceChildren(...prose(one.text));
    answer = kinds[kindOf(one)](one);
    say("");
    another.hidden = get("questions").length === 1;
  }

  const root = h("div", { class: "cnn-widget check", role: "group", "aria-label": "Check" }, form);
  return mount(el, root, model, draw);
}

export default { render };
