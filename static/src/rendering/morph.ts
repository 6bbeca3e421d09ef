/** Attributes that the page sets by itself and fresh HTML does not know. */
const KEPT_ATTRIBUTES = new Set([
  "data-highlighted",
  "data-drawn",
  "data-wrap",
  "aria-pressed",
  "aria-label",
]);

/**
 * Makes the children of `target` like those of `fresh` while keeping every node that can be kept, so
 * that a growing answer loses neither selection nor focus. Children are compared by their place: text
 * grows at its end.
 */
export function morphChildren(target: Node, fresh: Node): void {
  const wanted = [...fresh.childNodes];
  wanted.forEach((node, index) => {
    const current = target.childNodes[index];
    if (current === undefined) target.appendChild(node);
    else if (!morphNode(current, node)) target.replaceChild(node, current);
  });
  while (target.childNodes.length > wanted.length) target.lastChild?.remove();
}

/** False where `current` can't become `fresh`. */
export function morphNode(current: Node, fresh: Node): boolean {
  if (current.nodeType === Node.TEXT_NODE && fresh.nodeType === Node.TEXT_NODE) {
    growText(current as Text, (fresh as Text).data);
    return true;
  }
  if (!(current instanceof Element) || !(fresh instanceof Element)) return false;
  if (current.localName !== fresh.localName || current.namespaceURI !== fresh.namespaceURI) return false;
  if (isDrawnFrom(current, fresh)) return true;
  current.removeAttribute("data-drawn");
  current.removeAttribute("data-highlighted");
  syncAttributes(current, fresh);
  morphChildren(current, fresh);
  return true;
}

/** A highlighted code block or a drawn formula whose source is still the same. */
function isDrawnFrom(current: Element, fresh: Element): boolean {
  const drawn = current.getAttribute("data-drawn");
  if (drawn !== null) return drawn === fresh.textContent && sameMark(current, fresh, "data-math");
  return current.hasAttribute("data-highlighted") && current.textContent === fresh.textContent;
}

function sameMark(current: Element, fresh: Element, name: string): boolean {
  return current.getAttribute(name) === fresh.getAttribute(name);
}

function growText(current: Text, wanted: string): void {
  if (current.data === wanted) return;
  if (wanted.startsWith(current.data)) current.appendData(wanted.slice(current.data.length));
  else current.data = wanted;
}

function syncAttributes(current: Element, fresh: Element): void {
  for (const { name } of [...current.attributes]) {
    if (!fresh.hasAttribute(name) && !KEPT_ATTRIBUTES.has(name)) current.removeAttribute(name);
  }
  for (const { name, value } of [...fresh.attributes]) {
    const isSame = current.getAttribute(name) === value;
    if (!isSame && !(KEPT_ATTRIBUTES.has(name) && current.hasAttribute(name)))
      current.setAttribute(name, value);
  }
}
