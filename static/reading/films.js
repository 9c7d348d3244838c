/* The films of a slot on their light boxes: one, or two side by side that are seen alike. */

import { linkViewers, Viewer } from "./viewer.js";
import { fill, said, tell } from "./words.js";

export class Films {
  constructor(boxes) {
    this.seen = boxes.map(() => null);
    this.viewers = boxes.map((box, index) => {
      return new Viewer(box.querySelector("canvas"), (seen) => this.#tell(box, index, seen));
    });
    if (boxes.length === 2) linkViewers(...this.viewers);
    this.code = null;
  }

  /* Show a slot's films, of which `pixels` has as many as there are boxes; settles when all are on the screen. */
  async show({ code, side, levels }, pixels, name) {
    this.code = code;
    this.viewers.forEach(({ canvas }) => canvas.setAttribute("aria-label", fill(canvas.dataset.name, { film: name })));
    await Promise.all(this.viewers.map((viewer, index) => viewer.show({ pixels: pixels[index], side, levels })));
  }

  clear() {
    this.code = null;
    for (const viewer of this.viewers) viewer.clear();
  }

  /* Whether all of them are on the screen: only then can they be judged. */
  get shown() {
    return this.viewers.every((viewer) => viewer.shown);
  }

  /* How often hands changed {window, zoom, pan}. */
  get uses() {
    const sum = (use) => this.viewers.reduce((total, viewer) => total + viewer.uses[use], 0);
    return { window: sum("window"), zoom: sum("zoom"), pan: sum("pan") };
  }

  /* The viewer that keys are meant for. */
  viewerAt(target) {
    return this.viewers.find(({ canvas }) => canvas === target) ?? this.viewers[0];
  }

  focus() {
    this.viewers[0].canvas.focus({ preventScroll: true });
  }

  #tell(box, index, seen) {
    const flags = [seen?.turned && said.turned, seen?.inverted && said.inverted].filter(Boolean);
    box.querySelector(".flag").textContent = flags.join(", ");
    this.seen[index] = seen;
    const values = this.seen.filter(Boolean).map((one) => fill(said.view, one) + (one.plain ? said.plain : ""));
    // Of two films each has its own range of greys.
    tell("view", [...new Set(values)].join(" · "));
  }
}
