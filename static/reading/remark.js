/* What is said of a film beside the question: cues, findings, regions on the film, words; as much of it as is asked. */

import { fill, said, tell } from "./words.js";

export class Remark {
  /* `act` is told what was said, once it is sent. */
  constructor(form, act, films) {
    this.form = form;
    this.act = act;
    this.viewer = films.viewers[0];
    this.findings = [...form.querySelectorAll("[data-finding]")];
    this.none = form.querySelector("#no-finding");
    this.marked = form.querySelector("#marked");
    this.send = form.querySelector("[type=submit]");
    this.isNeeded = "needed" in form.dataset;
    this.isOpen = false;
    form.addEventListener("change", ({ target }) => this.#chosen(target));
    form.addEventListener("input", () => this.#show());
    form.addEventListener("keydown", (event) => this.#goAlong(event));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
  }

  open() {
    this.form.reset();
    this.form.hidden = false;
    this.isOpen = true;
    if (this.marked) this.viewer.startMarking(() => this.#show());
    this.#show();
  }

  close() {
    if (this.marked) this.viewer.stopMarking();
    this.isOpen = false;
    this.#show();
  }

  /* Where the hands go on: the first thing to say, or the film where that is to be marked. */
  focus() {
    const first = this.form.querySelector("input, textarea");
    (first ?? this.viewer.canvas).focus({ preventScroll: true });
  }

  commands() {
    const when = () => this.isOpen;
    return [
      { key: "Control+Enter", when, run: () => this.form.requestSubmit() },
      // Where nothing can be sent by mistake a film is confirmed as ever.
      { key: "Enter", at: "page", when: () => this.isOpen && this.isNeeded, run: () => this.form.requestSubmit() },
      // Whoever ticks by this key sends nothing.
      { key: "Enter", at: "choice", when, run: () => this.#tellHowToSend() },
      // By the mouse it takes findings back; a letter that was meant for the text does not.
      { key: "n", when: () => this.isOpen && this.none && !this.#seen().length, run: () => this.none.click() },
    ];
  }

  #chosen(target) {
    if (target === this.none && target.checked) this.#unsay();
    else if (this.none && target.dataset.finding && target.value !== "0") this.none.checked = false;
    tell("notice", "");
    this.#tellHowToSend();
    this.#show();
  }

  #tellHowToSend() {
    tell("status", this.isNeeded ? said.selected : said.optional);
  }

  #unsay() {
    for (const option of this.findings) if (option.value === "0") option.checked = true;
  }

  /* Up and down lead from one line to the next, left and right within it. */
  #goAlong(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const lines = [...this.form.querySelectorAll("[type=checkbox], [type=radio]:checked")];
    const at = lines.indexOf(event.target);
    if (!step || at < 0 || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    lines[at + step]?.focus();
  }

  #seen() {
    return this.findings.filter(({ checked, value }) => checked && value !== "0");
  }

  #said() {
    const { text } = this.form.elements;
    const findings = Object.fromEntries(this.#seen().map(({ dataset, value }) => [dataset.finding, Number(value)]));
    if (this.none?.checked) findings[this.none.value] = Number(this.none.dataset.certainty);
    return {
      cues: [...this.form.querySelectorAll("[name=cue]:checked")].map(({ value }) => value),
      findings,
      regions: this.marked ? this.viewer.regions : [],
      text: text?.value.trim() ?? "",
    };
  }

  #submit() {
    if (!this.isOpen) return;
    const remark = this.#said();
    if (this.isNeeded && !Object.keys(remark.findings).length) return tell("status", said.unanswered);
    this.act("remark", remark);
  }

  #show() {
    const { cues, findings, regions, text } = this.#said();
    const isEmpty = !cues.length && !Object.keys(findings).length && !regions.length && !text;
    for (const part of this.form.elements) part.disabled = !this.isOpen;
    if (this.isNeeded) this.send.disabled = !this.isOpen || !Object.keys(findings).length;
    else this.send.textContent = isEmpty ? said.nothing : said.send;
    if (this.marked) this.marked.textContent = fill(said.marked, { number: regions.length });
  }
}
