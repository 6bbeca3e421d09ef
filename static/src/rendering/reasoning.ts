import { formatDuration } from "../models/words";
import type { ReasoningPart } from "../protocol/types";
import { element, setText } from "./elements";
import { StreamedText } from "./streamed_text";

/** What a model thought: one muted line that opens in place. Its text is drawn only while it is open. */
export class ReasoningView {
  readonly kind = "reasoning";
  readonly element: HTMLDetailsElement;
  readonly #summary = element("summary", {});
  readonly #text = new StreamedText(element("div", { class: "prose reasoning__text", dir: "auto" }));
  readonly #since: number;
  #part: ReasoningPart | null = null;
  #isFinal = false;

  constructor(now: number) {
    this.#since = now;
    this.element = element("details", { class: "reasoning" }, this.#summary, this.#text.element);
    this.element.addEventListener("toggle", () => this.#draw());
  }

  update(part: ReasoningPart, isFinal: boolean, now: number): void {
    this.#part = part;
    this.#isFinal = isFinal;
    this.tick(now);
    this.#draw();
  }

  tick(now: number): void {
    const duration = this.#part?.duration_ms ?? null;
    if (duration !== null) setText(this.#summary, `Thought for ${formatDuration(Math.max(1000, duration))}`);
    else if (this.#isFinal) setText(this.#summary, "Thought");
    else setText(this.#summary, `Thinking… ${formatDuration(now - this.#since)}`);
  }

  #draw(): void {
    if (!this.element.open || this.#part === null) return;
    this.#text.update(this.#part.text, this.#isFinal || typeof this.#part.duration_ms === "number");
  }
}
