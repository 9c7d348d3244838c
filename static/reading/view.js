/* How one film is seen on a canvas: window, zoom, place, turn and glass. Arithmetic only, nothing is drawn here.
 *
 * The canvas counts pixels of the screen, the film its own; the turn leads from the film's directions to the canvas'. */

import { add, clamp, product, scaled, subtract, turned, turnedBack } from "./geometry.js";

export const CARRIER = 65535;
const UPRIGHT = [[1, 0], [0, 1]];
export const TURNS = {
  flipLeftRight: [[-1, 0], [0, 1]],
  flipTopBottom: [[1, 0], [0, -1]],
  rotateRight: [[0, -1], [1, 0]],
  rotateLeft: [[0, 1], [-1, 0]],
};
/* The darkest and the brightest grey of a window, as shares of the film's own range from its 1st to its 99th percentile:
 * the dark part for the lungs, the bright part for mediastinum, spine and bones, the middle for more contrast. */
const PRESETS = { lungs: [0, 0.7], mediastinum: [0.4, 1], contrast: [0.2, 0.8] };
const PAN_STEP = 1 / 16;
const LARGEST_ZOOM = 16;
const GLASS = { side: 0.35, factor: 2 };

export class View {
  /* Of a film {side, levels, low, high}, the latter two its 1st and 99th percentile, on a canvas of `size` pixels, to be
   * fitted into a square of `space` pixels in its middle. */
  constructor(film, size, space) {
    this.film = film;
    this.size = size;
    this.space = space;
    this.reset();
  }

  /* As every film is first seen. */
  reset() {
    this.glass = null;
    this.inverted = false;
    this.turn = UPRIGHT;
    this.standardWindow();
    this.fit();
  }

  resize(size, space) {
    this.size = size;
    this.space = space;
    if (this.fitted) this.fit();
  }

  // Greys

  standardWindow() {
    this.level = CARRIER / 2;
    this.width = CARRIER;
  }

  preset(name) {
    const { low, high } = this.film;
    const [black, white] = PRESETS[name].map((share) => low + share * (high - low));
    this.level = (black + white) / 2;
    this.width = Math.max(white - black, this.#oneLevel());
  }

  /* Make the window wider and the film brighter, in shares of the film's own range of greys. */
  window(wider, brighter) {
    const span = Math.max(this.film.high - this.film.low, this.#oneLevel());
    const towards = this.inverted ? 1 : -1;
    this.width = clamp(this.width + wider * span, this.#oneLevel(), 4 * CARRIER);
    this.level = clamp(this.level + towards * brighter * span, 0, CARRIER);
  }

  #oneLevel() {
    return CARRIER / (this.film.levels - 1);
  }

  // Place

  fit() {
    this.fitted = true;
    this.scale = this.#fittingScale();
    this.centre = [this.film.side / 2, this.film.side / 2];
  }

  /* Enlarge by `factor` about a place of the canvas, by default its middle. */
  zoom(factor, place = this.middle()) {
    const fitting = this.#fittingScale();
    const before = this.scale;
    const after = clamp(before * factor, Math.min(fitting, 1) / 2, Math.max(8 * fitting, LARGEST_ZOOM));
    const offset = turnedBack(this.turn, subtract(place, this.middle()));
    this.centre = add(this.centre, scaled(offset, 1 / before - 1 / after));
    this.scale = after;
    this.fitted = false;
  }

  /* Move the film by pixels of the canvas. */
  pan(step) {
    const centre = subtract(this.centre, scaled(turnedBack(this.turn, step), 1 / this.scale));
    this.centre = centre.map((value) => clamp(value, 0, this.film.side));
    this.fitted = false;
  }

  /* Move the film one step to the right and down, or back. */
  move(right, down) {
    const step = PAN_STEP * this.space;
    this.pan([right * step, down * step]);
  }

  turnBy(turn) {
    this.turn = product(turn, this.turn);
  }

  middle() {
    return scaled(this.size, 1 / 2);
  }

  #fittingScale() {
    return this.space / this.film.side;
  }

  // Between canvas and film

  /* Where the film's corner lies on the canvas: on whole pixels of the screen, so that one-to-one is exact. */
  origin() {
    return subtract(this.middle(), turned(this.turn, scaled(this.centre, this.scale))).map(Math.round);
  }

  /* A place of the canvas, in shares of the film's side from its corner. */
  onFilm(place) {
    return scaled(turnedBack(this.turn, subtract(place, this.origin())), 1 / (this.scale * this.film.side));
  }

  onCanvas(shares) {
    return add(this.origin(), turned(this.turn, scaled(shares, this.scale * this.film.side)));
  }

  // What is to be drawn

  /* The film and, where it is held, the glass over it: see drawing.js. */
  panes() {
    const { turn, scale, width, inverted } = this;
    const greys = { turn, black: this.level - width / 2, width, inverted };
    const film = { ...greys, scale, origin: this.origin(), box: [0, 0, ...this.size], framed: false };
    if (!this.glass) return [film];
    const side = Math.round(GLASS.side * this.space);
    const corner = subtract(this.glass, [side / 2, side / 2]).map(Math.round);
    // What lies under the middle of the glass stays there.
    const origin = subtract(this.glass, scaled(subtract(this.glass, film.origin), GLASS.factor)).map(Math.round);
    return [film, { ...greys, scale: GLASS.factor * scale, origin, box: [...corner, side, side], framed: true }];
  }

  /* {window, level} on the study's grid of greys, {zoom} in per cent of one-to-one, and what is not as it was. */
  seen() {
    const onGrid = (value) => Math.round((value / CARRIER) * (this.film.levels - 1));
    return {
      window: onGrid(this.width),
      level: onGrid(this.level),
      zoom: Math.round(100 * this.scale),
      turned: String(this.turn) !== String(UPRIGHT),
      inverted: this.inverted,
      magnified: this.glass !== null,
    };
  }
}

/* {low, high}: the range of a film's own greys, from the 1st to the 99th percentile. */
export function rangeOf(pixels) {
  const counts = new Uint32Array(CARRIER + 1);
  for (const grey of pixels) counts[grey]++;
  const percentile = (share) => {
    let seen = 0;
    return counts.findIndex((count) => (seen += count) >= share * pixels.length);
  };
  return { low: percentile(0.01), high: percentile(0.99) };
}
