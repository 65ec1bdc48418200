// Prometheus' text format, as far as the overview reads it.

export interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;

export function parseMetrics(text: string): Sample[] {
  const samples: Sample[] = [];
  for (const line of text.split("\n")) {
    const [, name, inner = "", value] = (line.startsWith("#") ? null : LINE.exec(line)) ?? [];
    if (!name) continue;
    const labels: Record<string, string> = {};
    for (const [, key, text] of inner.matchAll(LABEL)) if (key) labels[key] = text ?? "";
    samples.push({ name, labels, value: Number(value) });
  }
  return samples;
}

export function sum(samples: Sample[], name: string, labels: Record<string, string> = {}): number {
  return samples
    .filter((s) => s.name === name && Object.entries(labels).every(([key, value]) => s.labels[key] === value))
    .reduce((total, s) => total + s.value, 0);
}

/** A quantile of a histogram's growth between two scrapes, within its bucket by proportion. */
export function quantile(q: number, name: string, labels: Record<string, string>, now: Sample[], before: Sample[]): number | null {
  const boundsOf = (samples: Sample[]) =>
    new Map(samples
      .filter((s) => s.name === `${name}_bucket` && Object.entries(labels).every(([key, value]) => s.labels[key] === value))
      .map((s) => [s.labels.le === "+Inf" ? Infinity : Number(s.labels.le), s.value]));
  const old = boundsOf(before);
  const grown = [...boundsOf(now)].map(([le, n]): [number, number] => [le, n - (old.get(le) ?? 0)]).sort((a, b) => a[0] - b[0]);
  const total = grown.at(-1)?.[1] ?? 0;
  if (total <= 0) return null;
  let lower = 0;
  let below = 0;
  for (const [le, n] of grown) {
    if (n >= q * total) return le === Infinity ? lower : lower + (le - lower) * ((q * total - below) / Math.max(n - below, 1));
    lower = le;
    below = n;
  }
  return lower;
}
