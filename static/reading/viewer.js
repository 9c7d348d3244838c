/* The light box: one film, how it is seen, and what hands can do with it. Two of them can lie side by side. */

import { drawingOn } from "./drawing.js";
import { handsOn } from "./hands.js";
import { Marks } from "./marks.js";
import { rangeOf, TURNS, View } from "./view.js";

const ZOOM_STEP = 1.25;

export class Viewer {
  /* `onChange` is told what is seen after each drawing, and nothing once the film is taken down: the values of
   * View.seen and `plain`, which is true while the graphics driver fails and the film is drawn without it. */
  constructor(canvas, onChange) {
    this.canvas = canvas;
    this.onChange = onChange;
    this.drawing = drawingOn(canvas, () => this.#draw());
    this.linked = [this];
    this.view = null;
    this.marks = null;
    this.pointer = null;
    this.frame = 0;
    this.afterDrawing = null;
    this.#forget();
    this.#watchSize();
    handsOn(this);
  }

  /* Show {pixels, side, levels}, as every film is first seen; settles when it is on the screen. */
  show(film) {
    this.#forget();
    this.drawing.load(film);
    this.view = new View({ ...film, ...rangeOf(film.pixels) }, this.#size(), this.#space());
    this.#redraw();
    return new Promise((shown) => (this.afterDrawing = shown));
  }

  /* Take the film down: black. */
  clear() {
    this.#forget();
    this.drawing.load(null);
    this.view = null;
    this.#redraw();
  }

  #forget() {
    /* Whether the film is on the screen: only then can it be judged. */
    this.shown = false;
    /* How often hands changed window, zoom and place of this film: a drag, a burst of the wheel or a key is one use. */
    this.uses = { window: 0, zoom: 0, pan: 0 };
    /* Circles that were marked, {x, y, radius} in shares of the film's side from its upper left corner. */
    this.regions = [];
    this.marks?.forget();
  }

  count(use) {
    if (this.shown) this.uses[use]++;
  }

  // What hands can do, on this film and on one that is linked to it

  reset() { this.#change((view) => view.reset()); }
  fit() { this.#change((view) => view.fit()); }
  oneToOne() { this.#change((view) => view.zoom(1 / view.scale)); }
  zoom(factor, place) { this.#change((view) => view.zoom(factor, place)); }
  zoomIn() { this.zoom(ZOOM_STEP); }
  zoomOut() { this.zoom(1 / ZOOM_STEP); }
  pan(step) { this.#change((view) => view.pan(step)); }
  move(right, down) { this.#change((view) => view.move(right, down)); }
  window(wider, brighter) { this.#change((view) => view.window(wider, brighter)); }
  standardWindow() { this.#change((view) => view.standardWindow()); }
  preset(name) { this.#change((view) => view.preset(name)); }
  invert() { this.#change((view) => (view.inverted = !view.inverted)); }
  flipLeftRight() { this.#change((view) => view.turnBy(TURNS.flipLeftRight)); }
  flipTopBottom() { this.#change((view) => view.turnBy(TURNS.flipTopBottom)); }
  rotateRight() { this.#change((view) => view.turnBy(TURNS.rotateRight)); }
  rotateLeft() { this.#change((view) => view.turnBy(TURNS.rotateLeft)); }

  get magnified() { return Boolean(this.view?.glass); }

  /* Hold the glass over the pointer, or over the middle where there is none. */
  magnify() {
    this.#change((view) => (view.glass = this.pointer ?? view.middle()));
  }

  putGlassDown() {
    this.#change((view) => (view.glass = null));
  }

  /* The pointer is at this place of the canvas, or has left it. */
  pointAt(place) {
    this.pointer = place;
    if (place && this.magnified) this.magnify();
  }

  #change(act) {
    for (const viewer of this.linked) {
      if (!viewer.view) continue;
      act(viewer.view);
      viewer.#redraw();
    }
  }

  // Marking regions

  get marking() { return this.marks !== null; }

  /* From now on a drag with the first button draws a circle; `onChange` is told the regions after each change. */
  startMarking(onChange) {
    this.stopMarking();
    this.marks = new Marks(this, onChange);
    this.#redraw();
  }

  stopMarking() {
    this.marks?.remove();
    this.marks = null;
  }

  undoMark() { this.marks?.undo(); }

  // Drawing

  #watchSize() {
    const watch = new ResizeObserver(() => this.#resize());
    try {
      // Told as well when the window comes to a screen of another density.
      watch.observe(this.canvas, { box: "device-pixel-content-box" });
    } catch {
      watch.observe(this.canvas);
    }
  }

  /* To the pixels of the screen that the canvas covers: its edges lie on whole ones. */
  #resize() {
    const { left, right, top, bottom } = this.canvas.getBoundingClientRect();
    const onScreen = (edge) => Math.round(edge * devicePixelRatio);
    this.canvas.width = onScreen(right) - onScreen(left);
    this.canvas.height = onScreen(bottom) - onScreen(top);
    for (const viewer of this.linked) viewer.#refit();
    // At once: a canvas that changed its size is empty, and would be for one frame.
    this.#draw();
  }

  #refit() {
    this.view?.resize(this.#size(), this.#space());
    this.#redraw();
  }

  #size() {
    return [this.canvas.width, this.canvas.height];
  }

  /* The side of the largest square that each of the linked canvases holds: films side by side are equally large. */
  #space() {
    return Math.min(...this.linked.flatMap((viewer) => viewer.#size()));
  }

  /* Pixels of the canvas to one of the page. */
  density() {
    return this.canvas.width / this.canvas.getBoundingClientRect().width;
  }

  #redraw() {
    this.frame ||= requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    this.shown = false;
    this.drawing.draw(this.view?.panes() ?? []);
    this.marks?.draw();
    this.shown = this.view !== null;
    // When the next frame comes, this one has gone to the screen.
    if (this.shown && this.afterDrawing) {
      requestAnimationFrame(this.afterDrawing);
      this.afterDrawing = null;
    }
    this.onChange(this.shown ? { ...this.view.seen(), plain: this.drawing.plain } : null);
  }
}

/* Before films are shown: window, zoom, place, turn and glass of the one are changed with those of the other. */
export function linkViewers(one, other) {
  one.linked = other.linked = [one, other];
}
