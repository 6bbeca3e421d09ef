import katex from "katex";

// Against formulas made to grow without end.
const MAX_CHARACTERS = 5_000;
const MAX_EXPANSIONS = 500;

/** MathML of a formula; null where it can't be read. */
export function typeset(source: string, isDisplay: boolean): string | null {
  if (source.length > MAX_CHARACTERS) return null;
  try {
    return katex.renderToString(source, {
      output: "mathml",
      displayMode: isDisplay,
      throwOnError: true,
      strict: false,
      trust: false,
      maxExpand: MAX_EXPANSIONS,
      maxSize: 20,
    });
  } catch {
    return null;
  }
}
