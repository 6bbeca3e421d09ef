import { ModelChoice, NOTHING_TO_PICK, type Picker } from "./models/choices";
import { ConnectionWatch } from "./models/connection";
import { Link } from "./models/link";
import { socketUrl } from "./models/socket";

/* What a page has once: the person's socket, the view of all connections, the models, the announcer. */

export const connection = new ConnectionWatch();

export const person = new Link(socketUrl("/ws/me/"));
person.listen({ onState: (state) => connection.set("person", state) });

const picker: Picker =
  JSON.parse(document.getElementById("models")?.textContent ?? "null") ?? NOTHING_TO_PICK;

export const choice = new ModelChoice(picker);

/** Guests have no favourites: a guest's session is no place to keep them. */
export const mayPrefer = picker.may_prefer;

export function connectRoom(conversationId: string): Link {
  const room = new Link(socketUrl(`/ws/c/${conversationId}/`));
  room.listen({ onState: (state) => connection.set("room", state) });
  const hurry = () => room.hurry();
  addEventListener("online", hurry);
  addEventListener("pageshow", hurry);
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && hurry());
  return room;
}

/** Tells screen readers, once, what others see. */
export function announce(text: string): void {
  const announcer = document.getElementById("announcer");
  if (announcer !== null) announcer.textContent = text;
}
