import type { TurnInfo } from "../protocol/types";

/* What there is to choose from, as the page brings it (providers/picker.py), and what is chosen. No DOM. */

export type Effort = NonNullable<TurnInfo["effort"]>;

export interface ListedModel {
  readonly id: string;
  readonly name: string;
  readonly group: string;
  readonly provider?: string;
  readonly window?: string;
  readonly price?: string;
  readonly badges?: readonly string[];
  readonly efforts?: readonly Effort[];
  readonly own?: boolean;
  readonly favourite?: boolean;
  readonly hidden?: boolean;
  /** Why it can't be picked. */
  readonly reason?: string;
  readonly help?: "keys" | "account";
}

export interface Picker {
  readonly models: readonly ListedModel[];
  readonly standing_id: string;
  readonly replacement_id: string;
  readonly default_id: string;
  readonly may_prefer: boolean;
}

export const NOTHING_TO_PICK: Picker = {
  models: [],
  standing_id: "",
  replacement_id: "",
  default_id: "",
  may_prefer: false,
};

const EFFORT_WORDS: Readonly<Record<Effort, string>> = {
  off: "Off",
  minimal: "Minimal",
  low: "Low",
  medium: "Medium",
  high: "High",
  max: "Max",
};
/** As in providers/picker.py. */
const GONE = "Not available any more.";
const EFFORTS = Object.keys(EFFORT_WORDS) as Effort[];
const DEFAULT_EFFORT: Effort = "medium";

export function effortWord(effort: Effort): string {
  return EFFORT_WORDS[effort];
}

/** The offered one nearest to the wish, the lower of two, as the server chooses it (`fitted_effort`). */
export function fittedEffort(wish: Effort | null, offered: readonly Effort[]): Effort | null {
  const wanted = EFFORTS.indexOf(wish ?? DEFAULT_EFFORT);
  const far = (effort: Effort) => Math.abs(EFFORTS.indexOf(effort) - wanted);
  const inOrder = EFFORTS.filter((effort) => offered.includes(effort));
  return inOrder.reduce<Effort | null>(
    (best, each) => (best === null || far(each) < far(best) ? each : best),
    null,
  );
}

/** One sentence about thinking, or why the model can't be picked. */
export function aboutModel(model: ListedModel): string {
  if (model.help === "keys") return `${model.reason} Enter a key of your own under Providers and keys.`;
  if (model.reason) return model.reason;
  const efforts = model.efforts ?? [];
  if (efforts.length > 0) return `Effort: ${efforts.map(effortWord).join(", ")}.`;
  const thinks = model.badges?.includes("reasoning") ?? false;
  return thinks ? "How much it thinks can't be chosen." : "It answers without thinking first.";
}

/** The model and the effort that the next message goes out with. */
export class ModelChoice {
  readonly #replacementId: string;
  #models: ListedModel[];
  #defaultId: string;
  #modelId: string;
  #wish: Effort | null = null;
  #picked: Effort | null = null;
  readonly #listeners = new Set<() => void>();

  constructor(picker: Picker) {
    this.#models = [...picker.models];
    this.#modelId = picker.standing_id;
    this.#defaultId = picker.default_id;
    this.#replacementId = picker.replacement_id;
  }

  get models(): readonly ListedModel[] {
    return this.#models;
  }

  get modelId(): string {
    return this.#modelId;
  }

  get defaultId(): string {
    return this.#defaultId;
  }

  get model(): ListedModel | undefined {
    return this.find(this.#modelId);
  }

  /** Whether the model can't be used. One that this page never heard of may well be: the server knows. */
  get isGone(): boolean {
    return Boolean(this.model?.reason);
  }

  /** Why, in a sentence that names it; "" where it can be used. */
  get goneWords(): string {
    const model = this.model;
    if (model === undefined || !model.reason) return "";
    return model.reason === GONE
      ? `${model.name} is not available any more.`
      : `${model.name}: ${model.reason}`;
  }

  /** What is proposed where the model is gone. */
  get replacement(): ListedModel | undefined {
    const proposed = [this.find(this.#replacementId), this.find(this.#defaultId), ...this.#models];
    return proposed.find((model) => model !== undefined && !model.reason);
  }

  /** What the model will be asked for; null where it decides itself. */
  get effort(): Effort | null {
    return fittedEffort(this.#wish, this.model?.efforts ?? []);
  }

  /** What a command says: a choice that the server does not have yet, else "" for the conversation's. */
  get effortToSend(): Effort | "" {
    return this.#picked !== null && this.model?.efforts?.includes(this.#picked) ? this.#picked : "";
  }

  /** In words where the model is asked for something else than was chosen. */
  get effortNote(): string {
    if (this.#wish === null || this.model === undefined || this.isGone || this.effort === this.#wish)
      return "";
    const wish = effortWord(this.#wish);
    if (this.effort === null) return `${this.model.name} has no choice of effort; “${wish}” does not apply.`;
    return `${this.model.name} does not offer “${wish}”; “${effortWord(this.effort)}” is used.`;
  }

  find(id: string): ListedModel | undefined {
    return this.#models.find((model) => model.id === id);
  }

  /** One that this page never heard of is told by the last part of its id, `creator:model`. */
  nameOf(id: string | null): string {
    return this.find(id ?? "")?.name ?? (id?.split(":").at(-1) || "Answer");
  }

  /** Has no effect on a model that can't be used. */
  pick(id: string): boolean {
    const model = this.find(id);
    if (model === undefined || model.reason) return false;
    this.#modelId = id;
    this.#tell();
    return true;
  }

  pickEffort(effort: Effort): void {
    this.#wish = effort;
    this.#picked = effort;
    this.#tell();
  }

  /** The server's word, from whichever tab it comes. */
  follow(modelId: string, effort: Effort | null): void {
    this.#modelId = modelId;
    if (effort !== null) this.#wish = effort;
    if (effort === this.#picked) this.#picked = null;
    this.#tell();
  }

  /** The server refused it: it has gone since the page was opened. */
  lose(id: string): void {
    this.#change(id, { reason: GONE });
    this.#tell();
  }

  /** A preference that the server has stored. */
  prefer(id: string, changed: { favourite?: boolean; isDefault?: boolean }): void {
    const { favourite } = changed;
    if (favourite !== undefined) this.#change(id, { favourite });
    if (changed.isDefault) this.#defaultId = id;
    this.#tell();
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #change(id: string, facts: Partial<ListedModel>): void {
    this.#models = this.#models.map((model) => (model.id === id ? { ...model, ...facts } : model));
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}
