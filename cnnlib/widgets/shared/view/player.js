// Play, step, scrub, speed: the bar under every animation.
import { h, icon, iconButton, scrollerOf, select } from "./dom.js";

const PLAY = "M7 4v16l13-8z";
const PAUSE = "M6 4h4v16H6zM14 4h4v16h-4z";
const BACK = "M17 5v14L7 12zM5 5h2v14H5z";
const FORWARD = "M7 5v14l10-7zM17 5h2v14h-2z";
const START = "M19 5v14l-8-7zM11 5v14l-8-7z";

const SECONDS_PER_STEP = 1;
const SPEEDS = [0.5, 1, 2, 4].map((speed) => [speed, `${speed}×`]);

const HEAD = 60; // pixels at the upper edge where a page may have its bar
const LIT = ".number:is(.current, .read, [data-note])";

/** Scrolls until what is lit is in sight, above a panel at the lower edge; where not all fits, the current number. */
function showLit(root) {
  const boxes = (selector) => [...root.querySelectorAll(selector)].map((one) => one.getBoundingClientRect()).filter(({ height }) => height);
  const [low] = [...boxes(".dock").map(({ top }) => top), innerHeight].sort((a, b) => a - b);
  const ends = (all) => [Math.min(...all.map(({ top }) => top)) - 8, Math.max(...all.map(({ bottom }) => bottom)) + 8];
  let [top, bottom] = ends(boxes(LIT));
  if (bottom - top > low - HEAD) [top, bottom] = ends(boxes(".number.current"));
  const by = bottom > low ? bottom - low : Math.min(top - HEAD, 0);
  if (Number.isFinite(by) && by)
    scrollerOf(root).scrollBy({ top: by, behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "instant" : "smooth" });
}

/** A clock that calls tick() every step until it is stopped. */
function clock(tick) {
  let timer = null, speed = 1;
  const stop = () => {
    clearInterval(timer);
    timer = null;
  };
  const start = () => {
    stop();
    timer = setInterval(tick, (SECONDS_PER_STEP * 1000) / speed);
  };
  return { start, stop, get runs() { return timer !== null; }, set speed(value) {
    speed = value;
    if (timer) start();
  } };
}

/**
 * A part that moves through the positions of `now`: {position, count, where}, with `where` in words.
 * onmove(position) is called for every move by the reader or the clock. `saysWhere` is true when the slider has
 * the focus: a screen reader then hears `where` from it.
 */
export function player(own, label, onmove = (position) => own.set({ position })) {
  let position = 0, count = 1, follows = false;
  const time = clock(() => (position === count - 1 ? rest() : moveTo(position + 1)));
  const moveTo = (next) => onmove(Math.min(Math.max(next, 0), count - 1));
  const stepTo = (next) => {
    pause();
    moveTo(next);
  };
  const toggle = () => (time.runs ? rest() : play());

  const playButton = iconButton("Play", PLAY, toggle);
  const range = h("input", { type: "range", min: 0, step: 1, "aria-label": label, input: () => stepTo(Number(range.value)) });
  const place = h("span", { class: "where", translate: "no" });
  const speeds = select(SPEEDS, (value) => {
    element.style.setProperty("--step", `${SECONDS_PER_STEP / value}s`);
    time.speed = Number(value);
  });
  speeds.value = "1";
  speeds.setAttribute("aria-label", "Speed");
  const element = h("div", { class: "player", role: "group", "aria-label": "Animation" },
    iconButton("To the start", START, () => stepTo(0)), iconButton("Step back", BACK, () => stepTo(position - 1)), playButton,
    iconButton("Step forward", FORWARD, () => stepTo(position + 1)), range, place, speeds);

  function show(name, path) {
    playButton.replaceChildren(icon(path));
    playButton.setAttribute("aria-label", name);
    playButton.title = name;
  }
  // A reader who scrolls while it plays reads on elsewhere.
  const leave = () => (follows = false);
  function play() {
    follows = true;
    for (const name of ["wheel", "touchmove"]) addEventListener(name, leave, { passive: true, once: true });
    time.start();
    show("Pause", PAUSE);
    moveTo(position === count - 1 ? 0 : position + 1);
  }
  function pause() {
    time.stop();
    show("Play", PLAY);
  }
  /** Where it has come to is said now. */
  function rest() {
    pause();
    own.draw();
  }
  return { element, pause, toggle, get playing() { return time.runs; }, get saysWhere() { return document.activeElement === range; }, update(now) {
    ({ position, count } = now);
    range.max = count - 1;
    range.value = position;
    range.setAttribute("aria-valuetext", now.where);
    place.textContent = `${position + 1} / ${count}`;
    if (time.runs && follows) showLit(element.closest(".cnn-widget"));
  } };
}
