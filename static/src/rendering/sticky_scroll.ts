const NEAR_END_PX = 48;

/**
 * Keeps the end of the conversation in view while the reader is there, and lets go the moment they
 * move up, by whatever means.
 */
export class StickyScroll {
  readonly #scroller: HTMLElement;
  readonly #onAway: (isAway: boolean) => void;
  #isStuck = true;
  #lastTop = 0;

  constructor(scroller: HTMLElement, content: HTMLElement, onAway: (isAway: boolean) => void) {
    this.#scroller = scroller;
    this.#onAway = onAway;
    scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    scroller.addEventListener("wheel", (event) => event.deltaY < 0 && this.#release(), { passive: true });
    const observer = new ResizeObserver(() => this.follow());
    observer.observe(content);
    observer.observe(scroller);
  }

  /** To the end where the reader is there already. */
  follow(): void {
    if (this.#isStuck) this.#toEnd();
    else this.#tell();
  }

  /** To the end, whatever the reader was looking at. */
  jump(): void {
    this.#isStuck = true;
    this.#toEnd();
    this.#tell();
  }

  /** Runs `change`, which adds something above, without moving what the reader looks at. */
  keepingPlace(change: () => void): void {
    const fromEnd = this.#scroller.scrollHeight - this.#scroller.scrollTop;
    change();
    this.#scroller.scrollTop = this.#scroller.scrollHeight - fromEnd;
  }

  #toEnd(): void {
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
    this.#lastTop = this.#scroller.scrollTop;
  }

  #scrolled(): void {
    const top = this.#scroller.scrollTop;
    const movedUp = top < this.#lastTop - 1;
    this.#lastTop = top;
    // The end may come nearer by itself, when the content shrinks: only that or a reader sticks again.
    if (movedUp && this.#distance() > NEAR_END_PX) this.#isStuck = false;
    else if (!movedUp && this.#distance() <= NEAR_END_PX) this.#isStuck = true;
    this.#tell();
  }

  #release(): void {
    if (this.#scroller.scrollHeight > this.#scroller.clientHeight) this.#isStuck = false;
  }

  #distance(): number {
    return this.#scroller.scrollHeight - this.#scroller.clientHeight - this.#scroller.scrollTop;
  }

  #tell(): void {
    this.#onAway(!this.#isStuck && this.#distance() > NEAR_END_PX);
  }
}
