import { type Block, BlockSplitter } from "./blocks";
import { dressCode, highlightCode } from "./code";
import { drawFormulas } from "./formulas";
import { morphNode } from "./morph";
import { answerFragment } from "./sink";

interface Drawn {
  html: string;
  node: HTMLElement;
}

/**
 * A Markdown text that grows: finished blocks stay as they are, the last ones follow the text.
 * Each top-level block is one element.
 */
export class StreamedText {
  readonly kind = "text";
  readonly element: HTMLElement;
  readonly #splitter = new BlockSplitter();
  #drawn: Drawn[] = [];
  #isFinished = false;

  constructor(element: HTMLElement) {
    this.element = element;
  }

  update(source: string, isFinished: boolean): void {
    if (source === this.#splitter.source && isFinished === this.#isFinished) return;
    if (!source.startsWith(this.#splitter.source)) this.#splitter.reset();
    this.#isFinished = isFinished;
    const { from, blocks } = isFinished ? this.#splitter.finish(source) : this.#splitter.grow(source);
    this.#draw(from, blocks);
  }

  #draw(from: number, blocks: readonly Block[]): void {
    blocks.forEach((block, offset) => {
      const index = from + offset;
      const drawn = this.#drawn[index];
      if (drawn?.html !== block.html) this.#drawBlock(index, block.html);
    });
    for (const extra of this.#drawn.splice(from + blocks.length)) extra.node.remove();
    // The last block may still grow: it is coloured once another one stands behind it.
    const finished = this.#isFinished ? this.#drawn : this.#drawn.slice(from, -1);
    for (const { node } of finished) highlightCode(node);
  }

  #drawBlock(index: number, html: string): void {
    const fresh = blockElement(html);
    const drawn = this.#drawn[index];
    if (drawn === undefined) {
      this.#drawn[index] = { html, node: fresh };
      this.element.append(fresh);
    } else {
      drawn.html = html;
      if (!morphNode(drawn.node, fresh)) {
        drawn.node.replaceWith(fresh);
        drawn.node = fresh;
      }
    }
    drawFormulas(this.#drawn[index]?.node ?? fresh);
  }
}

function blockElement(html: string): HTMLElement {
  const fragment = answerFragment(html);
  dressCode(fragment);
  const only = fragment.firstElementChild;
  if (only instanceof HTMLElement && fragment.childElementCount === 1) return only;
  const block = document.createElement("div");
  block.append(fragment);
  return block;
}
