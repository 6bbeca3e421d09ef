import highlighter from "highlight.js/lib/common";

/** HTML of the coloured code; null where the language is not known. */
export function highlight(code: string, language: string): string | null {
  const name = language.toLowerCase();
  if (highlighter.getLanguage(name) === undefined) return null;
  return highlighter.highlight(code, { language: name, ignoreIllegals: true }).value;
}
