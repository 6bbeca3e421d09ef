/** What the sidebar shows of a conversation, as `conversation.listed` tells it. */
export interface SidebarLine {
  readonly id: string;
  readonly title: string;
  readonly last_activity_at: string;
  readonly is_running: boolean;
}

/**
 * Which lines go to the top: those with something newer than all that was seen before. A rename or a
 * title from the model changes a line where it stands.
 */
export class NewestActivity {
  #newest: number;

  constructor(seenUntil: string) {
    this.#newest = Date.parse(seenUntil) || 0;
  }

  isNewer(line: SidebarLine): boolean {
    const moment = Date.parse(line.last_activity_at);
    if (!(moment > this.#newest)) return false;
    this.#newest = moment;
    return true;
  }
}
