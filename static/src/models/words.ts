const NUMBERS = new Intl.NumberFormat("en");

export function formatNumber(number: number): string {
  return NUMBERS.format(number);
}

/** "4 s", "1 min 5 s". */
export function formatDuration(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 60) return `${seconds} s`;
  const rest = seconds % 60;
  return rest === 0 ? `${seconds / 60} min` : `${Math.floor(seconds / 60)} min ${rest} s`;
}

export function greeting(hour: number): string {
  if (hour < 5) return "Good night";
  if (hour < 12) return "Good morning";
  if (hour < 18) return "Good afternoon";
  return "Good evening";
}

/** The length as the server counts it: in code points, not in UTF-16 units. */
export function countCharacters(text: string): number {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

/** Today's clock time, this week's day and time, else the date, in the reader's zone. */
export function formatMoment(iso: string, now: Date = new Date()): string {
  const moment = new Date(iso);
  if (Number.isNaN(moment.getTime())) return "";
  const days = (now.getTime() - moment.getTime()) / 86_400_000;
  const time: Intl.DateTimeFormatOptions = { hour: "2-digit", minute: "2-digit" };
  if (days < 1 && moment.getDate() === now.getDate()) return moment.toLocaleTimeString([], time);
  if (days < 7) return moment.toLocaleString([], { weekday: "short", ...time });
  return moment.toLocaleDateString([], { year: "numeric", month: "short", day: "numeric" });
}
