import { matching } from "./elements";
import { formulaFragment } from "./sink";

type Typesetter = (source: string, isDisplay: boolean) => string | null;

let typesetter: Promise<Typesetter> | undefined;
let ready: Typesetter | undefined;

/** Draws the formulas under `root`. KaTeX is fetched with the first one; until then its source shows. */
export function drawFormulas(root: Element | DocumentFragment): void {
  for (const formula of matching(root, ".math[data-math]:not([data-drawn])")) {
    if (formula.getAttribute("data-math") === "open") continue;
    if (ready !== undefined) draw(formula, ready);
    else void drawLater(formula);
  }
}

async function drawLater(formula: Element): Promise<void> {
  typesetter ??= import("./typesetter").then((module) => module.typeset);
  try {
    ready = await typesetter;
  } catch {
    typesetter = undefined; // The chunk could not be fetched: the source stays readable.
    return;
  }
  if (!formula.hasAttribute("data-drawn")) draw(formula, ready);
}

function draw(formula: Element, typeset: Typesetter): void {
  const source = formula.textContent ?? "";
  const html = typeset(source, formula.getAttribute("data-math") === "display");
  formula.setAttribute("data-drawn", source);
  if (html !== null) formula.replaceChildren(formulaFragment(html));
}
