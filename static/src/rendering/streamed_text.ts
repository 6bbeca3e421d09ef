import { type Block, BlockSplitter, countBlocks } from "./blocks";
import { dressCode, highlightCode } from "./code";
import { element as make } from "./elements";
import { drawFormulas } from "./formulas";
import { morphNode } from "./morph";
import { answerFragment } from "./sink";

/** A place in the text where another one went on writing, and what is said of it. */
export interface SeamMark {
  readonly at: number;
  readonly sentence: string;
}

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
  /** Each seam's element, and how many blocks stand before it. */
  readonly #seams: Array<{ element: HTMLElement; blocks: number }> = [];

  constructor(element: HTMLElement) {
    this.element = element;
  }

  update(source: string, isFinished: boolean, seams: readonly SeamMark[] = []): void {
    const isKnown = source === this.#splitter.source && isFinished === this.#isFinished;
    if (isKnown && seams.length === this.#seams.length) return;
    if (!source.startsWith(this.#splitter.source)) this.#splitter.reset();
    this.#isFinished = isFinished;
    const { from, blocks } = isFinished ? this.#splitter.finish(source) : this.#splitter.grow(source);
    this.#draw(from, blocks);
    this.#drawSeams(source, seams);
  }

  /** A seam stands behind the block that was cut: the text itself stays whole. */
  #drawSeams(source: string, seams: readonly SeamMark[]): void {
    for (const { at, sentence } of seams.slice(this.#seams.length)) {
      const blocks = countBlocks(source.slice(0, at));
      this.#seams.push({ element: make("p", { class: "seam" }, sentence), blocks });
    }
    for (const extra of this.#seams.splice(seams.length)) extra.element.remove();
    for (const { element, blocks } of this.#seams) {
      const last = this.#drawn[Math.min(blocks, this.#drawn.length) - 1]?.node;
      if (last !== undefined && last.nextElementSibling !== element) last.after(element);
    }
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
