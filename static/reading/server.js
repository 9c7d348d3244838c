/* Talks to the server over a line that may fail: asks until there is a reply, and keeps what a reader said until it is
 * stored. */

const KEPT = "readerstudy.kept.";
const PATIENCE = 60_000;
const FIRST_PAUSE = 1_000;
const LONGEST_PAUSE = 15_000;

/* The server does not know this reader any more. */
export class SessionEnded extends Error {}

/* The server has the film no longer as it was. The message is for the reader. */
export class FilmDamaged extends Error {}

export class Server {
  /* `addresses` has slot, film, in a study of pairs filmRight, answer, remark and report, with CODE in place of a slot's
   * code. `onWait` is called each time that a request failed and will be repeated. */
  constructor(addresses, csrfToken, onWait) {
    this.addresses = addresses;
    this.csrfToken = csrfToken;
    this.onWait = onWait;
    this.fetched = new Map();
  }

  async slot() {
    const { status, body } = await this.#request(this.addresses.slot, (response) => ours(response, "code", "done"));
    if (status !== 200) throw new SessionEnded();
    return body;
  }

  /* The pixels of a slot's film, or of both from left to right; none where the server does not send them any more. */
  async films({ code, side }) {
    const fetching = this.fetched.get(code) ?? this.#films(code, side);
    this.fetched.delete(code);
    const replies = await fetching;
    const damaged = replies.find(({ error }) => error);
    if (damaged) throw new FilmDamaged(damaged.error);
    return replies.every(({ pixels }) => pixels) ? replies.map(({ pixels }) => pixels) : null;
  }

  /* Fetch the films of the slot after this one, so that they are there when their turn comes. */
  fetchAhead({ ahead, side }) {
    const fetching = ahead && (this.fetched.get(ahead) ?? this.#films(ahead, side));
    this.fetched.clear();
    if (ahead) this.fetched.set(ahead, fetching);
  }

  /* Store what was said of a slot: an "answer", a "remark" or a "report" {code, …}. Gives {next, error, feedback}: the
   * slot to read next, the reason where it was not taken, and what a practice film was where the study tells. */
  async tell(kind, said) {
    keep(kind, said);
    const { code, ...fields } = said;
    const options = {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRFToken": this.csrfToken },
      body: JSON.stringify(fields),
    };
    const address = this.addresses[kind].replace("CODE", code);
    const { status, body } = await this.#request(address, (response) => ours(response, "next"), options);
    if (![200, 400, 409].includes(status)) throw new SessionEnded();
    forget(kind, said);
    return body.next ? body : { ...body, next: await this.slot() };
  }

  /* Send what a page that was closed or reloaded could not; gives the reason where something was not taken. What belongs
   * to another reader stays where it is. */
  async tellKept() {
    let refusal = "";
    for (const { kind, said } of kept()) {
      try {
        const { error } = await this.tell(kind, said);
        refusal ||= error;
      } catch (error) {
        if (!(error instanceof SessionEnded)) throw error;
      }
    }
    return refusal ?? "";
  }

  #films(code, side) {
    const { film, filmRight } = this.addresses;
    const addresses = [film, filmRight].filter(Boolean).map((address) => address.replace("CODE", code));
    return Promise.all(addresses.map((address) => this.#pixels(address, side)));
  }

  /* Gives {pixels}, where the film is damaged {error}, and nothing where it is not sent any more. */
  async #pixels(address, side) {
    const read = async (response) => {
      const bytes = await response.arrayBuffer();
      if (bytes.byteLength !== 2 * side * side) throw new Error(`The film has ${bytes.byteLength} bytes.`);
      // Little-endian, as is every machine that runs a browser.
      return new Uint16Array(bytes);
    };
    const { status, body } = await this.#request(address, read);
    if (status === 200) return { pixels: body };
    return status === 409 ? body : {};
  }

  /* Gives {status, body} of this server's reply, which `read` takes out of a response that is no refusal. Whatever goes
   * wrong on the way, from a lost line to the sign-in page of a hospital's network, leads to the same request again. */
  async #request(address, read, options = {}) {
    for (let pause = FIRST_PAUSE; ; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
      try {
        const response = await fetch(address, { ...options, signal: AbortSignal.timeout(PATIENCE) });
        const { ok, status } = response;
        if (ok) return { status, body: await read(response) };
        // `error` is of the reading room, `detail` of the framework below it.
        if (status < 500) return { status, body: await ours(response, "error", "detail") };
      } catch {
        // Told by onWait.
      }
      this.onWait();
      await online(pause);
    }
  }
}

/* A reply of this server, which has one of these fields. Throws where somebody else has replied. */
async function ours(response, ...fields) {
  const body = await response.json();
  if (!fields.some((field) => field in body)) throw new Error("Not a reply of this server.");
  return body;
}

/* Settles after `milliseconds`, or as soon as the browser is back on line. */
function online(milliseconds) {
  return new Promise((settle) => {
    setTimeout(settle, milliseconds);
    addEventListener("online", settle, { once: true });
  });
}

/* Under one name per slot, kind and, of an answer, revision. */
function nameOf(kind, { code, revision = 1 }) {
  return `${KEPT}${kind}.${code}.${revision}`;
}

function keep(kind, said) {
  localStorage.setItem(nameOf(kind, said), JSON.stringify({ kind, said }));
}

function forget(kind, said) {
  localStorage.removeItem(nameOf(kind, said));
}

function kept() {
  return Object.keys(localStorage)
    .filter((name) => name.startsWith(KEPT))
    .map((name) => JSON.parse(localStorage.getItem(name)));
}
