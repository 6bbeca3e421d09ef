import type { ReasoningPart } from "../protocol/types";
import type { MessagePart } from "./known";

/**
 * What stands together on the page. Texts with a "continued" between them are one text with a seam, so that a
 * code block or a table that was cut is drawn as one. What an answer begun anew replaced is superseded.
 */
export type Passage = { isSuperseded: boolean } & (
  | { readonly kind: "text"; text: string; readonly seams: Array<{ at: number; sentence: string }> }
  | { readonly kind: "reasoning"; readonly part: ReasoningPart }
  | { readonly kind: "notice"; readonly sentence: string }
);

export function passagesOf(parts: readonly MessagePart[]): Passage[] {
  const passages: Passage[] = [];
  parts.forEach((part, index) => {
    const last = passages.at(-1);
    if (part.kind === "reasoning") {
      passages.push({ kind: "reasoning", part, isSuperseded: false });
    } else if (part.kind === "text" && last?.kind === "text") {
      last.text += part.text;
    } else if (part.kind === "text") {
      passages.push({ kind: "text", text: part.text, seams: [], isSuperseded: false });
    } else if (part.kind === "notice") {
      if (part.notice === "restarted") for (const passage of passages) passage.isSuperseded = true;
      // A notice that nothing follows yet may still get a text: it waits in the seam of the one before.
      const isSeam = part.notice === "continued" && last?.kind === "text";
      if (isSeam && parts[index + 1]?.kind !== "reasoning") {
        last.seams.push({ at: last.text.length, sentence: part.sentence });
      } else {
        passages.push({ kind: "notice", sentence: part.sentence, isSuperseded: false });
      }
    }
  });
  return passages;
}
