import { element } from "./elements";

const SENTENCES = {
  deleted: "This conversation was deleted. Undo brings it back.",
  gone: "This conversation isn't here any more.",
} as const;

/** Stands below the messages where a conversation has ended while it was open. */
export function drawEnding(target: HTMLElement, kind: keyof typeof SENTENCES): void {
  const actions = element("div", { class: "ending__actions" });
  actions.append(element("a", { class: "button button--primary", href: "/" }, "New conversation"));
  target.replaceChildren(element("p", {}, SENTENCES[kind]), actions);
  target.hidden = false;
}
