/* Places and steps as [x, y], turns as matrices of two rows. */

export const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
export const add = ([a, b], [c, d]) => [a + c, b + d];
export const subtract = ([a, b], [c, d]) => [a - c, b - d];
export const scaled = ([a, b], factor) => [a * factor, b * factor];
export const distance = ([a, b], [c, d]) => Math.hypot(a - c, b - d);
export const between = ([a, b], [c, d]) => [(a + c) / 2, (b + d) / 2];
export const turned = ([[a, b], [c, d]], [x, y]) => [a * x + b * y, c * x + d * y];
/* Turns by right angles and flips are turned back by the same matrix, read by columns. */
export const turnedBack = ([[a, b], [c, d]], [x, y]) => [a * x + c * y, b * x + d * y];
export const product = ([[a, b], [c, d]], [[e, f], [g, h]]) => [
  [a * e + b * g, a * f + b * h],
  [c * e + d * g, c * f + d * h],
];
