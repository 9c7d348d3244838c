/* How long a film is looked at, and how much of that time the reader is at work: the page in sight, the hands not idle. */

const IDLE = 30_000;
const HANDS = ["pointerdown", "pointermove", "keydown", "wheel", "touchstart"];

export class Attention {
  constructor() {
    this.total = 0;
    this.active = 0;
    this.uses = { window_uses: 0, zoom_uses: 0, pan_uses: 0 };
  }

  /* The film is on the screen. */
  start() {
    this.begun = this.counted = performance.now();
    this.#stir();
    const options = { capture: true, passive: true };
    this.listening = new AbortController();
    for (const hand of HANDS) {
      addEventListener(hand, () => this.#stir(), { ...options, signal: this.listening.signal });
    }
    document.addEventListener("visibilitychange", () => this.#stir(), { signal: this.listening.signal });
  }

  /* It is answered, or taken down for a while. `uses` counts what hands did to it meanwhile. */
  stop(uses) {
    this.#count();
    this.listening.abort();
    this.total += performance.now() - this.begun;
    for (const [use, times] of Object.entries(uses)) this.uses[`${use}_uses`] += times;
  }

  get milliseconds() {
    return Math.round(this.total);
  }

  get activeMilliseconds() {
    return Math.min(Math.round(this.active), this.milliseconds);
  }

  /* Hands moved, or the page came into sight or left it. */
  #stir() {
    this.#count();
    this.seen = !document.hidden;
    this.awakeUntil = performance.now() + IDLE;
  }

  #count() {
    const now = performance.now();
    if (this.seen) this.active += Math.max(0, Math.min(now, this.awakeUntil) - this.counted);
    this.counted = now;
  }
}
