import { element } from "./elements";

const SENTENCES = {
  deleted: "This conversation was deleted.",
  gone: "This conversation isn't here any more.",
} as const;

/** Stands below the messages where a conversation has ended while it was open. */
export function drawEnding(target: HTMLElement, kind: keyof typeof SENTENCES, undo?: () => void): void {
  const actions = element("div", { class: "ending__actions" });
  if (kind === "deleted" && undo !== undefined) {
    const button = element("button", { type: "button", class: "button button--primary" }, "Bring it back");
    button.addEventListener("click", undo);
    actions.append(button);
  }
  actions.append(element("a", { class: "button", href: "/" }, "New conversation"));
  target.replaceChildren(element("p", {}, SENTENCES[kind]), actions);
  target.hidden = false;
}
