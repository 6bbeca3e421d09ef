import type { MarkdownIt } from "markdown-it";

type InlineRule = Parameters<MarkdownIt["inline"]["ruler"]["push"]>[1];
type BlockRule = Parameters<MarkdownIt["block"]["ruler"]["push"]>[1];

const DOLLAR = 0x24;
const BACKSLASH = 0x5c;
const SPACE = /\s/;
const DIGIT = /\d/;

/** `$…$` with pandoc's rules (no space inside the marks, no digit after), so that prices stay prices. */
const dollarMath: InlineRule = (state, silent) => {
  const { src, pos, posMax } = state;
  if (src.charCodeAt(pos) !== DOLLAR) return false;
  const marks = src.startsWith("$$", pos) ? "$$" : "$";
  const start = pos + marks.length;
  const end = closingMark(src, marks, start, posMax);
  if (end < 0) return false;
  const content = src.slice(start, end);
  if (marks === "$") {
    if (SPACE.test(content[0] ?? " ") || SPACE.test(content.at(-1) ?? " ")) return false;
    if (DIGIT.test(src[end + 1] ?? "")) return false;
  }
  if (content.trim() === "") return false;
  if (!silent) pushMath(state, content, marks === "$$");
  state.pos = end + marks.length;
  return true;
};

function closingMark(src: string, marks: string, start: number, limit: number): number {
  for (let at = src.indexOf(marks, start); at >= 0 && at < limit; at = src.indexOf(marks, at + 1)) {
    let slashes = 0;
    while (src.charCodeAt(at - 1 - slashes) === BACKSLASH) slashes += 1;
    if (slashes % 2 === 0) return at;
  }
  return -1;
}

/** `\(…\)` and `\[…\]` inside a line. */
const bracketMath: InlineRule = (state, silent) => {
  const { src, pos, posMax } = state;
  if (src.charCodeAt(pos) !== BACKSLASH) return false;
  const open = src[pos + 1];
  if (open !== "(" && open !== "[") return false;
  const end = src.indexOf(open === "(" ? "\\)" : "\\]", pos + 2);
  if (end < 0 || end >= posMax) return false;
  const content = src.slice(pos + 2, end);
  if (content.trim() === "") return false;
  if (!silent) pushMath(state, content, open === "[");
  state.pos = end + 2;
  return true;
};

function pushMath(state: Parameters<InlineRule>[0], content: string, isDisplay: boolean): void {
  const token = state.push("math_inline", "span", 0);
  token.content = content.trim();
  token.meta = { isDisplay };
}

const FENCES = [
  ["$$", "$$"],
  ["\\[", "\\]"],
] as const;

/**
 * Display maths on lines of its own. It ends at its closing mark; a blank line or the end of the text
 * before that makes it ordinary text, so that a lone `$$` never swallows the rest of an answer. While
 * an answer is being written (`env.isGrowing`) the end of the text leaves it open instead.
 */
const mathBlock: BlockRule = (state, startLine, endLine, silent) => {
  const fence = FENCES.find(([open]) => lineOf(state, startLine).startsWith(open));
  if (fence === undefined || state.sCount[startLine]! - state.blkIndent >= 4) return false;
  const [open, close] = fence;
  const lines: string[] = [];
  for (let line = startLine; line < endLine; line += 1) {
    let text = lineOf(state, line);
    if (line > startLine && (text.trim() === "" || state.sCount[line]! < state.blkIndent)) return false;
    if (line === startLine) text = text.slice(open.length);
    const end = text.indexOf(close);
    if (end < 0) {
      lines.push(text);
      continue;
    }
    if (text.slice(end + close.length).trim() !== "") return false;
    lines.push(text.slice(0, end));
    return finishBlock(state, startLine, line + 1, lines, { silent, isOpen: false });
  }
  if (!(state.env as { isGrowing?: boolean }).isGrowing || endLine < state.lineMax) return false;
  return finishBlock(state, startLine, endLine, lines, { silent, isOpen: true });
};

function lineOf(state: Parameters<BlockRule>[0], line: number): string {
  return state.src.slice(state.bMarks[line]! + state.tShift[line]!, state.eMarks[line]);
}

function finishBlock(
  state: Parameters<BlockRule>[0],
  startLine: number,
  nextLine: number,
  lines: string[],
  { silent, isOpen }: { silent: boolean; isOpen: boolean },
): boolean {
  const content = lines.join("\n").trim();
  if (content === "" && !isOpen) return false;
  if (silent) return true;
  const token = state.push("math_block", "div", 0);
  token.block = true;
  token.content = content;
  token.map = [startLine, nextLine];
  token.meta = { isOpen };
  state.line = nextLine;
  return true;
}

/** Formulas become elements that hold their source; `formulas.ts` draws them. */
export function mathPlugin(markdown: MarkdownIt): void {
  const { escapeHtml } = markdown.utils;
  markdown.inline.ruler.before("escape", "math_bracket", bracketMath);
  markdown.inline.ruler.after("escape", "math_dollar", dollarMath);
  markdown.block.ruler.before("fence", "math_block", mathBlock, {
    alt: ["paragraph", "reference", "blockquote", "list"],
  });
  markdown.renderer.rules["math_inline"] = (tokens, index) => {
    const token = tokens[index]!;
    const kind = token.meta?.isDisplay ? "display" : "inline";
    return `<span class="math" data-math="${kind}">${escapeHtml(token.content)}</span>`;
  };
  markdown.renderer.rules["math_block"] = (tokens, index) => {
    const token = tokens[index]!;
    const kind = token.meta?.isOpen ? "open" : "display";
    return `<div class="math math--block" data-math="${kind}">${escapeHtml(token.content)}</div>\n`;
  };
}
