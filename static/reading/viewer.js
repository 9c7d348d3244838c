/* The light box: one film, how it is seen, and the hands that change that. */

import { drawingOn } from "./drawing.js";

const CARRIER = 65535;
const UPRIGHT = [[1, 0], [0, 1]];
const TURNS = {
  flipLeftRight: [[-1, 0], [0, 1]],
  flipTopBottom: [[1, 0], [0, -1]],
  rotateRight: [[0, -1], [1, 0]],
  rotateLeft: [[0, 1], [-1, 0]],
};
const FINE = 1 / 64;
const COARSE = 1 / 8;
const ZOOM_STEP = 1.25;
const PAN_STEP = 1 / 16;
const LARGEST_ZOOM = 16;

export class Viewer {
  /* `onChange({window, level, zoom, turned, inverted})` is told what is seen after each drawing. */
  constructor(canvas, onChange) {
    this.canvas = canvas;
    this.onChange = onChange;
    this.drawing = drawingOn(canvas);
    this.film = null;
    this.view = null;
    this.frame = 0;
    this.afterDrawing = null;
    new ResizeObserver(() => this.#resize()).observe(canvas);
    canvas.addEventListener("redraw", () => this.#redraw());
    this.#takeGestures();
  }

  /* Show {pixels, side, levels}, as every film is first seen; settles when it is on the screen. */
  show(film) {
    this.film = { ...film, span: spanOf(film) };
    this.drawing.load(this.film);
    this.reset();
    return new Promise((shown) => (this.afterDrawing = shown));
  }

  /* Take the film down: black. */
  clear() {
    this.film = null;
    this.drawing.load(null);
    this.#redraw();
  }

  // What hands can do

  reset() {
    this.view = { level: CARRIER / 2, width: CARRIER, inverted: false, turn: UPRIGHT, fitted: true };
    this.fit();
  }

  fit() {
    if (!this.film) return;
    this.view.fitted = true;
    this.view.scale = this.#fittingScale();
    this.view.centre = [this.film.side / 2, this.film.side / 2];
    this.#redraw();
  }

  oneToOne() {
    this.zoom(1 / (this.view?.scale ?? 1));
  }

  invert() {
    if (!this.film) return;
    this.view.inverted = !this.view.inverted;
    this.#redraw();
  }

  flipLeftRight() { this.#turn(TURNS.flipLeftRight); }
  flipTopBottom() { this.#turn(TURNS.flipTopBottom); }
  rotateRight() { this.#turn(TURNS.rotateRight); }
  rotateLeft() { this.#turn(TURNS.rotateLeft); }
  zoomIn() { this.zoom(ZOOM_STEP); }
  zoomOut() { this.zoom(1 / ZOOM_STEP); }

  /* Make the window wider and the film brighter, in shares of the film's own range of greys. */
  window(wider, brighter) {
    if (!this.film) return;
    const { span, levels } = this.film;
    const narrowest = CARRIER / (levels - 1);
    this.view.width = clamp(this.view.width + wider * span, narrowest, 4 * CARRIER);
    const towards = this.view.inverted ? 1 : -1;
    this.view.level = clamp(this.view.level + towards * brighter * span, 0, CARRIER);
    this.#redraw();
  }

  /* Enlarge by `factor` about a place of the canvas, by default its middle. */
  zoom(factor, place = this.#middle()) {
    if (!this.film) return;
    const fitting = this.#fittingScale();
    const before = this.view.scale;
    const after = clamp(before * factor, Math.min(fitting, 1) / 2, Math.max(8 * fitting, LARGEST_ZOOM));
    const offset = this.#onFilm(subtract(place, this.#middle()));
    this.view.centre = add(this.view.centre, scaled(offset, 1 / before - 1 / after));
    this.view.scale = after;
    this.view.fitted = false;
    this.#redraw();
  }

  /* Move the film one step to the right and down, or back. */
  move(right, down) {
    const step = PAN_STEP * Math.min(this.canvas.width, this.canvas.height);
    this.pan([right * step, down * step]);
  }

  /* Move the film by pixels of the canvas. */
  pan(step) {
    if (!this.film) return;
    const centre = subtract(this.view.centre, scaled(this.#onFilm(step), 1 / this.view.scale));
    this.view.centre = centre.map((value) => clamp(value, 0, this.film.side));
    this.view.fitted = false;
    this.#redraw();
  }

  // Mouse, pen and finger

  #takeGestures() {
    const { canvas } = this;
    let hand = null;
    canvas.addEventListener("pointerdown", (event) => {
      if (hand) return;
      canvas.setPointerCapture(event.pointerId);
      const at = this.#placeOf(event);
      hand = { pointer: event.pointerId, begun: at, last: at, move: this.#gestureOf(event) };
    });
    canvas.addEventListener("pointermove", (event) => {
      if (hand?.pointer !== event.pointerId) return;
      const at = this.#placeOf(event);
      hand.move(subtract(at, hand.last), hand.begun);
      hand.last = at;
    });
    const release = (event) => {
      if (hand?.pointer === event.pointerId) hand = null;
    };
    canvas.addEventListener("pointerup", release);
    canvas.addEventListener("pointercancel", release);
    canvas.addEventListener("dblclick", () => this.reset());
    canvas.addEventListener("contextmenu", (event) => event.preventDefault());
    // Without this the middle button starts the browser's own scrolling.
    canvas.addEventListener("mousedown", (event) => event.button === 1 && event.preventDefault());
    canvas.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
  }

  #gestureOf({ button, shiftKey }) {
    const full = Math.min(this.canvas.width, this.canvas.height);
    if (button === 1 || (button === 0 && shiftKey)) return (step) => this.pan(step);
    if (button === 2) return ([, down], begun) => this.zoom(Math.exp((-3 * down) / full), begun);
    return ([right, down]) => this.window(right / full, -down / full);
  }

  #wheel(event) {
    event.preventDefault();
    // Lines and pages, which some mice count in, are taken as so many pixels.
    const pixels = event.deltaY * [1, 33, 400][event.deltaMode];
    this.zoom(Math.exp(-clamp(pixels, -400, 400) / 500), this.#placeOf(event));
  }

  // Geometry. The canvas counts pixels of the screen; the turn leads from the film's directions to the canvas'.

  #placeOf(event) {
    const box = this.canvas.getBoundingClientRect();
    const density = this.canvas.width / box.width;
    return [(event.clientX - box.left) * density, (event.clientY - box.top) * density];
  }

  #middle() {
    return [this.canvas.width / 2, this.canvas.height / 2];
  }

  #onFilm([x, y]) {
    const [[a, b], [c, d]] = this.view.turn;
    return [a * x + c * y, b * x + d * y];
  }

  #turn(turn) {
    if (!this.film) return;
    this.view.turn = product(turn, this.view.turn);
    this.#redraw();
  }

  #fittingScale() {
    return Math.min(this.canvas.width, this.canvas.height) / this.film.side;
  }

  #resize() {
    const { width, height } = this.canvas.getBoundingClientRect();
    this.canvas.width = Math.round(width * devicePixelRatio);
    this.canvas.height = Math.round(height * devicePixelRatio);
    if (this.view?.fitted) this.fit();
    // At once: a canvas that changed its size is empty, and would be for one frame.
    this.#draw();
  }

  #redraw() {
    this.frame ||= requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    if (!this.film) {
      this.drawing.draw(null);
      this.onChange(null);
      return;
    }
    const { view, film } = this;
    const [[a, b], [c, d]] = view.turn;
    const [x, y] = scaled(view.centre, view.scale);
    // On whole pixels of the screen, so that one-to-one is exact.
    const origin = subtract(this.#middle(), [a * x + b * y, c * x + d * y]).map(Math.round);
    if (!this.drawing.draw({ ...view, origin, black: view.level - view.width / 2 })) return;
    // When the next frame comes, this one has gone to the screen.
    if (this.afterDrawing) requestAnimationFrame(this.afterDrawing);
    this.afterDrawing = null;
    const onGrid = (value) => Math.round((value / CARRIER) * (film.levels - 1));
    this.onChange({
      window: onGrid(view.width),
      level: onGrid(view.level),
      zoom: Math.round(100 * view.scale),
      turned: String(view.turn) !== String(UPRIGHT),
      inverted: view.inverted,
    });
  }
}

/* The range of a film's own greys, from the 1st to the 99th percentile: what a drag over the whole film spans. */
function spanOf({ pixels, levels }) {
  const counts = new Uint32Array(CARRIER + 1);
  for (const grey of pixels) counts[grey]++;
  const percentile = (share) => {
    let seen = 0;
    return counts.findIndex((count) => (seen += count) >= share * pixels.length);
  };
  return Math.max(percentile(0.99) - percentile(0.01), CARRIER / (levels - 1));
}

export const STEPS = { FINE, COARSE };
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
const add = ([a, b], [c, d]) => [a + c, b + d];
const subtract = ([a, b], [c, d]) => [a - c, b - d];
const scaled = ([a, b], factor) => [a * factor, b * factor];
const product = ([[a, b], [c, d]], [[e, f], [g, h]]) => [
  [a * e + b * g, a * f + b * h],
  [c * e + d * g, c * f + d * h],
];
