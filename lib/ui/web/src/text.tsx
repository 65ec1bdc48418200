// Texts from outside, shown so that they cannot pretend to be anything else, and times.
import type { ComponentChildren } from "preact";

// Control characters, marks that change the direction of text, and those that are not to be seen.
// eslint-disable-next-line no-control-regex
const ODD = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\uffff]/;
const ODDS_MAX = 5000; // elements; beyond it they are dots

function nameOf(odd: string): string {
  return `U+${odd.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}`;
}

/** The text with every odd character by its name. */
export function safe(text: string): ComponentChildren {
  if (!ODD.test(text)) return text;
  const parts: ComponentChildren[] = [];
  const finder = new RegExp(ODD.source, "g");
  let at = 0;
  for (let found = finder.exec(text); found; found = finder.exec(text)) {
    if (parts.length > ODDS_MAX) {
      parts.push(text.slice(at).replace(new RegExp(ODD.source, "g"), "·"));
      return parts;
    }
    if (found.index > at) parts.push(text.slice(at, found.index));
    parts.push(<span class="odd">{nameOf(found[0])}</span>);
    at = found.index + 1;
  }
  parts.push(text.slice(at));
  return parts;
}

/** One short text from outside. */
export function T({ s, max = 200 }: { s: string | undefined | null; max?: number }) {
  const text = s ?? "";
  return <bdi>{safe(text.length > max ? `${text.slice(0, max)}…` : text)}</bdi>;
}

const clock = new Intl.DateTimeFormat("en-GB", {
  year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit",
  second: "2-digit",
});

export function ago(at: number, now = Date.now()): string {
  const seconds = Math.round(Math.abs(now - at) / 1000);
  const [amount, unit] =
    seconds < 60 ? [seconds, "s"]
    : seconds < 3600 ? [Math.round(seconds / 60), "min"]
    : seconds < 86400 ? [Math.round(seconds / 3600), "h"]
    : [Math.round(seconds / 86400), "d"];
  return at > now ? `in ${amount} ${unit}` : seconds < 2 ? "just now" : `${amount} ${unit} ago`;
}

/** An instant: relative, with the full time where the pointer rests. */
export function Time({ at, full = false }: { at: string | null | undefined; full?: boolean }) {
  if (!at) return <span class="muted">never</span>;
  const date = new Date(at);
  const exact = clock.format(date);
  return (
    <time dateTime={at} title={`${exact} · ${at}`} class="nowrap num">
      {full ? exact : ago(date.getTime())}
    </time>
  );
}

export function bytesText(count: number): string {
  if (count < 1024) return `${count} B`;
  if (count < 1024 * 1024) return `${(count / 1024).toFixed(1)} KiB`;
  return `${(count / 1024 / 1024).toFixed(1)} MiB`;
}

export function secondsText(seconds: number): string {
  if (seconds === 0) return "0";
  if (seconds < 0.001) return `${Math.round(seconds * 1e6)} µs`;
  if (seconds < 1) return `${(seconds * 1000).toFixed(seconds < 0.1 ? 1 : 0)} ms`;
  if (seconds < 120) return `${seconds.toFixed(1)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

export function countText(count: number): string {
  return count.toLocaleString("en-US");
}

export function words(name: string): string {
  return name.replaceAll("_", " ");
}
