import { type IconName, icon } from "./icons";

type Attributes = Readonly<Record<string, string>>;
type Child = Node | string;

/** An element by name, with attributes and children. Strings become text, never markup. */
export function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** A button that shows an icon; `act` is what the list of messages does when it is pressed. */
export function iconButton(label: string, name: IconName, act: string): HTMLButtonElement {
  const attributes = {
    type: "button",
    class: "icon-button",
    "aria-label": label,
    title: label,
    "data-act": act,
  };
  return element("button", attributes, icon(name));
}

export function textButton(label: string, act: string, isPrimary = false): HTMLButtonElement {
  const style = isPrimary ? "button button--primary" : "button";
  return element("button", { type: "button", class: style, "data-act": act }, label);
}

/** Sets text only where it differs, so that nothing is announced or selected away for nothing. */
export function setText(target: Element, text: string): void {
  if (target.textContent !== text) target.textContent = text;
}

/** What matches below `root`, and `root` itself where it does. */
export function matching(root: Element | DocumentFragment, selector: string): Element[] {
  const below = [...root.querySelectorAll(selector)];
  return root instanceof Element && root.matches(selector) ? [root, ...below] : below;
}
