// @vitest-environment jsdom
import { describe, expect, it, vi } from "vitest";
import { StreamedText } from "./streamed_text";

const SOURCE = `# Title

A paragraph with **bold**.

\`\`\`python
def f():
    return 1
\`\`\`

- one
- two

| a | b |
|---|---|
| 1 | 2 |

The end.`;

function text(): StreamedText {
  return new StreamedText(document.createElement("div"));
}

function write(streamed: StreamedText, source: string, step: number): void {
  for (let length = step; length < source.length; length += step)
    streamed.update(source.slice(0, length), false);
  streamed.update(source, true);
}

describe("a streamed text", () => {
  it.each([1, 2, 3, 7, 50])("written %i characters at a time looks like the whole", async (step) => {
    const [grown, whole] = [text(), text()];
    write(grown, SOURCE, step);
    whole.update(SOURCE, true);
    await vi.waitFor(() => {
      for (const each of [grown, whole]) {
        expect(each.element.querySelector("code[data-highlighted]")).not.toBeNull();
      }
    });
    expect(grown.element.innerHTML).toBe(whole.element.innerHTML);
  });

  it("puts a seam behind the block that was cut and keeps the block whole", () => {
    const streamed = text();
    const seams = [{ at: 22, sentence: "B goes on." }];
    streamed.update("First.\n\n```\nlet a =\n", false);
    streamed.update("First.\n\n```\nlet a =\n 1\n```\n\nLast", false, seams);
    streamed.update("First.\n\n```\nlet a =\n 1\n```\n\nLast.\n\nMore.", true, seams);
    const kinds = [...streamed.element.children].map((child) => child.className || child.tagName);
    expect(kinds).toEqual(["P", expect.stringContaining("code"), "seam", "P", "P"]);
    expect(streamed.element.querySelector("pre")?.textContent).toContain("let a =\n 1");
    streamed.update("Another.", true);
    expect(streamed.element.querySelector(".seam")).toBeNull();
  });

  it("keeps finished blocks as the very same elements", () => {
    const streamed = text();
    streamed.update("First.\n\nSecond", false);
    const first = streamed.element.firstElementChild;
    write(streamed, "First.\n\nSecond and third.\n\nFourth.", 3);
    expect(streamed.element.firstElementChild).toBe(first);
  });

  it("keeps the growing paragraph's element and text node: a selection in it stays", () => {
    const streamed = text();
    streamed.update("Some words", false);
    const node = streamed.element.firstElementChild?.firstChild;
    streamed.update("Some words and more", false);
    expect(streamed.element.firstElementChild?.firstChild).toBe(node);
    expect(node?.textContent).toBe("Some words and more");
  });

  it("keeps the wrapping that a reader switched on", () => {
    const streamed = text();
    streamed.update("```js\nlet a;", false);
    streamed.element.querySelector("figure")?.setAttribute("data-wrap", "");
    streamed.update("```js\nlet a;\nlet b;", false);
    expect(streamed.element.querySelector("figure")?.hasAttribute("data-wrap")).toBe(true);
    expect(streamed.element.querySelectorAll("figcaption")).toHaveLength(1);
  });

  it("starts over where the text is another one", () => {
    const streamed = text();
    streamed.update("Something long.\n\nWith two blocks.", false);
    streamed.update("Another", false);
    expect(streamed.element.textContent?.trim()).toBe("Another");
  });

  it("draws formulas and leaves those it can't read", async () => {
    const streamed = text();
    streamed.update("$x^2$ and $\\frac{$", true);
    await vi.waitFor(() => expect(streamed.element.querySelector("math")).not.toBeNull());
    expect(streamed.element.textContent).toContain("\\frac{");
  });
});
