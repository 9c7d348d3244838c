/* A page of films: the arrows move from film to film, and keys say what the one with the focus is. */

import { listen } from "../reading/keys.js";
import { Verdict } from "./verdict.js";

const cards = [...document.querySelectorAll(".film")];
const verdicts = new Map(cards.map((card) => [card, new Verdict(card.querySelector("form"))]));
const films = cards.map((card) => card.querySelector("a"));
// After the last film comes the way to the next ones.
const stops = [...films, ...document.querySelectorAll(".pages [rel=next]")];

listen((target) => [...verdictCommands(target), ...wayCommands(target)], () => standing().focus());

for (const card of cards) {
  card.addEventListener("focusin", () => stand(filmOf(card)));
  // After the mouse the arrows are to move on, and not to choose something else.
  card.addEventListener("click", ({ detail: byMouse, target }) => byMouse && target.matches("input, button") && filmOf(card).focus());
}
// Back from an enlarged film the browser has given it the focus, by its name in the address.
stand(films.find((film) => film === document.activeElement) ?? films[0]);

function verdictCommands(target) {
  const card = target.closest(".film");
  if (!card) return [];
  const leave = { key: "Escape", when: () => target !== filmOf(card), run: () => filmOf(card).focus() };
  return [...verdicts.get(card).commands(), leave];
}

function wayCommands(target) {
  const columns = films.filter((film) => film.offsetTop === films[0].offsetTop).length;
  const from = stops.indexOf(target.closest(".film")?.querySelector("a") ?? target);
  // From anywhere else the first arrow leads to where one was.
  const by = (step) => () => (from < 0 ? standing() : (stops[from + step] ?? (step > 0 ? stops.at(-1) : stops[from]))).focus();
  const ways = {
    ArrowRight: by(1),
    ArrowLeft: by(-1),
    ArrowDown: by(columns),
    ArrowUp: by(-columns),
    Home: () => films[0].focus(),
    End: () => films.at(-1).focus(),
  };
  // Among options arrows choose.
  const when = () => !target.matches("input");
  return Object.entries(ways).map(([key, run]) => ({ key, run, when, repeats: true }));
}

/* Of all films one can be reached by Tab. */
function stand(film) {
  for (const other of films) other.tabIndex = other === film ? 0 : -1;
}

function standing() {
  return films.find(({ tabIndex }) => tabIndex === 0);
}

function filmOf(card) {
  return card.querySelector("a");
}
