import { describe, expect, it } from "vitest";
import type { Frame } from "../protocol/frames";
import {
  aMessage,
  anAnswer,
  aSnapshot,
  aTurn,
  created,
  finished,
  opened,
  someUsage,
  started,
} from "../testing/builders";

import { ConversationModel } from "./conversation";
import { plainText } from "./text";

const EMPTY = aSnapshot(0);

function modelAfter(...frames: Parameters<ConversationModel["apply"]>[0][]): ConversationModel {
  const model = new ConversationModel();
  for (const frame of frames) model.apply(frame);
  return model;
}

function textOf(model: ConversationModel, id: string): string {
  return plainText(model.message(id)?.parts ?? []);
}

/** A turn whose answer is open on handle 7, in its first attempt, with one empty text part. */
function withOpenAnswer(): ConversationModel {
  return modelAfter(
    EMPTY,
    created(1, "a", null),
    started(2, "a"),
    opened(7, "a", 0, 0),
    { type: "answer.replaced", handle: 7, position: { attempt: 1, sequence: 1 }, parts: [] },
    { type: "part.started", handle: 7, sequence: 2, part: 0, kind: "text" },
  );
}

describe("room events", () => {
  it("apply in order and move the version", () => {
    const model = modelAfter(EMPTY, created(1, "a", null), started(2, "a"));
    expect(model.branch).toEqual(["ask-a", "answer-a"]);
    expect(model.version).toBe(2);
    expect(model.unfinishedTurns().map((turn) => turn.state)).toEqual(["running"]);
  });

  it("replace the total of the conversation when an answer ends, once", () => {
    const model = modelAfter(EMPTY, created(1, "a", null), finished(2, "a", ""));
    expect(model.info?.usage).toEqual(someUsage(2));
    model.apply({ ...finished(2, "a", ""), conversation_usage: someUsage(9) } as Frame);
    expect(model.info?.usage).toEqual(someUsage(2));
  });

  it("are ignored where they are known already", () => {
    const model = modelAfter(EMPTY, created(1, "a", null), started(2, "a"), created(1, "a", null));
    expect(model.branch).toEqual(["ask-a", "answer-a"]);
    expect(model.turnOf("answer-a")?.state).toBe("running");
  });

  it("ask for a snapshot where one is missing, once, and apply nothing until it comes", () => {
    const model = modelAfter(EMPTY, created(1, "a", null));
    expect(model.apply(finished(3, "a", "")).resync).toBe("gap");
    expect(model.version).toBeNull();
    expect(model.apply(finished(4, "a", "")).resync).toBeNull();
    model.apply(aSnapshot(4));
    expect(model.version).toBe(4);
  });

  it("ask for a snapshot where the parent of a message is not shown", () => {
    const model = modelAfter(EMPTY);
    expect(model.apply(created(1, "b", "unknown")).resync).toBe("gap");
  });

  it("do not undo what a snapshot brought that was newer than its version", () => {
    const newer = aSnapshot(1, {
      messages: [
        aMessage("ask-a"),
        anAnswer("answer-a", { parent_id: "ask-a", parts: [{ kind: "text", text: "done" }] }),
      ],
      turns: [aTurn("a", { state: "completed" })],
    });
    const model = modelAfter(newer, started(2, "a"), finished(3, "a", "done"));
    expect(model.turnOf("answer-a")?.state).toBe("completed");
    expect(textOf(model, "answer-a")).toBe("done");
    expect(model.version).toBe(3);
  });

  it("show another answer to a known message in the place of the one before", () => {
    const model = modelAfter(EMPTY, created(1, "a", null), finished(2, "a", ""));
    model.apply({
      type: "turn.created",
      version: 3,
      turn: aTurn("again", { message_id: "ask-a" }),
      message: aMessage("ask-a"),
      answer: anAnswer("answer-again", { parent_id: "ask-a" }),
    });
    expect(model.branch).toEqual(["ask-a", "answer-again"]);
  });

  it("tell a title and a deletion", () => {
    const model = modelAfter(EMPTY);
    const change = model.apply({
      type: "conversation.renamed",
      version: 1,
      title: "New",
      title_source: "manual",
    });
    expect([change.title, model.info?.title]).toEqual([true, "New"]);
    expect(model.apply({ type: "conversation.deleted", version: 2 }).deleted).toBe(true);
  });

  it("tell the model and the effort of the turns to come; a turn that asks for none leaves the effort", () => {
    const model = modelAfter(EMPTY);
    const chosen = { type: "conversation.configured", version: 1, model_id: "a:b", effort: "high" } as const;
    expect(model.apply(chosen).settings).toBe(true);
    expect(model.info).toMatchObject({ model_id: "a:b", effort: "high" });
    expect(model.apply(created(2, "a", null)).settings).toBe(true);
    expect(model.info).toMatchObject({ model_id: "demo:demo", effort: "high" });
  });

  it("are checked against pongs", () => {
    const model = modelAfter(EMPTY, created(1, "a", null));
    expect(model.apply({ type: "pong", version: 1 }).resync).toBeNull();
    expect(model.apply({ type: "pong", version: null }).resync).toBeNull();
    expect(model.apply({ type: "pong", version: 2 }).resync).toBe("gap");
  });
});

