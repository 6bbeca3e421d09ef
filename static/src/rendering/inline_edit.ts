import { element } from "./elements";

const TITLE_CHARACTERS_MAX = 80;

/** Puts a field in the place of a title. Enter and leaving it save, Escape does not. */
export function editInPlace(shown: HTMLElement, title: string, save: (title: string) => void): void {
  const field = element("input", {
    class: "sidebar__rename",
    "aria-label": "Title",
    maxlength: String(TITLE_CHARACTERS_MAX),
  });
  field.value = title;
  let isDone = false;
  const finish = (keep: boolean) => {
    if (isDone) return;
    isDone = true;
    const hadFocus = document.activeElement === field;
    field.remove();
    shown.hidden = false;
    if (hadFocus) shown.focus();
    const wanted = field.value.trim();
    if (keep && wanted !== "" && wanted !== title) save(wanted);
  };
  field.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "Enter") finish(true);
    else if (event.key === "Escape") finish(false);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  field.addEventListener("blur", () => finish(true));
  shown.hidden = true;
  shown.before(field);
  field.focus();
  field.select();
}
