import type { KnownMessage } from "../models/known";
import type { PendingMessage, Session } from "../models/session";
import { plainText } from "../models/text";
import { formatMoment } from "../models/words";
import { AnswerView } from "./answer";
import { element, setText } from "./elements";

/** The list of messages as elements: one for each, kept as long as the message is shown. */
export class ThreadView {
  readonly #list: HTMLElement;
  readonly #modelName: (modelId: string | null) => string;
  readonly #answers = new Map<string, AnswerView>();
  readonly #people = new Map<string, HTMLElement>();

  constructor(list: HTMLElement, modelName: (modelId: string | null) => string) {
    this.#list = list;
    this.#modelName = modelName;
  }

  /** Puts every message of the branch in its place, then those on their way. */
  arrange(session: Session, now: number): void {
    const wanted: HTMLElement[] = [];
    for (const id of session.model.branch) {
      const message = session.model.message(id);
      if (message === undefined) continue;
      wanted.push(message.info.role === "user" ? this.#person(message) : this.#answer(id, now).element);
    }
    for (const pending of session.pending) wanted.push(this.#pending(pending));
    const keep = new Set<Element>(wanted);
    for (const child of [...this.#list.children]) if (!keep.has(child)) this.#forget(child);
    wanted.forEach((child, index) => {
      const current = this.#list.children[index];
      if (current !== child) this.#list.insertBefore(child, current ?? null);
    });
    for (const id of this.#answers.keys()) this.update(session, id, now);
  }

  update(session: Session, id: string, now: number): void {
    const message = session.model.message(id);
    const view = this.#answers.get(id);
    if (message === undefined || view === undefined) return;
    const turn = session.model.turnOf(id);
    view.update(
      {
        message,
        turn,
        modelName: this.#modelName(message.info.model_id),
        isWaiting: session.isWaiting(id),
        isLast: session.model.leafId === id,
      },
      now,
    );
  }

  /** A second has passed. True while something counts. */
  tick(now: number): boolean {
    let isCounting = false;
    for (const view of this.#answers.values()) isCounting = view.tick(now) || isCounting;
    return isCounting;
  }

  #answer(id: string, now: number): AnswerView {
    let view = this.#answers.get(id);
    if (view === undefined) {
      view = new AnswerView(id, now);
      this.#answers.set(id, view);
    }
    return view;
  }

  #person(message: KnownMessage): HTMLElement {
    const text = plainText(message.parts);
    const view = this.#ownMessage(message.info.id, text);
    view.removeAttribute("data-pending");
    view.title = formatMoment(message.info.created_at);
    return view;
  }

  #pending(message: PendingMessage): HTMLElement {
    const view = this.#ownMessage(message.messageId, message.text);
    view.setAttribute("data-pending", "");
    return view;
  }

  #ownMessage(id: string, text: string): HTMLElement {
    let view = this.#people.get(id);
    if (view === undefined) {
      view = element(
        "article",
        { class: "message message--user", "data-message-id": id, "aria-label": "Your message" },
        element("div", { class: "message__text", dir: "auto" }),
      );
      this.#people.set(id, view);
    }
    setText(view.firstElementChild ?? view, text);
    return view;
  }

  #forget(child: Element): void {
    const id = child.getAttribute("data-message-id") ?? "";
    this.#answers.delete(id);
    this.#people.delete(id);
    child.remove();
  }
}
