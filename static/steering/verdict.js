/* What a reviewer says of one film: a form that is sent as soon as something is chosen in it. */

import { fill, said, tell } from "../reading/words.js";

const PATIENCE = 20_000;
const { total } = document.querySelector("main").dataset;

// One verdict after the other, so that what was said last is stored last.
let line = Promise.resolve();

export class Verdict {
  constructor(form) {
    this.form = form;
    this.takeBack = form.elements.take_back;
    this.stored = this.#chosen();
    this.underWay = 0;
    // Else Enter on an option would press it.
    this.takeBack.type = "button";
    this.takeBack.addEventListener("click", () => this.undo());
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("change", () => this.#changed());
  }

  /* {key, run}: the options by their keys, and the way back. */
  commands() {
    const options = [...this.form.querySelectorAll("[data-key]")];
    const choices = options.map((option) => ({ key: option.dataset.key, run: () => option.click() }));
    return [...choices, { key: "u", run: () => this.undo() }].map((command) => ({ ...command, when: () => true }));
  }

  undo() {
    const { film } = this.form.dataset;
    if (!this.#chosen().verdict) return tell("status", fill(said.nothing, { film }));
    const body = new FormData();
    body.set("csrfmiddlewaretoken", this.form.elements.csrfmiddlewaretoken.value);
    body.set("take_back", "1");
    this.#send(body, { verdict: "", tubes: false });
  }

  #changed() {
    const chosen = this.#chosen();
    if (chosen.verdict) this.#send(new FormData(this.form), chosen);
    else tell("status", said.waiting);
  }

  #chosen() {
    const { verdict, tubes } = this.form.elements;
    return { verdict: verdict.value, tubes: tubes?.checked ?? false };
  }

  #send(body, wanted) {
    this.#show(wanted);
    this.underWay++;
    line = line.then(async () => {
      const { reviewed, failure, error } = await post(this.form.action, body);
      this.underWay--;
      if (!failure) this.stored = wanted;
      // What was said since is still on its way.
      if (!this.underWay) this.#show(this.stored);
      const words = { film: this.form.dataset.film, verdict: this.#inWords(wanted), error, reviewed, total };
      tell("status", failure ? "" : fill(said.stored, words));
      tell("notice", failure ? fill(failure, words) : "");
      if (!failure) tell("reviewed", fill(said.reviewed, words));
    });
  }

  #show(state) {
    const { verdict, tubes } = this.form.elements;
    for (const option of verdict) option.checked = option.value === state.verdict;
    if (tubes) tubes.checked = state.tubes;
    this.takeBack.hidden = !state.verdict;
    this.form.querySelector(".said").textContent = state.verdict ? this.#inWords(state) : "";
  }

  #inWords({ verdict, tubes }) {
    if (!verdict) return said.taken_back;
    const { label } = [...this.form.elements.verdict].find(({ value }) => value === verdict).dataset;
    if (!this.form.elements.tubes) return label;
    return fill(tubes ? said.tube : said.no_tube, { verdict: label });
  }
}

/* Gives {reviewed}, the films of this goal that the reviewer has reviewed, or {failure, error}: words for what went
 * wrong, and what the server says of it. */
async function post(address, body) {
  const headers = { Accept: "application/json" };
  try {
    const response = await fetch(address, { method: "POST", body, headers, signal: AbortSignal.timeout(PATIENCE) });
    // The page where one signs in.
    if (response.redirected || response.status === 403) return { failure: said.ended };
    const reply = await response.json();
    return response.ok ? reply : { failure: said.refused, ...reply };
  } catch {
    return { failure: said.unreached };
  }
}
