// @vitest-environment jsdom
import { describe, expect, it } from "vitest";
import { answerFragment, codeFragment, formulaFragment } from "./sink";
import { typeset } from "./typesetter";

function html(fragment: DocumentFragment): string {
  const holder = document.createElement("div");
  holder.append(fragment);
  return holder.innerHTML;
}

describe("the sink", () => {
  it.each([
    '<img src="https://evil.example/x.png">',
    "<script>alert(1)</script>",
    '<p onclick="alert(1)">x</p>',
    '<a href="javascript:alert(1)">x</a>',
    '<p style="background:url(https://evil.example)">x</p>',
    '<svg><use href="https://evil.example#x"></use></svg>',
    '<form action="/accounts/logout/"><button>x</button></form>',
    '<iframe srcdoc="x"></iframe>',
    '<p id="main" data-controller="menu" data-act="retry">x</p>',
  ])("takes the danger out of %s", (source) => {
    const clean = html(answerFragment(source));
    expect(clean).not.toMatch(/img|script|onclick|style|svg|form|button|iframe|id=|data-controller|data-act/);
  });

  it("keeps only classes that Markdown makes", () => {
    expect(html(answerFragment('<p class="button--primary task scrim">x</p>'))).toBe('<p class="task">x</p>');
  });

  it("opens links elsewhere and tells nothing", () => {
    const link = answerFragment('<a href="https://a.example/">x</a>').querySelector("a");
    expect([link?.target, link?.rel]).toEqual(["_blank", "noopener noreferrer nofollow"]);
  });

  it("keeps what Markdown needs", () => {
    const source =
      '<figure class="code" data-language="python"><pre tabindex="0"><code>x</code></pre></figure><ol start="3"><li>a</li></ol><span class="math" data-math="inline">x</span>';
    expect(html(answerFragment(source))).toBe(source);
  });

  it("keeps MathML without styles", () => {
    const made = typeset("\\frac{a}{b} \\color{red} c \\boxed{d}", true) ?? "";
    const clean = html(formulaFragment(made));
    expect(clean).toContain("<mfrac>");
    expect(clean).not.toMatch(/ style=| class=/);
    expect(typeset("\\frac{", false)).toBeNull();
    expect(html(formulaFragment("<math><mtext><img src=x onerror=alert(1)></mtext></math>"))).not.toContain(
      "img",
    );
  });

  it("keeps nothing but spans of coloured code", () => {
    expect(html(codeFragment('<span class="hljs-string">a</span><b>c</b><img src=x>'))).toBe(
      '<span class="hljs-string">a</span>c',
    );
  });
});
