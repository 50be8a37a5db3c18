// Play, step, scrub, speed: the bar under every animation.
import { h, select } from "./dom.js";

const icon = (path) => {
  const span = h("span", { class: "icon", "aria-hidden": "true" });
  span.innerHTML = `<svg viewBox="0 0 24 24" width="20" height="20" fill="currentColor"><path d="${path}"/></svg>`;
  return span;
};
const PLAY = "M7 4v16l13-8z";
const PAUSE = "M6 4h4v16H6zM14 4h4v16h-4z";
const BACK = "M17 5v14L7 12zM5 5h2v14H5z";
const FORWARD = "M7 5v14l10-7zM17 5h2v14h-2z";
const START = "M19 5v14l-8-7zM11 5v14l-8-7z";

const SECONDS_PER_STEP = 1;

/**
 * `onmove(position)` is called for every move by the reader or the clock;
 * the owner answers with `update(position, count, text)`.
 */
export function player({ label, onmove }) {
  let position = 0, count = 1, timer = null, speed = 1;

  const button = (name, path, click) =>
    h("button", { type: "button", "aria-label": name, title: name, click }, icon(path));
  const moveTo = (next) => onmove(Math.min(Math.max(next, 0), count - 1));
  const stepTo = (next) => {
    pause();
    moveTo(next);
  };

  const playButton = button("Play", PLAY, () => (timer ? pause() : play()));
  const range = h("input", { type: "range", min: 0, step: 1, "aria-label": label, input: () => stepTo(Number(range.value)) });
  const where = h("span", { class: "where", translate: "no" });
  const speeds = select([[0.5, "0.5×"], [1, "1×"], [2, "2×"], [4, "4×"]], (value) => {
    speed = Number(value);
    element.style.setProperty("--step", `${SECONDS_PER_STEP / speed}s`);
    if (timer) play();
  });
  speeds.value = "1";
  speeds.setAttribute("aria-label", "Speed");
  const element = h("div", { class: "player", role: "group", "aria-label": "Animation" },
    button("To the start", START, () => stepTo(0)),
    button("Step back", BACK, () => stepTo(position - 1)),
    playButton,
    button("Step forward", FORWARD, () => stepTo(position + 1)),
    range, where, speeds);

  function show(playing) {
    playButton.replaceChildren(icon(playing ? PAUSE : PLAY));
    playButton.setAttribute("aria-label", playing ? "Pause" : "Play");
    playButton.title = playing ? "Pause" : "Play";
  }
  function play() {
    clearInterval(timer);
    const tick = () => (position === count - 1 ? pause() : moveTo(position + 1));
    timer = setInterval(tick, (SECONDS_PER_STEP * 1000) / speed);
    show(true);
    moveTo(position === count - 1 ? 0 : position + 1);
  }
  function pause() {
    clearInterval(timer);
    timer = null;
    show(false);
  }

  return {
    element,
    pause,
    get playing() {
      return timer !== null;
    },
    toggle: () => (timer ? pause() : play()),
    update(newPosition, newCount, text) {
      [position, count] = [newPosition, newCount];
      range.max = count - 1;
      range.value = position;
      range.setAttribute("aria-valuetext", text);
      where.textContent = `${position + 1} / ${count}`;
    },
  };
}

/** Space plays and pauses wherever the focus is, unless the focused element uses it itself. */
export function spacePlays(root, bar) {
  root.addEventListener("keydown", (event) => {
    if (event.key !== " " || event.target.closest("button, input:not([type=range]), select, summary")) return;
    event.preventDefault();
    bar.toggle();
  });
}
