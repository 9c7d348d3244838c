/* Draws a film of 16-bit greys, as WebGL 2 or, where that is missing, pixel by pixel: the same arithmetic twice.
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

/* A drawing has load({pixels, side}), where null takes the film away, and draw({origin, turn, scale, black, width,
 * inverted}), which says whether it could draw. */
export function drawingOn(canvas) {
  // A canvas that has had one kind of context never gets another, so WebGL is tried on one that nobody sees.
  return glWorks() ? glDrawing(canvas) : plainDrawing(canvas);
}

/* Whether a film of one pixel can be drawn: a driver may offer WebGL and then refuse the shaders or lose the context. */
function glWorks() {
  try {
    const drawing = glDrawing(document.createElement("canvas"));
    drawing?.load({ side: 1, pixels: new Uint16Array(1) });
    return drawing?.draw({ origin: [0, 0], turn: [[1, 0], [0, 1]], scale: 1, black: 0, width: 1, inverted: false });
  } catch {
    return false;
  }
}

function glDrawing(canvas) {
  const gl = canvas.getContext("webgl2", { alpha: false, antialias: false, depth: false });
  if (!gl) return null;
  let film;
  let uniform;

  function prepare() {
    const program = gl.createProgram();
    for (const [type, source] of [[gl.VERTEX_SHADER, VERTICES], [gl.FRAGMENT_SHADER, GREYS]]) {
      const shader = gl.createShader(type);
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(program));
    gl.useProgram(program);
    uniform = (name) => gl.getUniformLocation(program, name);
    gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
    // Textures of whole numbers are complete only without filtering.
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 2);
  }

  function load(newFilm) {
    film = newFilm;
    if (!film) return;
    const { side, pixels } = film;
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.R16UI, side, side, 0, gl.RED_INTEGER, gl.UNSIGNED_SHORT, pixels);
  }

  function draw(view) {
    gl.viewport(0, 0, canvas.width, canvas.height);
    gl.clearColor(0, 0, 0, 1);
    gl.clear(gl.COLOR_BUFFER_BIT);
    if (!film) return true;
    const [[a, b], [c, d]] = view.turn;
    gl.uniform1f(uniform("height"), canvas.height);
    gl.uniform2f(uniform("origin"), ...view.origin);
    // The turn leads from the film to the canvas. WebGL reads by columns, which turns it round.
    gl.uniformMatrix2fv(uniform("turn"), false, [a, b, c, d]);
    gl.uniform1f(uniform("scale"), view.scale);
    gl.uniform1f(uniform("black"), view.black);
    gl.uniform1f(uniform("width"), view.width);
    gl.uniform1i(uniform("inverted"), view.inverted);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
    // It will be drawn when the context has been restored.
    if (gl.isContextLost()) return false;
    const error = gl.getError();
    if (error) throw new Error(`WebGL error ${error}`);
    return true;
  }

  prepare();
  // A graphics driver that starts anew takes everything with it.
  canvas.addEventListener("webglcontextlost", (event) => event.preventDefault());
  canvas.addEventListener("webglcontextrestored", () => {
    prepare();
    load(film);
    canvas.dispatchEvent(new Event("redraw"));
  });
  return { load, draw };
}

function plainDrawing(canvas) {
  const context = canvas.getContext("2d", { alpha: false });
  let film;

  function draw(view) {
    const { width, height } = canvas;
    const image = context.createImageData(width, height);
    const out = new Uint32Array(image.data.buffer);
    out.fill(0xff000000);
    if (film) paint(out, view, width, height);
    context.putImageData(image, 0, 0);
    return true;
  }

  function paint(out, view, width, height) {
    // A turn by a right angle makes the canvas' columns run along the film's rows.
    const turned = view.turn[0][0] === 0;
    const alongX = turned ? view.turn[0][1] : view.turn[0][0];
    const alongY = turned ? view.turn[1][0] : view.turn[1][1];
    const columns = tents(width, view.origin[0], view.scale * alongX, film.side, turned ? film.side : 1);
    const rows = tents(height, view.origin[1], view.scale * alongY, film.side, turned ? 1 : film.side);
    for (let y = 0; y < height; y++) {
      if (!rows[y]) continue;
      for (let x = 0; x < width; x++) {
        if (!columns[x]) continue;
        const grey = (mean(columns[x], rows[y]) - view.black) / view.width;
        const level = Math.round(255 * Math.min(Math.max(view.inverted ? 1 - grey : grey, 0), 1));
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

/* For each place along one side of the canvas: which of the film's pixels it shows (as offsets, `step` apart), and by
 * which weights, that sum to 1; null beside the film. A negative scale runs backwards. */
function tents(length, origin, scale, side, step) {
  const reach = Math.max(1, 1 / Math.abs(scale));
  return Array.from({ length }, (_, index) => {
    const place = (index + 0.5 - origin) / scale;
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
