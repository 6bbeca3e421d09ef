const SVG = "http://www.w3.org/2000/svg";

export type IconName =
  | "arrow-down"
  | "arrow-up"
  | "audio-lines"
  | "brain"
  | "check"
  | "copy"
  | "ellipsis"
  | "file-text"
  | "image"
  | "rotate-ccw"
  | "square"
  | "star"
  | "video"
  | "wrap-text"
  | "wrench"
  | "x";

/** An icon of the sprite in the page. It is decoration: the button around it has the name. */
export function icon(name: IconName, size: 16 | 20 = 16): SVGSVGElement {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("width", String(size));
  svg.setAttribute("height", String(size));
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#icon-${name}`);
  svg.append(use);
  return svg;
}
