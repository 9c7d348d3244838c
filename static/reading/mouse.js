/* What a drag does, by the button: as the reader is used to. Remembered in this browser. */

const KEPT = "readerstudy.left-drag";
const DRAGS = {
  window: { left: "window", shiftLeft: "pan", middle: "pan", right: "zoom" },
  pan: { left: "pan", shiftLeft: "window", middle: "zoom", right: "window" },
};

/* What a drag that begins with this event does: window, zoom or pan. A finger counts as the left button. */
export function dragOf({ button, shiftKey }) {
  const hand = button === 0 && shiftKey ? "shiftLeft" : ["left", "middle", "right"][button];
  return DRAGS[leftDrag()][hand] ?? "window";
}

/* Let a checkbox say whether the left drag moves the film; the rows of `list` follow it. */
export function offerLeftDrag(checkbox, list) {
  const follow = () => {
    for (const row of list.querySelectorAll("[data-left-drag]")) row.hidden = row.dataset.leftDrag !== leftDrag();
  };
  checkbox.checked = leftDrag() === "pan";
  checkbox.addEventListener("change", () => {
    localStorage.setItem(KEPT, checkbox.checked ? "pan" : "window");
    follow();
  });
  follow();
}

function leftDrag() {
  return localStorage.getItem(KEPT) === "pan" ? "pan" : "window";
}
