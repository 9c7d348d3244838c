/* Two squares by which a reader checks the display: 5 % within 0 %, and 95 % within 100 %, side by side on middle grey. */

const GROUND = 128;
const PATCHES = [{ around: 0, within: 13 }, { around: 255, within: 242 }];

/* Draw them on a canvas, twice as wide as high, and again whenever its size changes: on whole pixels of the screen. */
export function drawPatches(canvas) {
  const draw = () => {
    const { width, height } = canvas.getBoundingClientRect();
    canvas.width = Math.round(width * devicePixelRatio);
    canvas.height = Math.round(height * devicePixelRatio);
    const context = canvas.getContext("2d", { alpha: false });
    fill(context, GROUND, 0, 0, canvas.width, canvas.height);
    const half = Math.floor(canvas.width / 2);
    const side = Math.min(half, canvas.height);
    PATCHES.forEach(({ around, within }, index) => {
      const middle = [half * (index + 0.5), canvas.height / 2];
      square(context, around, middle, 0.8 * side);
      square(context, within, middle, 0.4 * side);
    });
  };
  new ResizeObserver(draw).observe(canvas);
  draw();
}

function square(context, grey, [x, y], side) {
  const whole = Math.round(side);
  fill(context, grey, Math.round(x - whole / 2), Math.round(y - whole / 2), whole, whole);
}

function fill(context, grey, ...box) {
  context.fillStyle = `rgb(${grey} ${grey} ${grey})`;
  context.fillRect(...box);
}
