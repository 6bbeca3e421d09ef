const MARGIN_PX = 4;

/** Puts an open popover below its anchor, above it where there is no room, and always inside the window. */
export function placeNear(popover: HTMLElement, anchor: DOMRect, side: "start" | "end"): void {
  const { offsetWidth: width, offsetHeight: height } = popover;
  const below = anchor.bottom + MARGIN_PX;
  const top = below + height > innerHeight ? anchor.top - height - MARGIN_PX : below;
  const wanted = side === "start" ? anchor.left : anchor.right - width;
  const left = Math.min(Math.max(MARGIN_PX, wanted), innerWidth - width - MARGIN_PX);
  popover.style.top = `${Math.max(MARGIN_PX, top)}px`;
  popover.style.left = `${left}px`;
}