describe("live text", () => {
  it("is appended entry by entry", () => {
    const model = withOpenAnswer();
    expect([...model.apply([7, 3, 3, 0, "Hel"]).messages]).toEqual(["answer-a"]);
    model.apply([7, 4, 6, 0, "lo"]);
    expect(textOf(model, "answer-a")).toBe("Hello");
    expect(model.knownTurns()).toEqual([{ turn_id: "turn-a", position: { attempt: 1, sequence: 6 } }]);
  });

  it("is skipped where it is known and refused where something is missing", () => {
    const model = withOpenAnswer();
    model.apply([7, 3, 4, 0, "ab"]);
    expect(model.apply([7, 3, 4, 0, "ab"]).messages.size).toBe(0);
    expect(textOf(model, "answer-a")).toBe("ab");
    expect(model.apply([7, 6, 6, 0, "d"]).resync).toBe("gap");
    expect(textOf(model, "answer-a")).toBe("ab");
  });

  it("is refused where it is known in part: merged text can't be cut", () => {
    const model = withOpenAnswer();
    model.apply([7, 3, 4, 0, "ab"]);
    expect(model.apply([7, 4, 5, 0, "bc"]).resync).toBe("gap");
  });

  it("is refused for a part that was never begun", () => {
    expect(withOpenAnswer().apply([7, 3, 3, 1, "x"]).resync).toBe("gap");
    const model = withOpenAnswer();
    expect(model.apply({ type: "part.started", handle: 7, sequence: 3, part: 4, kind: "text" }).resync).toBe(
      "gap",
    );
  });

  it("of an unknown handle is ignored", () => {
    expect(withOpenAnswer().apply([8, 3, 3, 0, "x"])).toMatchObject({ resync: null });
  });

  it("that opens ahead of what is known asks for a snapshot, behind it does not", () => {
    const model = withOpenAnswer();
    model.apply([7, 3, 9, 0, "abc"]);
    expect(model.apply(opened(9, "a", 1, 5)).resync).toBeNull();
    expect(model.apply([9, 6, 8, 0, "known"]).messages.size).toBe(0);
    expect(model.apply(opened(9, "a", 1, 12)).resync).toBe("gap");
  });

  it("of a new attempt replaces what the one before wrote", () => {
    const model = withOpenAnswer();
    model.apply([7, 3, 3, 0, "first try"]);
    model.apply({
      type: "answer.replaced",
      handle: 7,
      position: { attempt: 2, sequence: 1 },
      parts: [{ kind: "text", text: "second" }],
    });
    model.apply([7, 2, 2, 0, " try"]);
    expect(textOf(model, "answer-a")).toBe("second try");
  });

  it("of a former attempt changes nothing", () => {
    const model = modelAfter(
      aSnapshot(2, {
        messages: [
          aMessage("ask-a"),
          anAnswer("answer-a", {
            parent_id: "ask-a",
            parts: [{ kind: "text", text: "kept" }],
            position: { attempt: 2, sequence: 4 },
          }),
        ],
        turns: [aTurn("a", { state: "running" })],
      }),
      opened(3, "a", 1, 50),
    );
    expect(model.apply([3, 51, 51, 0, "late"]).messages.size).toBe(0);
    expect(textOf(model, "answer-a")).toBe("kept");
  });

  it("keeps how long a model thought", () => {
    const model = withOpenAnswer();
    model.apply({ type: "part.started", handle: 7, sequence: 3, part: 1, kind: "reasoning" });
    model.apply({ type: "part.ended", handle: 7, sequence: 4, part: 1, duration_ms: 1200 });
    expect(model.message("answer-a")?.parts[1]).toEqual({ kind: "reasoning", text: "", duration_ms: 1200 });
  });
});

