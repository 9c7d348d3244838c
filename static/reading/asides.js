/* What can come beside the question and between films: a pause, the truth of a practice film, a report, a slip. */

import { fill, said, tell } from "./words.js";

/* A rest between two blocks of films. */
export class Pause {
  constructor(dialog, act) {
    this.dialog = dialog;
    dialog.addEventListener("submit", (event) => {
      event.preventDefault();
      act("goOn");
    });
  }

  open(read) {
    tell("pause-words", fill(said.pause, { read }));
    this.dialog.show();
  }

  close() {
    this.dialog.close();
  }
}

/* What a practice film was. */
export class Feedback {
  constructor(form, act) {
    this.form = form;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      act("goOn");
    });
  }

  open(truth) {
    tell("notice", said.feedback[truth]);
    this.form.hidden = false;
    this.form.querySelector("button").focus({ preventScroll: true });
  }

  close() {
    this.form.hidden = true;
  }
}

/* The way on for a reader who cannot judge a film. */
export class Report {
  constructor(details, act) {
    this.details = details;
    for (const button of details.querySelectorAll("button")) {
      button.addEventListener("click", () => act("report", { kind: button.value }));
    }
    details.addEventListener("keydown", ({ key }) => key === "Escape" && this.#fold());
  }

  /* Folded up; or unfolded, where a film cannot be shown and there is nothing else to do. */
  open(unfolded) {
    this.details.hidden = false;
    this.details.open = unfolded;
    if (unfolded) this.details.querySelector("summary").focus({ preventScroll: true });
  }

  close() {
    this.details.hidden = true;
    this.details.open = false;
  }

  #fold() {
    this.details.open = false;
    this.details.querySelector("summary").focus();
  }
}

/* The last answer can be changed for a while. */
export class Slip {
  constructor(button, act) {
    this.button = button;
    this.act = act;
    button.addEventListener("click", () => act("slip"));
  }

  /* Offer to change an answer {code, revision, seconds}, or none; while it is being changed, to leave it. */
  offer(amendable, isBeingChanged = false) {
    clearTimeout(this.timer);
    if (!amendable) return this.#withdraw();
    amendable.until ??= performance.now() + 1000 * amendable.seconds;
    const left = amendable.until - performance.now();
    if (left <= 0) return this.#withdraw();
    this.button.textContent = isBeingChanged ? said.leave : fill(said.slip, { seconds: Math.ceil(left / 1000) });
    this.button.hidden = false;
    this.timer = setTimeout(() => {
      this.#withdraw();
      if (isBeingChanged) this.act("over");
    }, left);
  }

  open() {
    this.button.disabled = false;
  }

  close() {
    this.button.disabled = true;
  }

  commands() {
    const when = () => !this.button.hidden && !this.button.disabled;
    return [{ key: "u", when, run: () => this.act("slip") }];
  }

  #withdraw() {
    this.button.hidden = true;
  }
}
