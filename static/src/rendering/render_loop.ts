import type { Session } from "../models/session";
import type { ThreadView } from "./thread";

const TICK_MS = 1_000;
/** Drawing takes at most this share of the time: where it is slow, it is done less often. */
const SHARE = 0.25;

/** Draws what has changed, at most once a frame, and lets clocks tick while there are any. */
export class RenderLoop {
  readonly #thread: ThreadView;
  readonly #session: Session;
  readonly #drawn: () => void;
  readonly #touched = new Set<string>();
  #isStructure = false;
  #frame = 0;
  #notBefore = 0;
  #ticker: ReturnType<typeof setInterval> | undefined;

  constructor(thread: ThreadView, session: Session, drawn: () => void) {
    this.#thread = thread;
    this.#session = session;
    this.#drawn = drawn;
  }

  /** The list of messages has changed. */
  arrange(): void {
    this.#isStructure = true;
    this.#schedule();
  }

  /** One message has changed. */
  touch(id: string): void {
    this.#touched.add(id);
    this.#schedule();
  }

  /** Draws now. */
  flush(): void {
    const begun = performance.now();
    const now = Date.now();
    if (this.#isStructure) this.#thread.arrange(this.#session, now);
    else for (const id of this.#touched) this.#thread.update(this.#session, id, now);
    this.#isStructure = false;
    this.#touched.clear();
    this.#notBefore = performance.now() + (performance.now() - begun) * (1 / SHARE - 1);
    this.#drawn();
    this.#tick();
  }

  #schedule(): void {
    if (this.#frame !== 0) return;
    const draw = () => {
      if (performance.now() < this.#notBefore) {
        this.#frame = requestAnimationFrame(draw);
        return;
      }
      this.#frame = 0;
      this.flush();
    };
    this.#frame = requestAnimationFrame(draw);
  }

  #tick(): void {
    if (this.#ticker !== undefined || !this.#thread.tick(Date.now())) return;
    this.#ticker = setInterval(() => {
      if (this.#thread.tick(Date.now())) return;
      clearInterval(this.#ticker);
      this.#ticker = undefined;
    }, TICK_MS);
  }
}