describe("a snapshot that is behind what is shown", () => {
  it("takes nothing back, and the answer goes on from what is shown", () => {
    const model = withOpenAnswer();
    model.apply([7, 3, 3, 0, "Hello"]);
    model.apply({ type: "pong", version: 9 });
    const behind = anAnswer("answer-a", { parent_id: "ask-a", position: { attempt: 1, sequence: 1 } });
    model.apply(
      aSnapshot(9, { messages: [aMessage("ask-a"), behind], turns: [aTurn("a", { state: "running" })] }),
    );
    expect(plainText(model.message("answer-a")?.parts ?? [])).toBe("Hello");
    expect(model.knownTurns()[0]?.position).toEqual({ attempt: 1, sequence: 3 });
  });

  it("gives way to a snapshot of the final answer", () => {
    const model = withOpenAnswer();
    model.apply([7, 3, 3, 0, "corrupted"]);
    const final = anAnswer("answer-a", {
      parent_id: "ask-a",
      parts: [{ kind: "text", text: "right" }],
      text_sha256: "x",
    });
    model.apply(
      aSnapshot(9, { messages: [aMessage("ask-a"), final], turns: [aTurn("a", { state: "completed" })] }),
    );
    expect(plainText(model.message("answer-a")?.parts ?? [])).toBe("right");
  });
});

describe("the end of an answer", () => {
  it("is accepted where the text is the server's", () => {
    const model = withOpenAnswer();
    model.apply([7, 3, 3, 0, "Grüße 🌍"]);
    const change = model.apply(finished(3, "a", "Grüße 🌍"));
    expect(change.resync).toBeNull();
    expect(change.finished.map((turn) => turn.id)).toEqual(["turn-a"]);
    expect(model.unfinishedTurns()).toEqual([]);
  });

  it("asks for a snapshot and counts where the text differs", () => {
    const model = withOpenAnswer();
    model.apply([7, 3, 3, 0, "corrupted"]);
    expect(model.apply(finished(3, "a", "right")).resync).toBe("hash");
    expect(model.mismatches).toBe(1);
  });

  it("is told once where it comes with a snapshot", () => {
    const model = withOpenAnswer();
    const done = aSnapshot(3, {
      messages: [aMessage("ask-a"), anAnswer("answer-a", { parent_id: "ask-a" })],
      turns: [aTurn("a", { state: "stopped" })],
    });
    expect(model.apply(done).finished.map((turn) => turn.id)).toEqual(["turn-a"]);
    expect(model.apply(done).finished).toEqual([]);
  });
});

describe("earlier messages", () => {
  const window = aSnapshot(5, { messages: [aMessage("c", { parent_id: "b" })], has_earlier: true });
  const earlier = aSnapshot(5, { messages: [aMessage("a"), aMessage("b", { parent_id: "a" })] });

  it("go above those shown", () => {
    const model = modelAfter(window);
    model.prepend(earlier);
    expect(model.branch).toEqual(["a", "b", "c"]);
    expect(model.hasEarlier).toBe(false);
  });

  it("stay when a newer snapshot of the same branch comes", () => {
    const model = modelAfter(window);
    model.prepend(earlier);
    model.apply(aSnapshot(6, { messages: window.messages, has_earlier: true }));
    expect(model.branch).toEqual(["a", "b", "c"]);
    expect(model.hasEarlier).toBe(false);
  });

  it("go when another branch is shown", () => {
    const model = modelAfter(window);
    model.prepend(earlier);
    model.apply(aSnapshot(6, { messages: [aMessage("z", { parent_id: "y" })], has_earlier: true }));
    expect(model.branch).toEqual(["z"]);
    expect(model.hasEarlier).toBe(true);
  });

  it("are not taken where they do not lead to those shown", () => {
    const model = modelAfter(aSnapshot(5, { messages: [aMessage("c", { parent_id: "x" })] }));
    model.prepend(earlier);
    expect(model.branch).toEqual(["c"]);
  });

  it("knows that a provider is silent until it is heard again", () => {
    const model = withOpenAnswer();
    const place = model.message("answer-a")?.place.sequence ?? 0;
    model.apply({ type: "answer.silent", handle: 7, sequence: place + 1, seconds: 20 });
    expect(model.message("answer-a")?.silentSeconds).toBe(20);
    model.apply([7, place + 2, place + 2, 0, " again"]);
    expect(model.message("answer-a")?.silentSeconds).toBe(0);
    expect(model.message("answer-a")?.place.sequence).toBe(place + 2);
  });
});
