/* Draws a film of 16-bit greys, by WebGL 2 or, where that is missing or fails, pixel by pixel: the same arithmetic twice.
 *
 * Greys are interpolated first and windowed afterwards. A pixel of the screen is the mean of the film's pixels
 * around it under a tent: bilinear where the film is enlarged, antialiased where it is reduced, exact at one-to-one. */

const VERTICES = `#version 300 es
void main() {
  // One triangle that covers the canvas.
  gl_Position = vec4(4.0 * float(gl_VertexID % 2) - 1.0, 4.0 * float(gl_VertexID / 2) - 1.0, 0.0, 1.0);
}`;

const GREYS = `#version 300 es
precision highp float;
precision highp int;
precision highp usampler2D;
uniform usampler2D film;
uniform float height;   // of the canvas
uniform vec2 origin;    // where the film's corner lies on the canvas
uniform mat2 turn;      // from the canvas to the film
uniform float scale;
uniform float black;
uniform float width;
uniform bool inverted;
out vec4 colour;

void main() {
  vec2 place = turn * (vec2(gl_FragCoord.x, height - gl_FragCoord.y) - origin) / scale;
  ivec2 size = textureSize(film, 0);
  colour = vec4(0.0, 0.0, 0.0, 1.0);
  if (any(lessThan(place, vec2(0.0))) || any(greaterThan(place, vec2(size)))) return;
  float reach = max(1.0, 1.0 / scale);
  vec2 middle = place - 0.5;
  ivec2 first = max(ivec2(ceil(middle - reach)), 0);
  ivec2 last = min(ivec2(floor(middle + reach)), size - 1);
  float sum = 0.0, weights = 0.0;
  for (int y = first.y; y <= last.y; y++) {
    for (int x = first.x; x <= last.x; x++) {
      vec2 near = 1.0 - abs(vec2(x, y) - middle) / reach;
      sum += near.x * near.y * float(texelFetch(film, ivec2(x, y), 0).r);
      weights += near.x * near.y;
    }
  }
  float grey = clamp((sum / weights - black) / width, 0.0, 1.0);
  colour.rgb = vec3(inverted ? 1.0 - grey : grey);
}`;

/* A drawing has load({pixels, side}), where null takes the film away, and draw(panes): the film as it lies within each
 * pane's box [x, y, width, height], the later over the earlier, seen by {origin, turn, scale, black, width, inverted};
 * `framed` draws a line around the box.
 *
 * A canvas that has had WebGL never gets another kind of context. So where a graphics driver offers none, refuses the
 * shaders or takes the context away, the film is drawn on a sheet over the canvas, until the driver is back. */
export function drawingOn(canvas, redraw) {
  const sheet = Object.assign(document.createElement("canvas"), { className: "sheet" });
  const plain = plainDrawing(sheet);
  let fast = glDrawing(canvas);
  let film = null;

  function load(newFilm) {
    film = newFilm;
    plain.load(film);
    fast?.load(film);
  }

  function draw(panes) {
    if (fast?.draw(panes)) return sheet.remove();
    fast = null;
    sheet.width = canvas.width;
    sheet.height = canvas.height;
    plain.draw(panes);
    if (!sheet.isConnected) canvas.after(sheet);
  }

  canvas.addEventListener("webglcontextlost", (event) => {
    // Without this it would never come back.
    event.preventDefault();
    fast = null;
    redraw();
  });
  canvas.addEventListener("webglcontextrestored", () => {
    fast = glDrawing(canvas);
    fast?.load(film);
    redraw();
  });
  return { load, draw, get plain() { return !fast; } };
}

/* None where it does not work. Its draw says whether it could. */
function glDrawing(canvas) {
  // A driver that leaves the drawing to the processor is slower than the plain drawing.
  const options = { alpha: false, antialias: false, depth: false, failIfMajorPerformanceCaveat: true };
  const gl = canvas.getContext("webgl2", options);
  const program = gl && programOf(gl);
  if (!program) return null;
  const uniform = (name) => gl.getUniformLocation(program, name);
  let film = null;
  gl.useProgram(program);
  gl.enable(gl.SCISSOR_TEST);
  gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
  // Textures of whole numbers are complete only without filtering.
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
  gl.pixelStorei(gl.UNPACK_ALIGNMENT, 2);

  function load(newFilm) {
    film = newFilm;
    if (!film) return;
    const { side, pixels } = film;
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.R16UI, side, side, 0, gl.RED_INTEGER, gl.UNSIGNED_SHORT, pixels);
  }

  function draw(panes) {
    gl.viewport(0, 0, canvas.width, canvas.height);
    fill([0, 0, canvas.width, canvas.height], 0);
    for (const pane of panes) {
      for (const [box, grey] of groundsOf(pane)) fill(box, grey);
      paint(pane);
    }
    return !gl.isContextLost() && gl.getError() === gl.NO_ERROR;
  }

  function fill([x, y, width, height], grey) {
    // WebGL counts rows from below.
    gl.scissor(x, canvas.height - y - height, width, height);
    gl.clearColor(grey, grey, grey, 1);
    gl.clear(gl.COLOR_BUFFER_BIT);
  }

  function paint({ turn: [[a, b], [c, d]], origin, scale, black, width, inverted }) {
    gl.uniform1f(uniform("height"), canvas.height);
    gl.uniform2f(uniform("origin"), ...origin);
    // The turn leads from the film to the canvas. WebGL reads by columns, which turns it round.
    gl.uniformMatrix2fv(uniform("turn"), false, [a, b, c, d]);
    gl.uniform1f(uniform("scale"), scale);
    gl.uniform1f(uniform("black"), black);
    gl.uniform1f(uniform("width"), width);
    gl.uniform1i(uniform("inverted"), inverted);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
  }

  return { load, draw };
}

