/* Keys and buttons: what a key means where the focus is, the list of keys, and the switches in it. */

import { obey } from "./commands.js";
import { offerLeftDrag } from "./mouse.js";

const SINGLE_KEYS = "readerstudy.single-keys";
const CHOICES = "[type=radio], [type=checkbox]";
const TEXTS = `textarea, input:not(${CHOICES})`;
const help = document.getElementById("help");
const singleKeys = document.getElementById("single-keys");

// Who dictates or rests a hand on the keys can switch single keys off, in this browser for good.
singleKeys.checked = localStorage.getItem(SINGLE_KEYS) !== "off";
singleKeys.addEventListener("change", () => localStorage.setItem(SINGLE_KEYS, singleKeys.checked ? "on" : "off"));
offerLeftDrag(document.getElementById("left-drag-pans"), help);

// Closed by a key inside it, it would keep the focus until the next frame, and the next key with it.
help.addEventListener("close", () => help.contains(document.activeElement) && document.activeElement.blur());

export const helpIsOpen = () => help.open;

/* Do what keys and buttons ask for. `commandsAt(target)` gives {name, key, at, when, run} and the like, see commands.js. */
export function listen(commandsAt, focusFilm) {
  const all = (target) => [...commandsAt(target).map(completed), HELP];

  document.addEventListener("keydown", (event) => {
    if (help.open) return;
    const isTyping = event.target.matches(TEXTS);
    // Held down it would confirm the next film as well, or press a button again and again.
    if (event.key === "Enter" && event.repeat && !isTyping) return event.preventDefault();
    const commands = all(event.target).filter(({ key }) => !isTyping || key === "Control+Enter");
    if (obey(event, commands, singleKeys.checked)) event.preventDefault();
  });

  for (const button of document.querySelectorAll("[data-command]")) {
    const names = button.dataset.command.split(" ");
    button.addEventListener("click", ({ detail: byMouse }) => {
      // Enter is to confirm an answer and not to press this button once more.
      if (byMouse) focusFilm();
      all(button).find(({ name, when }) => names.includes(name) && when())?.run();
    });
  }
}

const PLACES = {
  page: (target) => target === document.body || target.matches("canvas"),
  choice: (target) => target.matches(CHOICES),
};

function completed({ at, ...command }) {
  return { reaches: PLACES[at] ?? (() => true), repeats: false, ...command };
}

const HELP = completed({ name: "help", key: "?", when: () => true, run: openHelp });

/* From its first line on, though the button that has the focus is the last. */
function openHelp() {
  help.showModal();
  help.scrollTop = 0;
}
