// Lines over time, drawn by uPlot in the colours of the theme.
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";

export interface Line {
  label: string;
  colour: string; // a CSS variable: "--accent"
  values: (number | null)[];
  isDots?: boolean; // one for each value, not a line
}

const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const SECONDS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 86400];

function colourOf(variable: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(variable).trim();
}

function optionsOf(width: number, lines: Line[], format: (value: number) => string): uPlot.Options {
  const axis = { stroke: colourOf("--muted"), font: "11px Inter, system-ui, sans-serif",
    grid: { stroke: colourOf("--line"), width: 1 }, ticks: { show: false } };
  return {
    width,
    height: 200,
    legend: { show: false },
    cursor: { y: false, points: { size: 6 } },
    scales: { y: { range: (_u, _min, max) => [0, max > 0 ? max * 1.15 : 1] } },
    axes: [
      { ...axis, grid: { show: false }, incrs: SECONDS, space: 76, size: 30,
        values: (_u, ticks) => ticks.map((at) => clock.format(at * 1000)) },
      { ...axis, size: 58, values: (_u, ticks) => ticks.map(format) },
    ],
    series: [
      {},
      ...lines.map((line) => ({
        label: line.label, stroke: colourOf(line.colour), width: 2, spanGaps: false,
        fill: line.isDots ? undefined : `${colourOf(line.colour)}1f`,
        ...(line.isDots ? { paths: () => null } : {}),
        points: { show: line.isDots === true, size: 5, fill: colourOf(line.colour) },
      })),
    ],
  };
}

export function Chart({ name, times, lines, format }: {
  name: string; times: number[]; lines: Line[]; format: (value: number) => string;
}) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const data = [times, ...lines.map((line) => line.values)] as uPlot.AlignedData;
  const latest = useRef(data);
  latest.current = data;
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const draw = () => {
      plot.current?.destroy();
      plot.current = new uPlot(optionsOf(element.clientWidth - 24, lines, format), latest.current, element);
    };
    draw();
    const sized = new ResizeObserver(() =>
      plot.current?.setSize({ width: Math.max(element.clientWidth - 24, 100), height: 200 }));
    sized.observe(element);
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    scheme.addEventListener("change", draw);
    return () => {
      sized.disconnect();
      scheme.removeEventListener("change", draw);
      plot.current?.destroy();
      plot.current = null;
    };
  }, []);
  useEffect(() => plot.current?.setData(data));
  const last = lines.map((line) => `${line.label}: ${format(line.values.findLast((v) => v !== null) ?? 0)}`);
  return (
    <figure>
      <div class="chart" ref={box} role="img" aria-label={`${name}. Latest ${last.join(", ")}.`} />
    </figure>
  );
}

export function Legend({ lines }: { lines: { label: string; colour: string }[] }) {
  return (
    <div class="legend">
      {lines.map((line) => <span key={line.label}><Swatch colour={line.colour} />{line.label}</span>)}
    </div>
  );
}

function Swatch({ colour }: { colour: string }) {
  const box = useRef<HTMLElement>(null);
  useEffect(() => box.current?.style.setProperty("background", `var(${colour})`), [colour]);
  return <i ref={box} />;
}