function programOf(gl) {
  const program = gl.createProgram();
  for (const [type, source] of [[gl.VERTEX_SHADER, VERTICES], [gl.FRAGMENT_SHADER, GREYS]]) {
    const shader = gl.createShader(type);
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  return gl.getProgramParameter(program, gl.LINK_STATUS) ? program : null;
}

/* What lies below the film: black, in a frame of a white line within a black one, to be seen on every grey. */
function groundsOf({ box, framed }) {
  const grown = (by) => [box[0] - by, box[1] - by, box[2] + 2 * by, box[3] + 2 * by];
  return framed ? [[grown(2), 0], [grown(1), 1], [box, 0]] : [[box, 0]];
}

function plainDrawing(canvas) {
  const context = canvas.getContext("2d", { alpha: false });
  let film = null;

  function draw(panes) {
    context.fillStyle = "#000";
    context.fillRect(0, 0, canvas.width, canvas.height);
    for (const pane of panes) {
      for (const [box, grey] of groundsOf(pane)) {
        context.fillStyle = grey ? "#fff" : "#000";
        context.fillRect(...box);
      }
      const [x, y, width, height] = pane.box;
      const image = context.createImageData(width, height);
      paint(new Uint32Array(image.data.buffer), pane);
      context.putImageData(image, x, y);
    }
  }

  function paint(out, { box: [left, top, width, height], origin, turn, scale, black, width: span, inverted }) {
    out.fill(0xff000000);
    // A turn by a right angle makes the canvas' columns run along the film's rows.
    const sideways = turn[0][0] === 0;
    const alongX = sideways ? turn[0][1] : turn[0][0];
    const alongY = sideways ? turn[1][0] : turn[1][1];
    const columns = tents(left, width, origin[0], scale * alongX, film.side, sideways ? film.side : 1);
    const rows = tents(top, height, origin[1], scale * alongY, film.side, sideways ? 1 : film.side);
    for (let y = 0; y < height; y++) {
      if (!rows[y]) continue;
      for (let x = 0; x < width; x++) {
        if (!columns[x]) continue;
        const grey = (mean(columns[x], rows[y]) - black) / span;
        const level = Math.round(255 * Math.min(Math.max(inverted ? 1 - grey : grey, 0), 1));
        out[y * width + x] = 0xff000000 | (level * 0x010101);
      }
    }
  }

  function mean(column, row) {
    let sum = 0;
    for (let j = 0; j < row.at.length; j++) {
      for (let i = 0; i < column.at.length; i++) {
        sum += row.weights[j] * column.weights[i] * film.pixels[row.at[j] + column.at[i]];
      }
    }
    return sum;
  }

  return { load: (newFilm) => (film = newFilm), draw };
}

/* For each of `length` places along one side of the canvas, from `first`: which of the film's pixels it shows (as
 * offsets, `step` apart), and by which weights, that sum to 1; null beside the film. A negative scale runs backwards. */
function tents(first, length, origin, scale, side, step) {
  const reach = Math.max(1, 1 / Math.abs(scale));
  return Array.from({ length }, (_, index) => {
    const place = (first + index + 0.5 - origin) / scale;
    if (place < 0 || place > side) return null;
    const middle = place - 0.5;
    const at = [];
    const weights = [];
    const last = Math.min(Math.floor(middle + reach), side - 1);
    for (let pixel = Math.max(Math.ceil(middle - reach), 0); pixel <= last; pixel++) {
      const weight = 1 - Math.abs(pixel - middle) / reach;
      if (weight === 0) continue;
      at.push(pixel * step);
      weights.push(weight);
    }
    const sum = weights.reduce((total, weight) => total + weight, 0);
    return { at, weights: weights.map((weight) => weight / sum) };
  });
}
