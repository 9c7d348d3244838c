/* What can be done with a viewer, by name for buttons and by key; templates/reading/keys.html lists the keys. */

/* Shares of a film's own range by which an arrow changes window and level. */
const STEPS = { fine: 1 / 64, coarse: 1 / 8 };
const ARROWS = { Right: [1, 0], Left: [-1, 0], Up: [0, 1], Down: [0, -1] };

/* Commands {name, key, run}; of two with one key that are there the first counts. */
export function commandsOf(viewer) {
  const onViewer = (name, key, options) => commandOn(viewer, name, key, options);
  return [
    ...markingCommands(viewer),
    ...arrowCommands(viewer),
    onViewer("reset", "Space", { at: "film" }),
    onViewer("fit", "=", { use: "zoom" }),
    onViewer("oneToOne", "o", { use: "zoom" }),
    onViewer("zoomIn", "+", { use: "zoom", repeats: true }),
    onViewer("zoomOut", "-", { use: "zoom", repeats: true }),
    onViewer("magnify", "m", { use: "zoom", when: () => !viewer.magnified }),
    onViewer("putGlassDown", "m", { when: () => viewer.magnified }),
    onViewer("putGlassDown", "Escape", { when: () => viewer.magnified }),
    onViewer("standardWindow", "7", { use: "window" }),
    onViewer("lungs", "8", { use: "window", act: () => viewer.preset("lungs") }),
    onViewer("mediastinum", "9", { use: "window", act: () => viewer.preset("mediastinum") }),
    onViewer("contrast", "0", { use: "window", act: () => viewer.preset("contrast") }),
    onViewer("invert", "i"),
    onViewer("flipLeftRight", "h"),
    onViewer("flipTopBottom", "v"),
    onViewer("rotateRight", "r"),
    onViewer("rotateLeft", "l"),
    onViewer("fullScreen", "f", { act: changeFullScreen, when: () => document.fullscreenEnabled }),
    onViewer("fullScreen", "Escape", { act: changeFullScreen, when: () => document.fullscreenElement }),
  ];
}

/* Does what a key asks for; says whether it asked for anything. With `singleKeys` off no digit, letter or sign does. */
export function obey(event, commands, singleKeys = true) {
  const isThere = ({ key, reaches, when }) => (singleKeys || key.length > 1) && reaches(event.target) && when();
  const there = commands.filter(isThere);
  const asked = there.find(({ key }) => key === keyOf(event));
  if (!asked) return false;
  if (!event.repeat || asked.repeats) asked.run(event.repeat);
  return true;
}

/* By default a command is a viewer's method, its key works on the whole page and does nothing more while it is held down.
 * `at` "page" is where nothing but perhaps the film has the focus, "film" where the film has it. */
function commandOn(viewer, name, key, { act = () => viewer[name](), use, at, when = () => true, repeats = false } = {}) {
  return {
    name,
    key,
    when,
    repeats,
    reaches: (target) => !at || target === viewer.canvas || (at === "page" && target === document.body),
    run(again = false) {
      if (use && !again) viewer.count(use);
      act();
    },
  };
}

function arrowCommands(viewer) {
  return Object.entries(ARROWS).flatMap(([arrow, [x, y]]) => {
    const windowBy = (step) => ({ use: "window", at: "page", repeats: true, act: () => viewer.window(x * step, y * step) });
    const move = { use: "pan", at: "page", repeats: true, act: () => viewer.move(x, -y) };
    return [
      commandOn(viewer, `window${arrow}`, `Arrow${arrow}`, windowBy(STEPS.fine)),
      commandOn(viewer, `window${arrow}`, `Shift+Arrow${arrow}`, windowBy(STEPS.coarse)),
      commandOn(viewer, `move${arrow}`, `Control+Arrow${arrow}`, move),
    ];
  });
}

function markingCommands(viewer) {
  const when = () => viewer.marking;
  const crossBy = (x, y, size) => ({ when, at: "film", repeats: true, act: () => viewer.marks.moveCross(x, -y, size) });
  return [
    ...Object.entries(ARROWS).flatMap(([arrow, [x, y]]) => [
      commandOn(viewer, `cross${arrow}`, `Arrow${arrow}`, crossBy(x, y, "fine")),
      commandOn(viewer, `cross${arrow}`, `Shift+Arrow${arrow}`, crossBy(x, y, "coarse")),
    ]),
    commandOn(viewer, "mark", "a", { when, at: "film", act: () => viewer.marks.addAtCross() }),
    commandOn(viewer, "undoMark", "Backspace", { when, at: "film" }),
    commandOn(viewer, "undoMark", "Delete", { when, at: "film" }),
  ];
}

function changeFullScreen() {
  return document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen();
}

/* What the key is called: as it is written, but in the row of digits a digit, also on keyboards that want Shift for it:
 * on a French one the 6 would be a minus. */
function keyOf({ key, code, altKey, ctrlKey, metaKey, shiftKey }) {
  if (altKey || metaKey) return null;
  const name = key === " " ? "Space" : key.length === 1 ? key.toLowerCase() : key;
  const held = (ctrlKey ? "Control+" : "") + (shiftKey && name.length > 1 ? "Shift+" : "");
  const digit = !ctrlKey && !shiftKey && /^Digit(\d)$/.exec(code)?.[1];
  return digit || held + name;
}
