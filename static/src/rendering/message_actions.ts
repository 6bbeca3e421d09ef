import type { ModelChoice } from "../models/choices";
import type { Session } from "../models/session";
import { plainText } from "../models/text";
import { copyText } from "./clipboard";

const COPIED_MS = 2_000;

/** What the message list needs from the page around it. */
export interface Surroundings {
  readonly choice: ModelChoice;
  chooseModel(): void;
  reuseText(text: string): void;
}

/** What the buttons inside messages do. One listener for all of them. */
export class MessageActions {
  readonly #session: Session;
  readonly #around: Surroundings;
  /** The answer to try again once another model is picked. */
  #awaitingModel: string | null = null;

  constructor(session: Session, around: Surroundings) {
    this.#session = session;
    this.#around = around;
  }

  act(event: Event): void {
    const button = event.target instanceof Element ? event.target.closest("[data-act]") : null;
    if (!(button instanceof HTMLElement)) return;
    const answerId = button.closest("[data-message-id]")?.getAttribute("data-message-id") ?? "";
    switch (button.dataset["act"]) {
      case "copy-answer":
        void this.#copy(button, this.#markdownOf(answerId));
        break;
      case "copy-code":
        void this.#copy(button, button.closest("figure")?.querySelector("code")?.textContent ?? "");
        break;
      case "wrap-code":
        this.#wrap(button);
        break;
      case "retry":
        this.#retry(answerId);
        break;
      case "choose-model":
        this.#awaitingModel = answerId;
        this.#around.chooseModel();
        break;
      case "edit-message":
        this.#around.reuseText(this.#questionOf(answerId));
        break;
      case "reload":
        location.reload();
        break;
    }
  }

  /** True where it was picked for an answer that is tried again with it. */
  modelPicked(): boolean {
    const answerId = this.#awaitingModel;
    this.#awaitingModel = null;
    if (answerId === null || this.#session.model.leafId !== answerId) return false;
    this.#retry(answerId);
    return true;
  }

  noModelPicked(): void {
    this.#awaitingModel = null;
  }

  #retry(answerId: string): void {
    const asked = this.#session.model.turnOf(answerId)?.message_id;
    const { modelId, effortToSend } = this.#around.choice;
    if (asked !== undefined) this.#session.retry(asked, modelId, effortToSend);
  }

  #markdownOf(answerId: string): string {
    return plainText(this.#session.model.message(answerId)?.parts ?? []);
  }

  #questionOf(answerId: string): string {
    const asked = this.#session.model.turnOf(answerId)?.message_id ?? "";
    return plainText(this.#session.model.message(asked)?.parts ?? []);
  }

  async #copy(button: HTMLElement, text: string): Promise<void> {
    const worked = await copyText(text);
    const name = button.getAttribute("aria-label") ?? "";
    if (button.hasAttribute("data-done")) return;
    const use = button.querySelector("use");
    const icon = use?.getAttribute("href") ?? "";
    button.setAttribute("data-done", "");
    button.setAttribute("aria-label", worked ? "Copied" : "Copying is not allowed here");
    use?.setAttribute("href", worked ? "#icon-check" : "#icon-x");
    setTimeout(() => {
      button.removeAttribute("data-done");
      button.setAttribute("aria-label", name);
      use?.setAttribute("href", icon);
    }, COPIED_MS);
  }

  #wrap(button: HTMLElement): void {
    const figure = button.closest("figure");
    const isWrapped = figure?.toggleAttribute("data-wrap") ?? false;
    button.setAttribute("aria-pressed", String(isWrapped));
  }
}
