import { Controller } from "@hotwired/stimulus";
import type { ConnectionState } from "../models/connection";
import { connection } from "../page";
import { element } from "../rendering/elements";
import { signInAddress } from "../rendering/failure";

/** Says that the connection is lost, once that matters. */
export default class extends Controller<HTMLElement> {
  override connect(): void {
    connection.onChange((state) => this.#show(state));
  }

  #show(state: ConnectionState): void {
    this.element.hidden = state === "fine";
    if (state === "lost") {
      this.element.replaceChildren("Connection lost. Reconnecting… What you write is kept here.");
    } else if (state === "signed-out") {
      const link = element("a", { href: signInAddress() }, "Sign in");
      this.element.replaceChildren("You are signed out. What you wrote is kept here. ", link);
    } else if (state === "outdated") {
      const link = element("a", { href: location.href }, "Reload");
      this.element.replaceChildren("This page is older than the server. ", link);
    }
  }
}
