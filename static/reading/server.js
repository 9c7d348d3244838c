/* Talks to the server over a line that may fail: asks until there is a reply, and keeps an answer until it is stored. */

const KEPT = "readerstudy.answer.";
const PATIENCE = 60_000;
const FIRST_PAUSE = 1_000;
const LONGEST_PAUSE = 15_000;

/* The server does not know this reader any more. */
export class SessionEnded extends Error {}

/* The server has the film no longer as it was. The message is for the reader. */
export class FilmDamaged extends Error {}

export class Server {
  /* `addresses` has slot, film and answer, the latter two with CODE in place of a slot's code. `onWait` is called each
   * time that a request failed and will be repeated. */
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

  /* The pixels of a slot's film; none where the server does not send it any more. */
  async film({ code, side }) {
    const { pixels, error } = await (this.fetched.get(code) ?? this.#pixels(code, side));
    this.fetched.clear();
    if (error) throw new FilmDamaged(error);
    return pixels;
  }

  /* Fetch the film of the slot after this one, so that it is there when its turn comes. */
  fetchAhead({ ahead, side }) {
    if (ahead) this.fetched.set(ahead, this.#pixels(ahead, side));
  }

  /* Store an answer {code, rating, milliseconds}; gives {next, error}: the slot to read next, and the reason where the
   * answer was not taken. */
  async answer(answer) {
    keep(answer);
    const { code, ...fields } = answer;
    const options = {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRFToken": this.csrfToken },
      body: JSON.stringify(fields),
    };
    const address = this.addresses.answer.replace("CODE", code);
    const { status, body } = await this.#request(address, (response) => ours(response, "next"), options);
    if (![200, 400, 409].includes(status)) throw new SessionEnded();
    forget(code);
    if (status === 400) throw new Error(body.error);
    return body;
  }

  /* Send what a page that was closed or reloaded could not. What belongs to another reader stays where it is. */
  async sendKept() {
    for (const answer of kept()) {
      try {
        await this.answer(answer);
      } catch (error) {
        if (!(error instanceof SessionEnded)) throw error;
      }
    }
  }

  /* Gives {pixels}, where the film is damaged {error}, and nothing where it is not sent any more. */
  async #pixels(code, side) {
    const read = async (response) => {
      const bytes = await response.arrayBuffer();
      if (bytes.byteLength !== 2 * side * side) throw new Error(`The film has ${bytes.byteLength} bytes.`);
      // Little-endian, as is every machine that runs a browser.
      return new Uint16Array(bytes);
    };
    const { status, body } = await this.#request(this.addresses.film.replace("CODE", code), read);
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

function keep(answer) {
  localStorage.setItem(KEPT + answer.code, JSON.stringify(answer));
}

function forget(code) {
  localStorage.removeItem(KEPT + code);
}

function kept() {
  return Object.keys(localStorage)
    .filter((key) => key.startsWith(KEPT))
    .map((key) => JSON.parse(localStorage.getItem(key)));
}
