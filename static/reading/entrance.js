/* The page of the display check: draws the patches, and fills in what the browser knows of the screen. */

import { drawPatches } from "./patches.js";

const form = document.querySelector("form");

// When it is sent: until then the window may move to another screen.
form.addEventListener("submit", () => {
  form.elements.width.value = Math.round(screen.width * devicePixelRatio);
  form.elements.height.value = Math.round(screen.height * devicePixelRatio);
  form.elements.pixel_ratio.value = devicePixelRatio;
});

drawPatches(document.getElementById("patches"));
