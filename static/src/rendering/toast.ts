import { element } from "./elements";

const SHOWN_MS = 10_000;

/** A short word about something done elsewhere, with a way back where there is one. */
export function toast(text: string, undo?: () => void): void {
  const made = element("div", { class: "toast" }, element("span", {}, text));
  let timer = setTimeout(() => made.remove(), SHOWN_MS);
  const hold = () => clearTimeout(timer);
  const letGo = () => {
    clearTimeout(timer);
    timer = setTimeout(() => made.remove(), SHOWN_MS);
  };
  for (const event of ["pointerenter", "focusin"]) made.addEventListener(event, hold);
  for (const event of ["pointerleave", "focusout"]) made.addEventListener(event, letGo);
  if (undo !== undefined) {
    const button = element("button", { type: "button" }, "Undo");
    button.addEventListener("click", () => {
      clearTimeout(timer);
      made.remove();
      undo();
    });
    made.append(button);
  }
  document.getElementById("toasts")?.append(made);
}
