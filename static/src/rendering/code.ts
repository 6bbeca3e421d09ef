import { element, iconButton, matching } from "./elements";
import { codeFragment } from "./sink";

type Highlighter = (code: string, language: string) => string | null;

// Longer code is shown plain: colouring it would stop the page for longer than it helps.
const MAX_CHARACTERS = 60_000;
let highlighter: Promise<Highlighter> | undefined;

/** Gives every bare code block its head: language, wrap, copy. */
export function dressCode(root: Element | DocumentFragment): void {
  for (const figure of matching(root, "figure.code")) {
    const language = figure.getAttribute("data-language") || "text";
    figure.prepend(
      element(
        "figcaption",
        {},
        element("span", { class: "code__language" }, language),
        iconButton("Wrap lines", "wrap-text", "wrap-code"),
        iconButton("Copy code", "copy", "copy-code"),
      ),
    );
  }
}

/** Colours code blocks that are finished. The highlighter is fetched with the first one. */
export function highlightCode(root: Element | DocumentFragment): void {
  for (const code of matching(root, "figure.code code:not([data-highlighted])")) {
    const language = code.closest("figure")?.getAttribute("data-language") ?? "";
    const text = code.textContent ?? "";
    if (language === "" || text === "" || text.length > MAX_CHARACTERS) continue;
    void highlight(code, text, language);
  }
}

async function highlight(code: Element, text: string, language: string): Promise<void> {
  highlighter ??= import("./highlighter").then((module) => module.highlight);
  let html: string | null;
  try {
    html = (await highlighter)(text, language);
  } catch {
    highlighter = undefined; // The chunk could not be fetched: plain code is fine, next time may do.
    return;
  }
  if (html === null || code.textContent !== text) return;
  code.replaceChildren(codeFragment(html));
  code.setAttribute("data-highlighted", "");
}
