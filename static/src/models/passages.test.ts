import { describe, expect, it } from "vitest";
import type { MessagePart } from "./known";
import { passagesOf } from "./passages";

const text = (words: string): MessagePart => ({ kind: "text", text: words });
const notice = (name: "continued" | "restarted"): MessagePart => ({
  kind: "notice",
  notice: name,
  sentence: "B goes on.",
});

describe("passages", () => {
  it("join a text that was cut and mark where", () => {
    expect(passagesOf([text("```\na"), notice("continued"), text("b\n```")])).toEqual([
      {
        kind: "text",
        text: "```\nab\n```",
        seams: [{ at: 5, sentence: "B goes on." }],
        isSuperseded: false,
      },
    ]);
  });

  it("show a seam before its words have come", () => {
    const [passage] = passagesOf([text("a"), notice("continued")]);
    expect(passage).toMatchObject({ kind: "text", seams: [{ at: 1 }] });
  });

  it("stay apart where the second one thought first", () => {
    const parts: MessagePart[] = [
      text("a"),
      notice("continued"),
      { kind: "reasoning", text: "hm" },
      text("b"),
    ];
    expect(passagesOf(parts).map((passage) => passage.kind)).toEqual(["text", "notice", "reasoning", "text"]);
  });

  it("set apart what an answer begun anew replaced", () => {
    const passages = passagesOf([text("a"), notice("restarted"), text("b")]);
    expect(passages.map((passage) => passage.isSuperseded)).toEqual([true, false, false]);
  });
});
