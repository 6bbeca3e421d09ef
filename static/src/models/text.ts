import type { MessagePart } from "./known";

/** The words that count as a message: text parts, without those that an answer begun anew replaced. */
export function plainText(parts: readonly MessagePart[]): string {
  let words = "";
  for (const part of parts) {
    if (part.kind === "text") words += part.text;
    else if (part.kind === "notice" && part.notice === "restarted") words = "";
  }
  return words;
}
