import type { Token } from "markdown-it";
import { type MarkdownEnv, markdown } from "./markdown";

/** One top-level block of an answer, as HTML that has not been sanitised yet. */
export interface Block {
  readonly html: string;
}

/** The blocks from index `from` on; those before it are as they were. */
export interface BlockUpdate {
  readonly from: number;
  readonly blocks: readonly Block[];
}

// A last line of nothing but marks may still become a list, a rule, a heading underline or a fence.
const UNDECIDED_LINE = /(^|\n)[ \t>]*([-=*_`~#+|:\\[\]$ \t]+|\d{1,9}[.)]?[ \t]*)$/;
// A lone row of a table may still be text: its second line decides.
const UNDECIDED_TABLE = /(^|\n)(?<row> {0,3}\|[^\n]*)(\n[ |:-]*)?$/;

/**
 * Cuts a growing Markdown text into top-level blocks and never parses a finished one again.
 *
 * A block is finished once another one begins after it on a line that is complete: only the last block
 * can still change its kind or grow. What may reach back all the same, a link definition that comes
 * after its use, is settled by `finish`, which parses the whole text once.
 */
export class BlockSplitter {
  #source = "";
  /** Where the text that may still change begins, and how many blocks stand before it. */
  #settledLength = 0;
  #settledBlocks = 0;
  #settledEnv: MarkdownEnv = {};

  /** The text so far; it must begin with the text before. */
  grow(source: string): BlockUpdate {
    this.#source = source;
    const from = this.#settledBlocks;
    const settled = this.#settle();
    const tail = withoutUndecided(source.slice(this.#settledLength));
    return { from, blocks: [...settled, ...render(tail, { ...this.#tailEnv(), isGrowing: true })] };
  }

  /** The whole text, parsed once as a whole. */
  finish(source: string): BlockUpdate {
    this.#source = source;
    this.#settledLength = source.length;
    const blocks = render(source, {});
    this.#settledBlocks = blocks.length;
    return { from: 0, blocks };
  }

  /** Starts over, for a text that does not continue the one before. */
  reset(): void {
    this.#source = "";
    this.#settledLength = 0;
    this.#settledBlocks = 0;
    this.#settledEnv = {};
  }

  get source(): string {
    return this.#source;
  }

  #settle(): Block[] {
    const tail = this.#source.slice(this.#settledLength);
    const length = finishedLength(tail, { ...this.#tailEnv(), isGrowing: true });
    if (length === 0) return [];
    const blocks = render(tail.slice(0, length), this.#settledEnv);
    this.#settledLength += length;
    this.#settledBlocks += blocks.length;
    return blocks;
  }

  /** Definitions of finished blocks hold for the tail; those of the tail may still change. */
  #tailEnv(): MarkdownEnv {
    return { references: { ...this.#settledEnv.references } };
  }
}

/** How much of `tail` belongs to blocks that can't change any more, judged by its complete lines. */
function finishedLength(tail: string, env: MarkdownEnv): number {
  const lines = tail.slice(0, tail.lastIndexOf("\n") + 1);
  if (lines === "") return 0;
  const tokens: Token[] = [];
  markdown.block.parse(lines, markdown, env, tokens);
  const blocks = tokens.filter((token) => token.level === 0 && token.nesting >= 0 && token.map);
  // A formula that is still open may turn out to be a line of the paragraph above it.
  if (blocks.at(-1)?.meta?.isOpen) blocks.pop();
  const last = blocks.at(-1)?.map?.[0];
  return blocks.length < 2 || last === undefined ? 0 : offsetOfLine(lines, last);
}

/** How many top-level blocks a text has. */
export function countBlocks(source: string): number {
  const tokens: Token[] = [];
  markdown.block.parse(source, markdown, {}, tokens);
  return tokens.filter((token) => token.level === 0 && token.nesting >= 0).length;
}

function offsetOfLine(text: string, line: number): number {
  let offset = 0;
  for (let seen = 0; seen < line; seen += 1) offset = text.indexOf("\n", offset) + 1;
  return offset;
}

function withoutUndecided(tail: string): string {
  const table = UNDECIDED_TABLE.exec(tail);
  if (table !== null && !/(^|\n) {0,3}\|[^\n]*$/.test(tail.slice(0, table.index))) {
    return tail.slice(0, table.index);
  }
  const line = UNDECIDED_LINE.exec(tail);
  return line === null ? tail : tail.slice(0, line.index);
}

function render(source: string, env: MarkdownEnv): Block[] {
  const tokens = markdown.parse(source, env);
  const blocks: Block[] = [];
  let begin = 0;
  let depth = 0;
  tokens.forEach((token, index) => {
    depth += token.nesting;
    if (depth > 0) return;
    const html = markdown.renderer.render(tokens.slice(begin, index + 1), markdown.options, env);
    blocks.push({ html });
    begin = index + 1;
  });
  return blocks;
}
