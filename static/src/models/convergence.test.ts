import fc from "fast-check";
import { expect, it } from "vitest";
import type { Frame } from "../protocol/frames";
import type { ConversationSnapshot } from "../protocol/types";
import {
  aMessage,
  anAnswer,
  aSnapshot,
  aTurn,
  created,
  finished,
  opened,
  started,
} from "../testing/builders";

import { ConversationModel } from "./conversation";
import type { Place } from "./position";
import { plainText } from "./text";

/*
 * Law 2: snapshot(n) + events(> n) = the final message, however a tab joined, dropped, lagged or was
 * sent things twice or in another order. A little server holds the log of one answer; the line between
 * it and the tab does its worst; whatever the tab asks for, it gets.
 */

interface Entry {
  readonly place: Place;
  readonly text: string | null;
}

class LittleServer {
  readonly text: string;
  readonly #entries: Entry[];
  readonly #checkpoint: number;

  constructor(pieces: readonly string[], checkpointAt: number) {
    this.text = pieces.join("");
    this.#entries = [
      { place: { attempt: 1, sequence: 1 }, text: null },
      ...pieces.map((text, index) => ({ place: { attempt: 1, sequence: index + 3 }, text })),
    ];
    this.#checkpoint = Math.min(checkpointAt, pieces.length);
  }

  /** The state as Postgres has it while the answer is being written: behind the stream. */
  snapshot(): ConversationSnapshot {
    const written = this.#entries.slice(1, this.#checkpoint + 1);
    const at =
      written.length === 0 ? { attempt: 0, sequence: 0 } : { attempt: 1, sequence: written.length + 2 };
    return aSnapshot(2, {
      messages: [
        aMessage("ask-a"),
        anAnswer("answer-a", {
          parent_id: "ask-a",
          parts:
            written.length === 0 ? [] : [{ kind: "text", text: written.map((each) => each.text).join("") }],
          position: at,
        }),
      ],
      turns: [aTurn("a", { state: "running" })],
    });
  }

  /** Live frames of a socket that knows `from`, joined by `sizes`. */
  live(handle: number, from: Place, sizes: readonly number[]): Frame[] {
    const frames: Frame[] = [opened(handle, "a", from.attempt, from.sequence)];
    if (from.sequence < 1) {
      frames.push({ type: "answer.replaced", handle, position: { attempt: 1, sequence: 1 }, parts: [] });
    }
    if (from.sequence < 2) frames.push({ type: "part.started", handle, sequence: 2, part: 0, kind: "text" });
    const rest = this.#entries.slice(1).filter((entry) => entry.place.sequence > from.sequence);
    for (let at = 0, turn = 0; at < rest.length; turn += 1) {
      const group = rest.slice(at, at + (sizes[turn % sizes.length] ?? 1));
      at += group.length;
      const [first, last] = [group[0], group.at(-1)];
      if (!first || !last) break;
      frames.push([
        handle,
        first.place.sequence,
        last.place.sequence,
        0,
        group.map((each) => each.text).join(""),
      ]);
    }
    return frames;
  }

  finalSnapshot(): ConversationSnapshot {
    return aSnapshot(3, {
      messages: [
        aMessage("ask-a"),
        anAnswer("answer-a", {
          parent_id: "ask-a",
          parts: [{ kind: "text", text: this.text }],
          text_sha256: "final",
        }),
      ],
      turns: [aTurn("a", { state: "completed" })],
    });
  }
}

const pieces = fc.array(fc.string({ unit: "grapheme", minLength: 1, maxLength: 6 }), {
  minLength: 1,
  maxLength: 40,
});
const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 8 });

function answerOf(model: ConversationModel): string {
  return plainText(model.message("answer-a")?.parts ?? []);
}

it("a tab that drops at random places and goes on from what it knows ends with the same text", () => {
  fc.assert(
    fc.property(
      pieces,
      fc.array(fc.tuple(fc.integer({ min: 0, max: 50 }), sizes), { minLength: 1, maxLength: 50 }),
      fc.integer({ min: 0, max: 40 }),
      (words, cuts, checkpoint) => {
        const server = new LittleServer(words, checkpoint);
        const model = new ConversationModel();
        model.apply(server.snapshot());
        cuts.forEach(([length, joined], index) => {
          model.forgetHandles();
          const from = model.knownTurns()[0]?.position ?? { attempt: 0, sequence: 0 };
          for (const frame of server.live(index, from, joined).slice(0, length)) {
            expect(model.apply(frame).resync).toBeNull();
          }
        });
        model.forgetHandles();
        const from = model.knownTurns()[0]?.position ?? { attempt: 0, sequence: 0 };
        for (const frame of server.live(99, from, [3])) model.apply(frame);
        expect(model.apply(finished(3, "a", server.text)).resync).toBeNull();
        expect(answerOf(model)).toBe(server.text);
      },
    ),
  );
});

it("frames lost, doubled, corrupted and out of order heal by the snapshots the tab asks for", () => {
  const fault = fc.constantFrom("keep", "keep", "keep", "drop", "double", "swap", "corrupt");
  fc.assert(
    fc.property(pieces, sizes, fc.array(fault, { minLength: 1, maxLength: 30 }), (words, joined, faults) => {
      const server = new LittleServer(words, 0);
      const log: Frame[] = [
        created(1, "a", null),
        started(2, "a"),
        ...server.live(1, { attempt: 0, sequence: 0 }, joined),
        finished(3, "a", server.text),
      ];
      const model = new ConversationModel();
      model.apply(aSnapshot(0));
      let wantsSnapshot = false;
      for (const frame of damaged(log, faults))
        wantsSnapshot = model.apply(frame).resync !== null || wantsSnapshot;
      // A ping always comes: it shows that an event is missing where nothing else did.
      wantsSnapshot = model.apply({ type: "pong", version: 3 }).resync !== null || wantsSnapshot;
      if (wantsSnapshot) model.apply(server.finalSnapshot());
      expect(answerOf(model)).toBe(server.text);
      expect(model.turnOf("answer-a")?.state).toBe("completed");
      expect(model.version).toBe(3);
    }),
  );
});

function damaged(log: readonly Frame[], faults: readonly string[]): Frame[] {
  const sent: Frame[] = [];
  log.forEach((frame, index) => {
    const fault = faults[index % faults.length];
    if (fault === "drop") return;
    if (fault === "corrupt" && Array.isArray(frame)) {
      sent.push([frame[0], frame[1], frame[2], frame[3], `${frame[4]}!`]);
      return;
    }
    sent.push(frame);
    if (fault === "double") sent.push(frame);
    const [last, before] = [sent.at(-1), sent.at(-2)];
    if (fault === "swap" && last && before) sent.splice(-2, 2, last, before);
  });
  return sent;
}
