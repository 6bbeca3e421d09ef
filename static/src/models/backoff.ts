const FIRST_MS = 500;
const LAST_MS = 30_000;

/** Waiting times between attempts: doubling from 0.5 s to 30 s, each taken at random from its upper half. */
export class Backoff {
  #attempts = 0;
  readonly #random: () => number;

  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  /** Milliseconds to wait before the next attempt. */
  next(): number {
    const limit = Math.min(LAST_MS, FIRST_MS * 2 ** this.#attempts);
    this.#attempts += 1;
    return limit * (0.5 + this.#random() / 2);
  }

  reset(): void {
    this.#attempts = 0;
  }
}
