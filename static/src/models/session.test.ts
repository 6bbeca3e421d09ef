import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { ErrorInfo } from "../protocol/types";
import { aMessage, anAnswer, aSnapshot, aTurn, created, finished } from "../testing/builders";
import { ScriptedSocket, scriptSockets, unscriptSockets } from "../testing/sockets";
import { Link } from "./link";
import { type PendingMessage, Session } from "./session";

beforeEach(scriptSockets);
afterEach(unscriptSockets);

interface Heard {
  kept: string[];
  refused: Array<{ texts: string[]; error: ErrorInfo }>;
  created: string[];
}

const REFUSAL: ErrorInfo = {
  code: "queue_full",
  sentence: "Full.",
  next_step: "Wait.",
  action: "wait_and_retry",
};

function aSession(id: string | null): { session: Session; heard: Heard; person: ScriptedSocket } {
  const heard: Heard = { kept: [], refused: [], created: [] };
  const person = new Link("ws://host/ws/me/");
  person.connect();
  const personSocket = ScriptedSocket.last;
  personSocket.welcomes();
  const session = new Session(
    id,
    { person, connectRoom: (roomId) => new Link(`ws://host/ws/c/${roomId}/`) },
    {
      onChange: () => {},
      onPending: () => {},
      onKept: (message) => heard.kept.push(message.text),
      onRefused: (messages: readonly PendingMessage[], error) =>
        heard.refused.push({ texts: messages.map((message) => message.text), error }),
      onProblem: () => {},
      onCreated: (conversationId) => heard.created.push(conversationId),
      onState: () => {},
    },
  );
  return { session, heard, person: personSocket };
}

async function settle(): Promise<void> {
  await vi.advanceTimersByTimeAsync(0);
}

function start(socket: ScriptedSocket, index = 0) {
  const command = socket.heard("turn.start")[index];
  if (command === undefined) throw new Error(`turn.start number ${index} was not sent`);
  return command;
}

function accept(socket: ScriptedSocket, commandId: string, version: number): void {
  socket.says({ type: "command.accepted", command_id: commandId, conversation_id: "c", version });
}

describe("the first message", () => {
  it("goes over the person's socket, is shown at once, and opens the room when it is stored", async () => {
    const { session, heard, person } = aSession(null);
    session.send("hello", "demo:demo");
    expect(session.pending.map((message) => message.text)).toEqual(["hello"]);
    const command = start(person);
    expect(command).toMatchObject({ parent_id: null, conversation_id: session.conversationId });
    expect(heard.kept).toEqual([]);
    accept(person, command.command_id, 1);
    await settle();
    expect([heard.kept, heard.created]).toEqual([["hello"], [session.conversationId]]);
    const room = ScriptedSocket.last;
    room.welcomes();
    expect(room.heard("conversation.open")[0]).toMatchObject({ known_version: null });
    room.says(aSnapshot(1, { messages: [aMessage(command.message_id)] }));
    expect(session.pending).toEqual([]);
  });
});

describe("messages sent quickly", () => {
  it("go one after the other, each below the answer to the one before", async () => {
    const { session } = aSession("c");
    session.begin(aSnapshot(0));
    const room = ScriptedSocket.last;
    room.welcomes();
    session.send("one", "demo:demo");
    session.send("two", "demo:demo");
    const first = start(room);
    expect(room.heard("turn.start")).toHaveLength(1);
    accept(room, first.command_id, 1);
    room.says({
      type: "turn.created",
      version: 1,
      turn: aTurn("a", { message_id: first.message_id }),
      message: aMessage(first.message_id),
      answer: anAnswer("answer-a", { parent_id: first.message_id }),
    });
    await settle();
    expect(start(room, 1)).toMatchObject({ text: "two", parent_id: "answer-a" });
  });

  it("come back to the person, all of them, when one is refused", async () => {
    const { session, heard } = aSession("c");
    session.begin(aSnapshot(0));
    const room = ScriptedSocket.last;
    room.welcomes();
    session.send("one", "demo:demo");
    session.send("two", "demo:demo");
    room.says({ type: "command.refused", command_id: start(room).command_id, error: REFUSAL });
    await settle();
    expect(heard.refused).toEqual([{ texts: ["one", "two"], error: REFUSAL }]);
    expect([session.pending, heard.kept]).toEqual([[], []]);
    session.send("three", "demo:demo");
    expect(start(room, 1).text).toBe("three");
  });

  it("come back when the session has ended", async () => {
    const { session, heard } = aSession("c");
    session.begin(aSnapshot(0));
    session.send("one", "demo:demo");
    ScriptedSocket.last.breaks(4401);
    await settle();
    expect(heard.refused[0]).toMatchObject({ texts: ["one"], error: { action: "sign_in" } });
  });
});

