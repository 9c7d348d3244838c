/* Circles that a reader draws on a film, over it and never in it. Light on dark lines, to be seen on black and white.
 *
 * Places and radii are shares of the film's side, from its upper left corner as it is upright. */

import { add, clamp, distance, scaled, turnedBack } from "./geometry.js";

const USUAL_RADIUS = 0.04;
const STEPS = { fine: 1 / 64, coarse: 1 / 8 };
/* Half of the cross, in pixels of the page. */
const ARM = 12;

export class Marks {
  constructor(viewer, onChange) {
    this.viewer = viewer;
    this.onChange = onChange;
    this.svg = element("svg", { class: "marks", "aria-hidden": "true" });
    viewer.canvas.parentElement.append(this.svg);
    this.forget();
  }

  /* For another film. */
  forget() {
    this.sketched = null;
    this.cross = null;
  }

  remove() {
    this.svg.remove();
  }

  // By hand, in places of the canvas

  /* A circle as it grows, from its middle to its edge. */
  sketch(middle, edge) {
    const { view } = this.viewer;
    this.sketched = view && circleAt(view.onFilm(middle), distance(view.onFilm(middle), view.onFilm(edge)));
    this.draw();
  }

  keepSketch() {
    this.#add(this.sketched);
    this.dropSketch();
  }

  dropSketch() {
    this.sketched = null;
    this.draw();
  }

  /* A circle of the usual size. */
  addAt(place) {
    const { view } = this.viewer;
    if (view) this.#add(circleAt(view.onFilm(place), USUAL_RADIUS));
  }

  // By keys

  /* Move the cross, in directions of the screen. */
  moveCross(right, down, size) {
    const { view } = this.viewer;
    if (!view) return;
    const step = scaled(turnedBack(view.turn, [right, down]), STEPS[size]);
    this.cross = onFilmOnly(add(this.cross ?? middleOf(view), step));
    this.draw();
  }

  addAtCross() {
    const { view } = this.viewer;
    if (view) this.#add(circleAt(this.cross ?? middleOf(view), USUAL_RADIUS));
  }

  undo() {
    if (this.viewer.regions.length) this.#change(this.viewer.regions.slice(0, -1));
  }

  #add(circle) {
    if (circle) this.#change([...this.viewer.regions, circle]);
  }

  #change(regions) {
    this.viewer.regions = regions;
    this.draw();
    this.onChange(regions);
  }

  draw() {
    const { view, canvas, regions } = this.viewer;
    this.svg.setAttribute("viewBox", `0 0 ${canvas.width} ${canvas.height}`);
    const drawn = view ? [...regions, this.sketched].filter(Boolean).map((circle) => circleOn(view, circle)) : [];
    if (view && this.cross) drawn.push(crossOn(view, this.cross, ARM * this.viewer.density()));
    this.svg.replaceChildren(...drawn);
  }
}

/* To a ten-thousandth; none where its middle lies beside the film. */
function circleAt([x, y], radius) {
  if (Math.min(x, y) < 0 || Math.max(x, y) > 1) return null;
  const rounded = (share) => Math.round(1e4 * share) / 1e4;
  return { x: rounded(x), y: rounded(y), radius: rounded(Math.min(radius, 1)) };
}

function middleOf(view) {
  return onFilmOnly(view.onFilm(view.middle()));
}

function onFilmOnly(shares) {
  return shares.map((share) => clamp(share, 0, 1));
}

function circleOn(view, { x, y, radius }) {
  const [cx, cy] = view.onCanvas([x, y]);
  return twice("circle", { cx, cy, r: radius * view.film.side * view.scale });
}

function crossOn(view, shares, arm) {
  const [x, y] = view.onCanvas(shares);
  return twice("path", { d: `M ${x - arm} ${y} h ${2 * arm} M ${x} ${y - arm} v ${2 * arm}` });
}

/* The same line, dark and wide below, light and narrow above. */
function twice(name, attributes) {
  const group = element("g", {});
  group.append(element(name, { ...attributes, class: "dark" }), element(name, { ...attributes, class: "light" }));
  return group;
}

function element(name, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
  return made;
}
