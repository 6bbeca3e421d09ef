import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BlockSplitter } from "./blocks";

/** All blocks on the page after `source` grew by steps of the given sizes. */
function grown(source: string, sizes: readonly number[]): { pages: string[][]; finished: string[] } {
  const splitter = new BlockSplitter();
  let page: string[] = [];
  const pages: string[][] = [];
  for (let length = 0, step = 0; length < source.length; step += 1) {
    length = Math.min(source.length, length + (sizes[step % sizes.length] ?? 1));
    const { from, blocks } = splitter.grow(source.slice(0, length));
    page = [...page.slice(0, from), ...blocks.map((block) => block.html)];
    pages.push(page);
  }
  const finished = new BlockSplitter().finish(source).blocks.map((block) => block.html);
  return { pages, finished };
}

function draw(source: string): string[] {
  return new BlockSplitter().finish(source).blocks.map((block) => block.html);
}

const PIECES = [
  "A line of text", "another | with a pipe", "# Heading", "## ", "- item", "  - nested", "-", "1. one", "2) two",
  "> quoted", "```python", "```", "    indented", "| a | b |", "|---|---|", "| 1 | 2 |", "---", "===", "***bold*",
  "$$", "x^2", "$a$ and $b", "\\[", "\\]", "", "", "", "\ttab", "~~~", "`code", "* star", "+ plus", "<b>html</b>",
]; // biome-ignore format: a list to read
const documents = fc.array(fc.constantFrom(...PIECES), { maxLength: 25 }).map((lines) => lines.join("\n"));
const sizes = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 6 });

describe("a growing text", () => {
  it("never changes a block that was settled, and its settled blocks are those of the whole text", () => {
    fc.assert(
      fc.property(documents, sizes, (source, steps) => {
        const splitter = new BlockSplitter();
        const settled: string[] = [];
        const final = draw(source);
        for (let length = 0, step = 0; length < source.length; step += 1) {
          length = Math.min(source.length, length + (steps[step % steps.length] ?? 1));
          const { from, blocks } = splitter.grow(source.slice(0, length));
          settled.splice(from, settled.length, ...blocks.map((block) => block.html));
          const { from: next } = splitter.grow(source.slice(0, length));
          expect(settled.slice(0, next)).toEqual(final.slice(0, next));
        }
      }),
      { numRuns: 1500 },
    );
  });

  it("costs the parser only its tail", () => {
    const paragraphs = Array.from({ length: 200 }, (_, index) => `Paragraph ${index}.`).join("\n\n");
    const splitter = new BlockSplitter();
    splitter.grow(paragraphs);
    const { from, blocks } = splitter.grow(`${paragraphs} And more`);
    expect(from).toBe(198);
    expect(blocks).toHaveLength(2);
  });

  it("uses a link definition from above at once, and one from below when it is finished", () => {
    const source =
      "[late]: https://late.example\n\nSee [early] and [late].\n\n[early]: https://early.example\n";
    const { pages, finished } = grown(source, [7]);
    expect(pages.at(-1)?.[0]).toContain('href="https://late.example"');
    expect(finished[0]).toContain('href="https://early.example"');
  });

  it("does not flash headings, lists or fences while a line of marks is written", () => {
    for (const source of ["Text\n-", "Text\n==", "Text\n\n``", "Text\n1", "Text\n#"]) {
      expect(new BlockSplitter().grow(source).blocks.map((block) => block.html)).toEqual(["<p>Text</p>\n"]);
    }
  });

  it("shows a table only once it is one", () => {
    const { pages } = grown("Before\n\n| a | b |\n|---|---|\n| 1 | 2 |\n", [1]);
    expect(pages.flat().filter((html) => html.startsWith("<p>|"))).toEqual([]);
    expect(pages.at(-1)?.[1]).toContain("<td>1</td>");
  });

  it("shows an open fence as code and open maths as its source", () => {
    expect(new BlockSplitter().grow("```js\nlet a = 1;\nlet").blocks[0]?.html).toContain("let a = 1;\nlet");
    expect(new BlockSplitter().grow("$$\nx^2 + ").blocks[0]?.html).toContain('data-math="open"');
  });
});
