import DOMPurify, { type Config } from "dompurify";

/*
 * The one place where text from a model becomes elements of the page. Everything else builds elements
 * by name and sets text. Reviewed together: the lists below, `markdown.ts` (makes the HTML, without
 * HTML from the source) and `formulas.ts` (KaTeX's MathML).
 */

const TAGS = [
  "a", "blockquote", "br", "code", "del", "div", "em", "figure", "h1", "h2", "h3", "h4", "h5", "h6",
  "hr", "li", "ol", "p", "pre", "s", "span", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
]; // biome-ignore format: a list to read
const ATTRIBUTES = ["class", "data-language", "data-math", "href", "start", "tabindex", "align"];
const CLASSES = new Set(["code", "image-link", "math", "math--block", "table", "task", "task--done"]);
const LINK = /^(?:https?:|mailto:)/i;

const ANSWER: Config = {
  ALLOWED_TAGS: TAGS,
  ALLOWED_ATTR: ATTRIBUTES,
  ALLOWED_URI_REGEXP: LINK,
  ADD_URI_SAFE_ATTR: ["align", "data-language", "data-math", "start", "tabindex"],
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  RETURN_DOM_FRAGMENT: true,
};
const FORMULA: Config = {
  USE_PROFILES: { mathMl: true },
  // KaTeX keeps the source beside the formula: screen readers and copying use it.
  ADD_TAGS: ["semantics", "annotation"],
  FORBID_ATTR: ["style", "href", "xlink:href", "class", "id"],
  ALLOW_DATA_ATTR: false,
  RETURN_DOM_FRAGMENT: true,
};
const CODE: Config = {
  ALLOWED_TAGS: ["span"],
  ALLOWED_ATTR: ["class"],
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  RETURN_DOM_FRAGMENT: true,
};

function purify(html: string, config: Config): DocumentFragment {
  return DOMPurify.sanitize(html, config) as unknown as DocumentFragment;
}

/** HTML made from an answer's Markdown. Links open elsewhere and tell nothing about this page. */
export function answerFragment(html: string): DocumentFragment {
  const fragment = purify(html, ANSWER);
  for (const element of fragment.querySelectorAll("[class]")) {
    for (const name of [...element.classList]) if (!CLASSES.has(name)) element.classList.remove(name);
  }
  for (const link of fragment.querySelectorAll("a")) {
    if (!LINK.test(link.getAttribute("href") ?? "")) link.removeAttribute("href");
    link.target = "_blank";
    link.rel = "noopener noreferrer nofollow";
  }
  return fragment;
}

/** MathML made by KaTeX. */
export function formulaFragment(html: string): DocumentFragment {
  return purify(html, FORMULA);
}

/** Spans made by highlight.js; their classes only colour. */
export function codeFragment(html: string): DocumentFragment {
  return purify(html, CODE);
}
