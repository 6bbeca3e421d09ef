import type { ListedModel } from "./choices";

export interface ModelSection {
  readonly label: string;
  readonly models: readonly ListedModel[];
}

export type Step = "next" | "previous" | "first" | "last" | "page-down" | "page-up";

const FAVOURITES = "Favourites";
const UNAVAILABLE = "Not available";
const PAGE = 8;

/** What the open picker shows: sections, what the search leaves of them, and the line the keyboard is on. */
export class ModelList {
  #models: readonly ListedModel[] = [];
  #query = "";
  #sections: ModelSection[] = [];
  #order: ListedModel[] = [];
  #activeId: string | null = null;

  get sections(): readonly ModelSection[] {
    return this.#sections;
  }

  get count(): number {
    return this.#order.length;
  }

  get query(): string {
    return this.#query;
  }

  get active(): ListedModel | null {
    return this.#order.find((model) => model.id === this.#activeId) ?? null;
  }

  /** Begins anew, on the model in use. */
  open(models: readonly ListedModel[], selectedId: string): void {
    this.#query = "";
    this.#activeId = selectedId;
    this.update(models);
  }

  /** The same list with other facts: the search and the line stay. */
  update(models: readonly ListedModel[]): void {
    this.#models = models;
    this.#arrange();
  }

  search(query: string): void {
    this.#query = query;
    this.#arrange();
    this.#activeId = (this.#order.find((model) => !model.reason) ?? this.#order[0])?.id ?? null;
  }

  activate(id: string): void {
    this.#activeId = id;
  }

  move(step: Step): void {
    const last = this.#order.length - 1;
    const at = this.#order.findIndex((model) => model.id === this.#activeId);
    const to = {
      next: at >= last ? 0 : at + 1,
      previous: at <= 0 ? last : at - 1,
      first: 0,
      last,
      "page-down": Math.min(last, at + PAGE),
      "page-up": Math.max(0, at - PAGE),
    }[step];
    this.#activeId = this.#order[to]?.id ?? null;
  }

  #arrange(): void {
    const words = folded(this.#query).split(/\s+/).filter(Boolean);
    const found = this.#models.filter((model) => matches(model, words));
    const sections = new Map<string, ListedModel[]>();
    for (const model of found) {
      const label = sectionOf(model);
      const section = sections.get(label);
      if (section === undefined) sections.set(label, [model]);
      else section.push(model);
    }
    this.#sections = [...sections]
      .map(([label, models]) => ({ label, models }))
      .sort((one, other) => rank(one.label) - rank(other.label));
    this.#order = this.#sections.flatMap((section) => section.models);
    if (this.active === null) this.#activeId = this.#order[0]?.id ?? null;
  }
}

function sectionOf(model: ListedModel): string {
  if (model.reason) return UNAVAILABLE;
  return model.favourite ? FAVOURITES : model.group;
}

function rank(label: string): number {
  if (label === FAVOURITES) return -1;
  return label === UNAVAILABLE ? 1 : 0;
}

/** Every word somewhere in name, creator, provider or id; as `_is_found` in providers/picker.py. */
function matches(model: ListedModel, words: readonly string[]): boolean {
  if (words.length === 0) return true;
  const text = folded(`${model.name} ${model.group} ${model.provider ?? ""} ${model.id}`);
  return words.every((word) => text.includes(word));
}

function folded(text: string): string {
  return text.toLowerCase();
}
