import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { mintId } from "../protocol/ids";
import { ConnectionWatch } from "./connection";
import { Drafts } from "./drafts";
import { textHash } from "./hash";
import { NewestActivity } from "./sidebar";
import { countCharacters, formatDuration, greeting } from "./words";

/** Storage as browsers have it, in memory. */
class MemoryStorage {
  readonly #items = new Map<string, string>();
  getItem = (key: string) => this.#items.get(key) ?? null;
  setItem = (key: string, value: string) => void this.#items.set(key, value);
  removeItem = (key: string) => void this.#items.delete(key);
  get size() {
    return this.#items.size;
  }
}

const message = { messageId: "m", conversationId: "c", text: "sent" };

describe("drafts", () => {
  function drafts(storage: MemoryStorage, id: string | null = "c"): Drafts {
    return new Drafts(storage as unknown as Storage, id);
  }

  it("keep what is typed, per conversation, and leave nothing behind", () => {
    const storage = new MemoryStorage();
    drafts(storage).typed("half a thought");
    expect(drafts(storage).restore(() => false).text).toBe("half a thought");
    expect(drafts(storage, null).restore(() => false).text).toBe("");
    drafts(storage).typed("");
    expect(storage.size).toBe(0);
  });

  it("give back what was sent but never stored, before what was typed after it", () => {
    const storage = new MemoryStorage();
    drafts(storage).sending(message);
    drafts(storage).typed("typed");
    expect(drafts(storage).restore(() => false)).toEqual({ text: "sent\n\ntyped", sent: ["m"] });
  });

  it("do not give back what the server has", () => {
    const storage = new MemoryStorage();
    drafts(storage).sending(message);
    expect(drafts(storage).restore((each) => each.messageId === "m").text).toBe("");
    drafts(storage).sending(message);
    drafts(storage).settled("m");
    expect(storage.size).toBe(0);
  });

  it("do without storage that is broken, full or forbidden", () => {
    const broken = {
      getItem: () => "{",
      setItem: () => {
        throw new Error("full");
      },
      removeItem: () => {},
    };
    const without = new Drafts(broken as unknown as Storage, "c");
    without.typed("x");
    expect(without.restore(() => false).text).toBe("");
    expect(new Drafts(null, "c").restore(() => false).text).toBe("");
  });
});

describe("the state of the connection", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  function watched(): { watch: ConnectionWatch; told: string[] } {
    const watch = new ConnectionWatch();
    const told: string[] = [];
    watch.onChange((state) => told.push(state));
    return { watch, told };
  }

  it("is not told for a short break", () => {
    const { watch, told } = watched();
    watch.set("room", "connecting");
    vi.advanceTimersByTime(1_900);
    watch.set("room", "open");
    vi.advanceTimersByTime(5_000);
    expect(told).toEqual([]);
  });

  it("is told after two seconds, however often it is tried, and when it is over", () => {
    const { watch, told } = watched();
    watch.set("room", "connecting");
    watch.set("person", "connecting");
    vi.advanceTimersByTime(2_100);
    expect(told).toEqual(["lost"]);
    watch.set("room", "open");
    expect(told).toEqual(["lost"]);
    watch.set("person", "open");
    expect(told).toEqual(["lost", "fine"]);
  });

  it("is told at once where it does not come back by itself", () => {
    const { watch, told } = watched();
    watch.set("person", "signed-out");
    expect(told).toEqual(["signed-out"]);
  });
});

describe("the sidebar", () => {
  it("moves up what is newer than all before, and leaves a renamed line where it is", () => {
    const newest = new NewestActivity("2026-01-02T00:00:00+00:00");
    const line = { id: "a", title: "t", is_running: false };
    expect(newest.isNewer({ ...line, last_activity_at: "2026-01-01T00:00:00Z" })).toBe(false);
    expect(newest.isNewer({ ...line, last_activity_at: "2026-01-03T00:00:00Z" })).toBe(true);
    expect(newest.isNewer({ ...line, last_activity_at: "2026-01-03T00:00:00Z" })).toBe(false);
  });
});

describe("words", () => {
  it.each([
    [0, "0 s"],
    [4_400, "4 s"],
    [60_000, "1 min"],
    [64_600, "1 min 5 s"],
    [119_700, "2 min"],
  ])("%i ms are %s", (milliseconds, words) => {
    expect(formatDuration(milliseconds)).toBe(words);
  });

  it("greet by the time of day", () => {
    expect([3, 8, 13, 20].map(greeting)).toEqual([
      "Good night",
      "Good morning",
      "Good afternoon",
      "Good evening",
    ]);
  });

  it("count characters as the server does", () => {
    expect(countCharacters("a🌍é")).toBe(3);
  });
});

it("the hash is the server's: SHA-256 over the text of all parts", () => {
  expect(
    textHash([
      { kind: "text", text: "a" },
      { kind: "notice", notice: "continued", sentence: "x" },
      { kind: "text", text: "bc" },
    ]),
  ).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
});

it("ids are random UUIDs of version 4", () => {
  expect(mintId()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(mintId()).not.toBe(mintId());
});
