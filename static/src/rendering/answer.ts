import { isUnfinished, type KnownMessage } from "../models/known";
import { type Passage, passagesOf } from "../models/passages";
import { formatDuration } from "../models/words";
import type { TurnInfo } from "../protocol/types";
import { element, iconButton, setText, textButton } from "./elements";
import { failureCard, secondsToWait, updateRetry } from "./failure";
import { ReasoningView } from "./reasoning";
import { StreamedText } from "./streamed_text";

const ELAPSED_AFTER_MS = 3_000;
/** A turn seen this soon after it was made is timed by this clock, others by the server's. */
const FRESH_MS = 5_000;

export interface AnswerState {
  readonly message: KnownMessage;
  readonly turn: TurnInfo | undefined;
  readonly modelName: string;
  readonly isWaiting: boolean;
  readonly isLast: boolean;
}

type PartView = ReasoningView | StreamedText | NoticeView;

/** One answer: model, reasoning, text, and how it stands. */
export class AnswerView {
  readonly element: HTMLElement;
  readonly #author = element("p", { class: "message__author" });
  readonly #parts = element("div", { class: "message__parts" });
  readonly #state = element("div", { class: "message__state" });
  readonly #actions = element("div", { class: "message__actions" });
  readonly #views: PartView[] = [];
  readonly #firstSeen: number;
  #shown: AnswerState | null = null;
  #stateKey = "";
  #silentSince: number | null = null;

  constructor(id: string, now: number) {
    this.#firstSeen = now;
    this.#actions.append(iconButton("Copy answer as Markdown", "copy", "copy-answer"));
    this.element = element(
      "article",
      { class: "message message--assistant", "data-message-id": id },
      this.#author,
      this.#parts,
      this.#state,
      this.#actions,
    );
  }

  update(state: AnswerState, now: number): void {
    this.#shown = state;
    const isRunning = isUnfinished(state.turn);
    const hasText = state.message.parts.some((part) => part.kind === "text" && part.text !== "");
    setText(this.#author, state.modelName);
    this.element.setAttribute("aria-label", `Answer from ${state.modelName}`);
    this.element.toggleAttribute("data-running", isRunning);
    this.element.toggleAttribute("data-last", state.isLast);
    this.#actions.hidden = isRunning || !hasText;
    this.#drawParts(state.message, !isRunning, now);
    this.#drawState(state, isRunning, hasText, now);
  }

  /** A second has passed. True while there is something that counts. */
  tick(now: number): boolean {
    const state = this.#shown;
    if (state === null) return false;
    for (const view of this.#views) if (view.kind === "reasoning") view.tick(now);
    const isCounting = this.#count(state, now);
    return isUnfinished(state.turn) || isCounting;
  }

  #drawParts(message: KnownMessage, isFinal: boolean, now: number): void {
    const passages = passagesOf(message.parts);
    passages.forEach((passage, index) => {
      const isPassageFinal = isFinal || index < passages.length - 1;
      let view = this.#views[index];
      if (view === undefined || view.kind !== passage.kind) {
        const made = passageView(passage, now);
        if (view === undefined) this.#parts.append(made.element);
        else view.element.replaceWith(made.element);
        this.#views[index] = made;
        view = made;
      }
      view.element.toggleAttribute("data-superseded", passage.isSuperseded);
      if (view.kind === "text" && passage.kind === "text") {
        view.update(passage.text, isPassageFinal, passage.seams);
      } else if (view.kind === "reasoning" && passage.kind === "reasoning") {
        view.update(passage.part, isPassageFinal, now);
      }
    });
    for (const extra of this.#views.splice(passages.length)) extra.element.remove();
  }

  /** Rebuilt only when it changes its kind: nothing in it loses focus while text arrives. */
  #drawState(state: AnswerState, isRunning: boolean, hasText: boolean, now: number): void {
    const { turn, isLast } = state;
    const waitsForText = isRunning && state.message.parts.length === 0;
    const isSilent = isRunning && state.message.silentSeconds > 0;
    if (!isSilent) this.#silentSince = null;
    else this.#silentSince ??= now - state.message.silentSeconds * 1000;
    const key = [
      turn?.state,
      turn?.id,
      turn?.error?.code,
      state.isWaiting,
      waitsForText,
      isSilent,
      hasText,
      isLast,
    ].join();
    if (key === this.#stateKey) return;
    this.#stateKey = key;
    this.#state.replaceChildren(...stateElements(state, waitsForText, isSilent));
    this.#count(state, now);
  }

  #count(state: AnswerState, now: number): boolean {
    const { turn } = state;
    const silence = this.#state.querySelector(".message__silence");
    if (silence !== null && this.#silentSince !== null) {
      const silent = formatDuration(now - this.#silentSince);
      setText(silence, `The provider has sent nothing for ${silent}. Still waiting.`);
      return true;
    }
    const elapsed = this.#state.querySelector(".dots__elapsed");
    if (elapsed !== null && turn !== undefined) {
      const milliseconds = now - this.#startedAt(turn);
      setText(elapsed, milliseconds >= ELAPSED_AFTER_MS ? formatDuration(milliseconds) : "");
      return true;
    }
    if (turn?.state !== "failed" || !turn.error?.retry_after_seconds) return false;
    const seconds = secondsToWait(turn, now);
    updateRetry(this.#state, seconds);
    return seconds > 0;
  }

  #startedAt(turn: TurnInfo): number {
    const made = Date.parse(turn.started_at ?? turn.created_at);
    return this.#firstSeen - made > FRESH_MS ? made : this.#firstSeen;
  }
}

/** Where an answer was cut and went on, or began anew. */
class NoticeView {
  readonly kind = "notice";
  readonly element: HTMLElement;

  constructor(sentence: string) {
    this.element = element("p", { class: "seam" }, sentence);
  }
}

function passageView(passage: Passage, now: number): PartView {
  switch (passage.kind) {
    case "reasoning":
      return new ReasoningView(now);
    case "notice":
      return new NoticeView(passage.sentence);
    case "text":
      return new StreamedText(element("div", { class: "prose", dir: "auto" }));
  }
}

function stateElements(
  { turn, isWaiting, isLast }: AnswerState,
  waitsForText: boolean,
  isSilent: boolean,
): HTMLElement[] {
  if (turn === undefined) return [];
  if (isWaiting) return [element("p", { class: "message__note" }, "Waiting for the answer before it")];
  if (isSilent) return [element("p", { class: "message__note message__silence" })];
  if (waitsForText) return [dots()];
  if (turn.state === "failed" && turn.error !== null) return [failureCard(turn.error, turn.model_id, isLast)];
  if (turn.state === "stopped") {
    const note = element("p", { class: "message__note" }, "Stopped. What came is kept. ");
    if (isLast) note.append(textButton("Try again", "retry"));
    return [note];
  }
  if (turn.state === "completed" && turn.finish_reason === "length") {
    return [element("p", { class: "message__note" }, "The answer reached the model's limit.")];
  }
  return [];
}

function dots(): HTMLElement {
  const marks = element("span", { class: "dots__marks", "aria-hidden": "true" });
  marks.append(element("i"), element("i"), element("i"));
  const name = element("span", { class: "visually-hidden" }, "The answer is on its way.");
  return element("p", { class: "dots" }, marks, name, element("span", { class: "dots__elapsed" }));
}
