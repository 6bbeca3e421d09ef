import { describe, expect, it, vi } from "vitest";
import { aboutModel, type Effort, fittedEffort, type ListedModel, ModelChoice, type Picker } from "./choices";
import { ModelList } from "./model_list";

function aModel(id: string, facts: Partial<ListedModel> = {}): ListedModel {
  return { id, name: id.split(":")[1] ?? id, group: id.split(":")[0] ?? "", ...facts };
}

const ALL: Effort[] = ["off", "minimal", "low", "medium", "high", "max"];
const MODELS = [
  aModel("openai:luna", { favourite: true, efforts: ALL }),
  aModel("openai:mini", { efforts: ["low", "high"] }),
  aModel("anthropic:opus", { name: "Claude Opus", provider: "OpenRouter", badges: ["reasoning"] }),
  aModel("openai:nano"),
  aModel("google:old", { reason: "Not available any more." }),
  aModel("demo:demo", { name: "Demo" }),
];

function aChoice(picker: Partial<Picker> = {}): ModelChoice {
  return new ModelChoice({
    models: MODELS,
    standing_id: "openai:luna",
    replacement_id: "",
    default_id: "openai:mini",
    may_prefer: true,
    ...picker,
  });
}

function openList(selectedId = "openai:mini"): ModelList {
  const list = new ModelList();
  list.open(MODELS, selectedId);
  return list;
}

function shown(list: ModelList): Record<string, string[]> {
  return Object.fromEntries(list.sections.map(({ label, models }) => [label, models.map((each) => each.id)]));
}

describe("the list of models", () => {
  it("has favourites first, creators in the order they come, what can't be picked last", () => {
    expect(Object.entries(shown(openList()))).toEqual([
      ["Favourites", ["openai:luna"]],
      ["openai", ["openai:mini", "openai:nano"]],
      ["anthropic", ["anthropic:opus"]],
      ["demo", ["demo:demo"]],
      ["Not available", ["google:old"]],
    ]);
  });

  it.each([
    ["claude", ["anthropic:opus"]],
    ["OPUS anthropic", ["anthropic:opus"]],
    ["openrouter", ["anthropic:opus"]],
    ["openai:n", ["openai:nano"]],
    ["  ", MODELS.map((model) => model.id)],
    ["nothing like it", []],
  ])("finds “%s” by name, creator, provider and id", (query, ids) => {
    const list = openList();
    list.search(query);
    expect(Object.values(shown(list)).flat().sort()).toEqual([...ids].sort());
    expect(list.count).toBe(ids.length);
  });

  it("opens on the model in use, and goes on from there", () => {
    const list = openList();
    expect(list.active?.id).toBe("openai:mini");
    list.move("next");
    expect(list.active?.id).toBe("openai:nano");
    list.move("previous");
    list.move("previous");
    expect(list.active?.id).toBe("openai:luna");
    list.move("previous");
    expect(list.active?.id).toBe("google:old");
    list.move("next");
    expect(list.active?.id).toBe("openai:luna");
    list.move("last");
    expect(list.active?.id).toBe("google:old");
    list.move("page-up");
    expect(list.active?.id).toBe("openai:luna");
  });

  it("is on the first hit that can be picked while one types", () => {
    const list = openList();
    list.search("o");
    expect(list.active?.id).toBe("openai:luna");
    list.search("old");
    expect(list.active?.id).toBe("google:old");
    list.search("nothing like it");
    expect(list.active).toBeNull();
    list.move("next");
    expect(list.active).toBeNull();
    list.search("");
    expect(list.active?.id).toBe("openai:luna");
  });

  it("keeps search and line when a favourite moves up, and has no trouble with an empty catalogue", () => {
    const list = openList();
    list.search("openai");
    list.move("last");
    expect(list.active?.id).toBe("openai:nano");
    list.update(MODELS.map((model) => (model.id === "openai:nano" ? { ...model, favourite: true } : model)));
    expect(shown(list)["Favourites"]).toEqual(["openai:luna", "openai:nano"]);
    expect(list.active?.id).toBe("openai:nano");
    list.open([], "");
    expect([list.count, list.active]).toEqual([0, null]);
  });
});

describe("the effort", () => {
  it.each<[Effort | null, Effort[], Effort | null]>([
    [null, ALL, "medium"],
    [null, ["low", "high"], "low"],
    [null, [], null],
    ["max", ["low", "medium", "high"], "high"],
    ["off", ["low", "medium"], "low"],
    ["minimal", ["low", "off"], "off"],
  ])("of %s among %j is %s, as the server reckons", (wish, offered, expected) => {
    expect(fittedEffort(wish, offered)).toBe(expected);
  });

  it("is sent where the person chose it and left to the server where it has it", () => {
    const choice = aChoice();
    expect([choice.effort, choice.effortToSend]).toEqual(["medium", ""]);
    choice.pickEffort("high");
    expect([choice.effort, choice.effortToSend]).toEqual(["high", "high"]);
    choice.follow("openai:luna", "high");
    expect([choice.effort, choice.effortToSend]).toEqual(["high", ""]);
  });

  it("falls back in words on another model, and comes back", () => {
    const choice = aChoice();
    choice.pickEffort("max");
    choice.pick("openai:mini");
    expect([choice.effort, choice.effortToSend]).toEqual(["high", ""]);
    expect(choice.effortNote).toBe("mini does not offer “Max”; “High” is used.");
    choice.pick("openai:nano");
    expect(choice.effort).toBeNull();
    expect(choice.effortNote).toBe("nano has no choice of effort; “Max” does not apply.");
    choice.pick("openai:luna");
    expect([choice.effort, choice.effortNote]).toEqual(["max", ""]);
  });

  it("is explained where it can't be chosen", () => {
    const keyless = aModel("openai:k", { reason: "You have no key for OpenAI.", help: "keys" });
    expect(aboutModel(keyless)).toBe(
      "You have no key for OpenAI. Enter a key of your own under Providers and keys.",
    );
    expect(MODELS.slice(1, 5).map(aboutModel)).toEqual([
      "Effort: Low, High.",
      "How much it thinks can't be chosen.",
      "It answers without thinking first.",
      "Not available any more.",
    ]);
  });
});

describe("the choice", () => {
  it("is what the server says, from whichever tab", () => {
    const choice = aChoice();
    const told = vi.fn();
    choice.onChange(told);
    choice.follow("openai:nano", null);
    expect([choice.modelId, told.mock.calls.length]).toEqual(["openai:nano", 1]);
  });

  it("is never a model that can't be picked", () => {
    const choice = aChoice();
    expect([choice.pick("google:old"), choice.pick("nobody:x"), choice.modelId]).toEqual([
      false,
      false,
      "openai:luna",
    ]);
  });

  it("proposes the successor of a model that is gone, else the default, else anything", () => {
    expect(aChoice({ standing_id: "google:old", replacement_id: "openai:nano" }).replacement?.id).toBe(
      "openai:nano",
    );
    const choice = aChoice({ standing_id: "google:old" });
    expect([choice.isGone, choice.replacement?.id]).toEqual([true, "openai:mini"]);
    expect(choice.goneWords).toBe("old is not available any more.");
    choice.lose("openai:mini");
    expect(choice.replacement?.id).toBe("openai:luna");
    choice.pick("openai:luna");
    expect(choice.isGone).toBe(false);
  });

  it("leaves a model it never heard of to the server", () => {
    const choice = aChoice({ standing_id: "openai:brand-new" });
    expect([choice.isGone, choice.nameOf(choice.modelId), choice.nameOf(null)]).toEqual([
      false,
      "brand-new",
      "Answer",
    ]);
  });
});
