/* Mouse, pen and fingers on a viewer's canvas. */

import { between, clamp, distance, subtract } from "./geometry.js";
import { dragOf } from "./mouse.js";

/* In pixels of the page: a press that moves less is a click. */
const SLOP = 3;
const TAP_APART = 30;
/* In milliseconds. */
const TAP_PAUSE = 400;
const WHEEL_PAUSE = 400;

export function handsOn(viewer) {
  const { canvas } = viewer;
  // Where each pointer that is down was last.
  const places = new Map();
  let gesture = null;
  let lastTap = null;
  let lastWheel = -Infinity;

  canvas.addEventListener("pointerdown", (event) => {
    if (places.size === (event.pointerType === "touch" ? 2 : 1)) return;
    canvas.setPointerCapture(event.pointerId);
    places.set(event.pointerId, placeOf(event));
    viewer.pointAt(placeOf(event));
    gesture?.cancel();
    gesture = places.size === 2 ? pinchOn(viewer, [...places.values()]) : pressOn(viewer, event, placeOf(event));
  });

  canvas.addEventListener("pointermove", (event) => {
    viewer.pointAt(placeOf(event));
    if (!places.has(event.pointerId)) return;
    places.set(event.pointerId, placeOf(event));
    gesture?.move([...places.values()]);
  });

  canvas.addEventListener("pointerup", (event) => {
    if (!places.delete(event.pointerId)) return;
    const tapped = gesture?.end() && event.pointerType === "touch";
    if (tapped) tap(event);
    // Of two fingers one stays: it has nothing to do until it is put down anew.
    gesture = null;
  });

  canvas.addEventListener("pointercancel", (event) => {
    if (!places.delete(event.pointerId)) return;
    gesture?.cancel();
    gesture = null;
  });

  canvas.addEventListener("pointerleave", () => viewer.pointAt(null));
  canvas.addEventListener("dblclick", reset);
  canvas.addEventListener("contextmenu", (event) => event.preventDefault());
  // Without this the middle button starts the browser's own scrolling.
  canvas.addEventListener("mousedown", (event) => event.button === 1 && event.preventDefault());
  canvas.addEventListener("wheel", wheel, { passive: false });

  /* Two taps in one place are a double click, which not every browser makes of them. */
  function tap({ timeStamp, clientX, clientY }) {
    const now = { timeStamp, at: [clientX, clientY] };
    const twice = lastTap && timeStamp - lastTap.timeStamp < TAP_PAUSE && distance(now.at, lastTap.at) < TAP_APART;
    lastTap = twice ? null : now;
    if (twice) reset();
  }

  function reset() {
    // Two circles that are marked one after the other mean no reset.
    if (!viewer.marking) viewer.reset();
  }

  function wheel(event) {
    event.preventDefault();
    if (event.timeStamp - lastWheel > WHEEL_PAUSE) viewer.count("zoom");
    lastWheel = event.timeStamp;
    // Lines and pages, which some mice count in, are taken as so many pixels.
    const pixels = event.deltaY * [1, 33, 400][event.deltaMode];
    viewer.zoom(Math.exp(-clamp(pixels, -400, 400) / 500), placeOf(event));
  }

  /* In pixels of the canvas. */
  function placeOf(event) {
    const box = canvas.getBoundingClientRect();
    const density = viewer.density();
    return [(event.clientX - box.left) * density, (event.clientY - box.top) * density];
  }
}

// A gesture has move(places), end(), which says whether it was a mere click, and cancel().

function pressOn(viewer, event, begun) {
  const act = viewer.marking && event.button === 0 ? marks(viewer, begun) : drags(viewer, dragOf(event), begun);
  const slop = SLOP * viewer.density();
  let moved = false;
  return {
    move([place]) {
      moved ||= distance(place, begun) >= slop;
      if (moved) act.move(place);
    },
    end() {
      act.end(moved);
      return !moved;
    },
    cancel: () => act.cancel(),
  };
}

const DRAGS = {
  window: (viewer, [right, down], full) => viewer.window(right / full, -down / full),
  pan: (viewer, step) => viewer.pan(step),
  zoom: (viewer, [, down], full, begun) => viewer.zoom(Math.exp((-3 * down) / full), begun),
};

function drags(viewer, drag, begun) {
  const full = Math.min(viewer.canvas.width, viewer.canvas.height);
  let last = begun;
  return {
    move(place) {
      if (last === begun) viewer.count(drag);
      DRAGS[drag](viewer, subtract(place, last), full, begun);
      last = place;
    },
    end() {},
    cancel() {},
  };
}

function marks(viewer, begun) {
  return {
    move: (place) => viewer.marks?.sketch(begun, place),
    end: (moved) => (moved ? viewer.marks?.keepSketch() : viewer.marks?.addAt(begun)),
    cancel: () => viewer.marks?.dropSketch(),
  };
}

/* Two fingers: the film goes with them. */
function pinchOn(viewer, begun) {
  const slop = SLOP * viewer.density();
  const counted = new Set();
  const countOnce = (use, much) => {
    if (much < slop || counted.has(use)) return;
    counted.add(use);
    viewer.count(use);
  };
  let last = begun;
  return {
    move(places) {
      countOnce("pan", distance(between(...places), between(...begun)));
      countOnce("zoom", Math.abs(distance(...places) - distance(...begun)));
      viewer.pan(subtract(between(...places), between(...last)));
      viewer.zoom(distance(...places) / distance(...last), between(...places));
      last = places;
    },
    end: () => false,
    cancel() {},
  };
}
