/* One film on the reading room's light box, with the verdict beside it. */

import { commandsOf } from "../reading/commands.js";
import { Films } from "../reading/films.js";
import { listen } from "../reading/keys.js";
import { fill, said, tell } from "../reading/words.js";
import { Verdict } from "./verdict.js";

const main = document.querySelector("main");
const films = new Films([...main.querySelectorAll(".light-box")]);
const verdict = new Verdict(main.querySelector(".verdict"));

listen((target) => [...verdict.commands(), ...viewerCommands(target), ...WAYS], () => films.focus());

// The i is taken.
function viewerCommands(target) {
  return commandsOf(films.viewerAt(target)).map((command) => (command.name === "invert" ? { ...command, key: "n" } : command));
}

const WAYS = [
  ["PageDown", "next"],
  ["PageUp", "prev"],
  ["Escape", "up"],
].map(([key, rel]) => {
  const way = main.querySelector(`[rel=${rel}]`);
  return { key, when: () => Boolean(way), run: () => way.click() };
});

async function show() {
  const { pixels, side, levels, film } = main.dataset;
  const response = await fetch(pixels);
  if (!response.ok || response.redirected) throw new Error(response.statusText);
  const greys = new Uint16Array(await response.arrayBuffer());
  await films.show({ code: pixels, side: Number(side), levels: Number(levels) }, [greys], film);
}

films.focus();
show().catch(({ message }) => tell("notice", fill(said.failed, { error: message })));
