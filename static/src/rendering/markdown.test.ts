import { describe, expect, it } from "vitest";
import { markdown } from "./markdown";

function render(source: string): string {
  return markdown.render(source);
}

describe("maths", () => {
  it.each([
    ["$a^2$", "inline", "a^2"],
    ["\\(a^2\\)", "inline", "a^2"],
    ["$$a^2$$", "display", "a^2"],
    ["\\[a^2\\]", "display", "a^2"],
    ["$$\na^2\n$$", "display", "a^2"],
    ["\\[\na^2\n\\]", "display", "a^2"],
  ])("%j is %s", (source, kind, content) => {
    expect(render(source)).toContain(`data-math="${kind}">${content}<`);
  });

  it.each([
    "It costs $5 and $6.",
    "$ not maths $",
    "a lone $$ here",
    "$$\n\nno formula",
    "`$a$`",
    "\\$a\\$",
    "$5$6",
  ])("%j is text", (source) => {
    expect(render(source)).not.toContain("data-math");
  });

  it("may stand in lists and between lines of text", () => {
    expect(render("- one\n  $$\n  x\n  $$\n- two")).toContain('data-math="display">x<');
    expect(render("So\n$$\nx < y\n$$\nholds")).toContain('data-math="display">x &lt; y<');
  });
});

describe("what a model writes", () => {
  it("is never HTML", () => {
    expect(render("<img src=x onerror=alert(1)> <script>alert(1)</script>")).not.toMatch(/<img|<script/);
  });

  it("never becomes an image", () => {
    const html = render("![a cat](https://evil.example/cat.png?id=1)");
    expect(html).toContain(">image: a cat (evil.example)</a>");
    expect(html).not.toContain("<img");
  });

  it.each(["javascript:alert(1)", "data:text/html,x", "vbscript:x", "file:///etc/passwd", "//evil.example"])(
    "does not link to %s",
    (address) => {
      expect(render(`[click](${address}) ![look](${address})`)).not.toContain("href");
    },
  );

  it("links to web and mail addresses", () => {
    expect(render("[a](https://a.example) [b](mailto:b@b.example) https://c.example")).toMatch(
      /https:\/\/a\.example.*mailto:b@b\.example.*https:\/\/c\.example/,
    );
  });

  it("may have tasks, strikethrough and aligned tables, without styles", () => {
    const html = render("- [x] done\n- [ ] open\n\n~~gone~~\n\n| a | b |\n|---|--:|\n| 1 | 2 |\n");
    expect(html).toContain('<li class="task task--done">done');
    expect(html).toContain('<li class="task">open');
    expect(html).toContain("<s>gone</s>");
    expect(html).toContain('<td align="right">2</td>');
    expect(html).not.toContain("style=");
  });

  it("names the language of code and escapes it", () => {
    expect(render("```c++ {1}\na < b\n```")).toContain('data-language="c++"');
    expect(render('```"><b>\na < b\n```')).toContain('data-language=""');
    expect(render("```\na < b\n```")).toContain("a &lt; b");
  });
});