describe("what is chosen ahead", () => {
  it("is stored at once where there is a conversation, else with its first message", () => {
    const { session, person } = aSession(null);
    session.configure("a:b", "high");
    session.send("hello", "a:b", "high");
    expect(person.heard("conversation.configure")).toEqual([]);
    expect(start(person)).toMatchObject({ model_id: "a:b", effort: "high" });
    const { session: standing } = aSession("c");
    standing.begin(aSnapshot(0));
    ScriptedSocket.last.welcomes();
    standing.configure("a:b", "");
    expect(ScriptedSocket.last.heard("conversation.configure")).toMatchObject([
      { model_id: "a:b", effort: "" },
    ]);
  });
});

describe("a lost connection", () => {
  it("sends again, with the same ids, what was not yet accepted", async () => {
    const { session } = aSession("c");
    session.begin(aSnapshot(0));
    const first = ScriptedSocket.last;
    first.welcomes();
    session.send("one", "demo:demo");
    const sent = start(first);
    first.breaks();
    await vi.advanceTimersByTimeAsync(1_000);
    const second = ScriptedSocket.last;
    second.welcomes();
    expect(start(second)).toEqual(sent);
    expect(second.sent[0]?.type).toBe("conversation.open");
  });

  it("goes on from what is known", () => {
    const { session } = aSession("c");
    session.begin(
      aSnapshot(4, {
        messages: [aMessage("ask-a"), anAnswer("answer-a", { position: { attempt: 1, sequence: 9 } })],
        turns: [aTurn("a", { state: "running" })],
      }),
    );
    ScriptedSocket.last.welcomes();
    expect(ScriptedSocket.last.heard("conversation.open")).toEqual([
      {
        type: "conversation.open",
        known_version: 4,
        known_turns: [{ turn_id: "turn-a", position: { attempt: 1, sequence: 9 } }],
      },
    ]);
  });
});

describe("something missed", () => {
  it("is asked for at once, then ever more slowly", async () => {
    const { session } = aSession("c");
    session.begin(aSnapshot(0));
    const room = ScriptedSocket.last;
    room.welcomes();
    const asked = () => room.heard("conversation.open").length - 1;
    room.says(created(5, "a", null));
    expect(asked()).toBe(1);
    room.says(aSnapshot(5));
    room.says(created(9, "b", null));
    expect(asked()).toBe(1);
    await vi.advanceTimersByTimeAsync(600);
    expect(asked()).toBe(2);
  });

  it("is asked for where what was accepted never arrives", async () => {
    const { session } = aSession("c");
    session.begin(aSnapshot(3));
    const room = ScriptedSocket.last;
    room.welcomes();
    session.stop("turn-a");
    accept(room, room.heard("turn.stop")[0]?.command_id ?? "", 4);
    await vi.advanceTimersByTimeAsync(3_100);
    expect(room.heard("conversation.open").at(-1)).toMatchObject({ known_version: null });
  });
});

describe("turns", () => {
  it("wait only for an answer that is still being written", () => {
    const { session } = aSession("c");
    session.begin(aSnapshot(0));
    session.apply(created(1, "a", null));
    session.apply({
      ...(created(2, "b", "answer-a") as Extract<ReturnType<typeof created>, { type: "turn.created" }>),
      turn: aTurn("b", { state: "queued" }),
    });
    expect(session.isWaiting("answer-b")).toBe(true);
    expect(session.stoppableTurnId()).toBe("turn-a");
    session.apply(finished(3, "a", ""));
    expect(session.isWaiting("answer-b")).toBe(false);
    expect(session.stoppableTurnId()).toBe("turn-b");
  });
});
