/* One film after another: fetch the slot, show its film, wait for the rating, store it, go on. */

import { FilmDamaged, Server, SessionEnded } from "./server.js";
import { STEPS, Viewer } from "./viewer.js";

const room = document.querySelector(".room");
const canvas = document.getElementById("film");
const form = document.getElementById("answer");
const scale = document.getElementById("scale");
const confirm = document.getElementById("confirm");
const help = document.getElementById("help");
const singleKeys = document.getElementById("single-keys");
const said = JSON.parse(document.getElementById("said").textContent);
const PAUSE_AFTER_MISSING_FILM = 1000;

// Nothing fails in silence.
addEventListener("error", (event) => tellFailure(event.error));
addEventListener("unhandledrejection", (event) => tellFailure(event.reason));

const viewer = new Viewer(canvas, tellView);
const server = new Server(room.dataset, form.elements.csrfmiddlewaretoken.value, tellWaiting);

async function readAll() {
  await server.sendKept();
  let slot = await server.slot();
  while (!slot.done) slot = await readOne(slot);
  location.replace(room.dataset.start);
}

async function readOne(slot) {
  const name = fill(slot.practice ? said.practice : said.film, slot);
  tell("progress", name);
  viewer.clear();
  tell("status", said.loading);
  const pixels = await server.film(slot);
  if (!pixels) {
    // Rated in another tab, or withdrawn meanwhile.
    await new Promise((settle) => setTimeout(settle, PAUSE_AFTER_MISSING_FILM));
    return server.slot();
  }
  await viewer.show({ pixels, side: slot.side, levels: slot.levels });
  const drawn = performance.now();
  canvas.setAttribute("aria-label", name);
  tell("status", fill(said.ready, { film: name }));
  server.fetchAhead(slot);
  const rating = await ratingOfReader();
  tell("status", said.sending);
  const milliseconds = Math.round(performance.now() - drawn);
  const { next, error } = await server.answer({ code: slot.code, rating, milliseconds });
  const practiceIsOver = slot.practice && next.practice === false;
  tell("notice", error ?? (practiceIsOver ? said.counts : ""));
  return next;
}

/* Takes the rating once the reader has confirmed it. */
let confirmed;

/* Opens the form for one rating. */
function ratingOfReader() {
  form.reset();
  scale.disabled = false;
  if (!help.open) canvas.focus({ preventScroll: true });
  return new Promise((settle) => (confirmed = settle));
}

// From the first moment: a form that submits itself would write its fields into the address.
form.addEventListener("submit", (event) => {
  event.preventDefault();
  // No film yet, or the confirmation after the first.
  if (scale.disabled) return;
  const rating = Number(form.elements.rating.value);
  if (!rating) return tell("status", said.unrated);
  scale.disabled = confirm.disabled = true;
  confirmed(rating);
});

form.addEventListener("change", () => {
  confirm.disabled = false;
  tell("notice", "");
  const words = form.querySelector(":checked + .anchor .words").textContent;
  tell("status", fill(said.selected, { rating: words }));
});

function select(rating) {
  if (scale.disabled) return;
  const radio = form.querySelector(`[name=rating][value="${rating}"]`);
  if (!radio.checked) radio.click();
}

// Keys and buttons

const COMMANDS = {
  reset: () => viewer.reset(),
  fit: () => viewer.fit(),
  oneToOne: () => viewer.oneToOne(),
  invert: () => viewer.invert(),
  help: () => help.showModal(),
};
const SINGLE_KEYS = {
  i: COMMANDS.invert,
  h: () => viewer.flipLeftRight(),
  v: () => viewer.flipTopBottom(),
  r: () => viewer.rotateRight(),
  l: () => viewer.rotateLeft(),
  o: COMMANDS.oneToOne,
  "=": COMMANDS.fit,
  "+": () => viewer.zoomIn(),
  "-": () => viewer.zoomOut(),
  "?": COMMANDS.help,
};
const ARROWS = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

document.addEventListener("keydown", (event) => {
  if (help.open || event.altKey || event.metaKey) return;
  if (event.ctrlKey ? moveBy(event) : actOn(event)) event.preventDefault();
});

function moveBy({ key, target }) {
  if (!(key in ARROWS && isOnFilm(target))) return false;
  const [right, up] = ARROWS[key];
  viewer.move(right, -up);
  return true;
}

function actOn(event) {
  const { key, target, repeat, shiftKey } = event;
  const onFilm = isOnFilm(target);
  if (key === "Enter") return repeat || (onFilm && (form.requestSubmit(), true));
  if (key === " " && target === canvas) return viewer.reset(), true;
  if (key in ARROWS && onFilm) return windowBy(ARROWS[key], shiftKey), true;
  if (!singleKeys.checked) return false;
  const command = SINGLE_KEYS[key.toLowerCase()];
  if (command) return command(), true;
  const digit = /^[1-6]$/.exec(key)?.[0] ?? /^Digit([1-6])$/.exec(event.code)?.[1];
  if (digit && !repeat) return select(digit), true;
  return false;
}

function isOnFilm(target) {
  return target === canvas || target === document.body;
}

function windowBy([wider, brighter], coarse) {
  const step = coarse ? STEPS.COARSE : STEPS.FINE;
  viewer.window(wider * step, brighter * step);
}

for (const button of document.querySelectorAll("[data-command]")) {
  button.addEventListener("click", ({ detail: byMouse }) => {
    // Enter is to confirm a rating and not to press this button once more.
    if (byMouse) canvas.focus({ preventScroll: true });
    COMMANDS[button.dataset.command]();
  });
}

// Who dictates or rests a hand on the keys can switch single keys off, in this browser for good.
singleKeys.checked = localStorage.getItem("readerstudy.single-keys") !== "off";
singleKeys.addEventListener("change", () => {
  localStorage.setItem("readerstudy.single-keys", singleKeys.checked ? "on" : "off");
});

// Words

function tell(id, words) {
  const place = document.getElementById(id);
  place.textContent = words;
  place.classList.toggle("urgent", words === said.waiting);
}

function fill(words, values) {
  return words.replace(/{(\w+)}/g, (_, name) => values[name]);
}

function tellView(seen) {
  tell("view", seen ? fill(said.view, seen) : "");
  const flags = [seen?.turned && said.turned, seen?.inverted && said.inverted].filter(Boolean);
  tell("turned", flags.join(", "));
}

function tellWaiting() {
  // A film that is fetched ahead disturbs nobody.
  if (scale.disabled) tell("status", said.waiting);
}

function tellFailure(error) {
  tell("notice", fill(said.failed, { error: error?.message }));
}

// A page brought back by the back button has an old slot in it.
addEventListener("pageshow", (event) => event.persisted && location.reload());

readAll().catch((error) => {
  const ended = error instanceof SessionEnded;
  if (!ended && !(error instanceof FilmDamaged)) throw error;
  tell("status", "");
  tell("notice", ended ? said.ended : error.message);
});
