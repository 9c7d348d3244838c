/* The study's question: options with a key each, in one step or in two, and a button that confirms.
 *
 * Of two steps the second waits for the first, and what its options stand for depends on what was chosen there. */

import { fill, said, tell } from "./words.js";

export class Question {
  /* `act` is told the answer, {rating} or {chosen}, once it is confirmed. */
  constructor(form, act) {
    this.form = form;
    this.act = act;
    this.steps = [...form.querySelectorAll("fieldset")];
    this.confirm = form.querySelector("[type=submit]");
    this.isOpen = false;
    form.addEventListener("change", ({ target }) => this.#chosen(target));
    // From the first moment: a form that submits itself would write its fields into the address.
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
  }

  /* Take one answer. */
  open() {
    this.form.reset();
    this.form.hidden = false;
    this.isOpen = true;
    this.#show();
  }

  close() {
    this.isOpen = false;
    this.#show();
  }

  commands() {
    const when = () => this.isOpen;
    const choices = this.steps.flatMap((step, index) =>
      [...step.querySelectorAll("[data-key]")].map((option) => ({
        key: option.dataset.key,
        when: () => index === this.#step(),
        run: () => choose(option),
      })),
    );
    return [
      ...choices,
      { key: "Enter", at: "page", when, run: () => this.form.requestSubmit() },
      { key: "Backspace", when: () => this.#step() > 0, run: () => this.#goBack() },
    ];
  }

  /* The step whose options the keys choose, -1 where nothing is asked. */
  #step() {
    return this.steps.findLastIndex((step) => !step.disabled);
  }

  #chosen(option) {
    const [first, second] = this.steps;
    if (second && first.contains(option)) {
      for (const later of second.querySelectorAll("input")) {
        later.checked = false;
        later.value = later.dataset.values.split(" ")[option.value];
      }
    }
    this.#show();
    tell("notice", "");
    const words = [...this.form.querySelectorAll(":checked + .anchor .words")].map((one) => one.textContent).join(", ");
    tell("status", fill(this.#answer() ? said.selected : said.halfway, { answer: words }));
  }

  #goBack() {
    const hadFocus = this.steps[1].contains(document.activeElement);
    this.form.reset();
    this.#show();
    if (hadFocus) this.steps[0].querySelector("input").focus();
    tell("status", said.unanswered);
  }

  #submit() {
    // No film yet, or the confirmation after the first.
    if (!this.isOpen) return;
    const answer = this.#answer();
    if (answer) this.act("answer", answer);
    else tell("status", said.unanswered);
  }

  #answer() {
    const { name, value } = this.steps.at(-1).querySelector("input:checked") ?? {};
    return name ? { [name]: name === "rating" ? Number(value) : value } : null;
  }

  #show() {
    const [first, second] = this.steps;
    first.disabled = !this.isOpen;
    if (second) second.disabled = !this.isOpen || !first.querySelector(":checked");
    this.confirm.disabled = !this.isOpen || !this.#answer();
  }
}

/* Enter is then to confirm, and not to press a button that the focus was left on. */
function choose(option) {
  if (document.activeElement.matches("button, summary")) document.activeElement.blur();
  if (!option.checked) option.click();
}
