// The overview: of the project from its newest events and deliveries, and, for the instance's
// administrator, of this process from its metrics.
import { useEffect, useRef, useState } from "preact/hooks";
import { call, fetchText, type Page } from "../api";
import { Chart, Legend } from "../chart";
import { parseMetrics, quantile, sum, type Sample } from "../metrics";
import type { Consumer, Delivery, GatewayEvent, HeldInput, Source } from "../model";
import { Badge, Card, Empty, Head, Table, When } from "../parts";
import { useData, useSession } from "../state";
import { countText, secondsText, T, Time, words } from "../text";

const POLL_MS = 2000;
const KEPT = 150; // scrapes: five minutes
const NEWEST = 100;
const BUCKETS = 30;

function rateText(perSecond: number): string {
  return perSecond >= 100 ? countText(Math.round(perSecond)) : perSecond.toFixed(perSecond >= 10 ? 1 : 2);
}

function percentile(values: number[], q: number): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? null;
}

/** Per second, over the time from the oldest of the instants to now. */
function rateOf(instants: number[], now: number): number {
  if (instants.length < 2) return 0;
  return instants.length / Math.max((now - Math.min(...instants)) / 1000, 1);
}

interface Newest {
  at: number;
  events: GatewayEvent[];
  deliveries: Delivery[];
  failed: Delivery[];
  retrying: Delivery[];
  held: HeldInput[];
}

function useNewest() {
  const { api, isPortal } = useSession();
  const get = async <T,>(path: string): Promise<T[]> => (await call<Page<T>>("GET", api(path))).content;
  return useData(`newest${api("")}`, async (): Promise<Newest> => {
    const [events, deliveries, failed, retrying, held] = await Promise.all([
      get<GatewayEvent>(`/events?perPage=${NEWEST}&withoutData=true`),
      get<Delivery>(`/eventdeliveries?perPage=${NEWEST}&withoutData=true`),
      get<Delivery>(`/eventdeliveries?perPage=50&status=Failure&withoutData=true`),
      get<Delivery>(`/eventdeliveries?perPage=50&status=Retry&withoutData=true`),
      isPortal ? [] : get<HeldInput>(`/held-inputs?perPage=${NEWEST}`),
    ]);
    return { at: Date.now(), events, deliveries, failed, retrying, held };
  }, POLL_MS * 2);
}

function Stat({ name, value, unit, note }: { name: string; value: string; unit?: string; note?: string }) {
  return (
    <dl class="card stat">
      <dt>{name}</dt>
      <dd class="num">{value}{unit && <small> {unit}</small>}{note && <p class="note">{note}</p>}</dd>
    </dl>
  );
}

const FLOW = [{ label: "Events in", colour: "--accent" }, { label: "Delivered", colour: "--good" }, { label: "Failed attempts", colour: "--bad" }];

/** Both lists end somewhere: the chart begins where the longer one still tells all. */
function Flow({ newest }: { newest: Newest }) {
  const inAt = newest.events.map((e) => Date.parse(e.created_at));
  const outAt = newest.deliveries.filter((d) => d.status === "Success").map((d) => Date.parse(d.updated_at));
  const failedAt = [...newest.failed, ...newest.retrying].map((d) => Date.parse(d.updated_at));
  const deliveredAt = newest.deliveries.map((d) => Date.parse(d.updated_at));
  const ends = [inAt, deliveredAt].filter((list) => list.length === NEWEST).map((list) => Math.min(...list));
  const oldest = Math.max(newest.at - 3600_000, ...(ends.length ? ends : [Math.min(...inAt, newest.at - 60_000)]));
  const width = (newest.at - oldest) / BUCKETS;
  const times = Array.from({ length: BUCKETS }, (_, at) => (oldest + (at + 1) * width) / 1000);
  const countOf = (instants: number[]) => {
    const counts = new Array<number>(BUCKETS).fill(0);
    for (const at of instants) {
      const bucket = Math.floor((at - oldest) / width);
      if (bucket >= 0 && bucket < BUCKETS) counts[bucket]! += 1;
    }
    return counts.map((n) => n / (width / 1000));
  };
  const lines = [inAt, outAt, failedAt].map((instants, at) => ({ ...FLOW[at]!, values: countOf(instants) }));
  return <Chart name="Events and deliveries a second" times={times} lines={lines} format={(v) => `${rateText(v)}/s`} />;
}

function LatencyChart({ deliveries }: { deliveries: Delivery[] }) {
  const ended = deliveries.filter((d) => d.status === "Success" && d.latency_seconds > 0)
    .sort((a, b) => (a.updated_at < b.updated_at ? -1 : 1));
  return <Chart name="Seconds from acceptance to delivery" times={ended.map((d) => Date.parse(d.updated_at) / 1000)}
    lines={[{ label: "Latency", colour: "--accent", values: ended.map((d) => d.latency_seconds), isDots: true }]} format={secondsText} />;
}

interface Failing { uid: string; name: string; status: string; failed: number; retrying: number; last: string }

function failingOf({ failed, retrying }: Newest): Failing[] {
  const all = new Map<string, Failing>();
  for (const delivery of [...failed, ...retrying]) {
    const { uid = delivery.endpoint_id, name = delivery.endpoint_id, status = "" } = delivery.endpoint_metadata;
    const entry = all.get(uid) ?? { uid, name, status, failed: 0, retrying: 0, last: "" };
    if (delivery.status === "Failure") entry.failed += 1;
    else entry.retrying += 1;
    if (delivery.updated_at > entry.last) entry.last = delivery.updated_at;
    all.set(uid, entry);
  }
  return [...all.values()].sort((a, b) => b.failed + b.retrying - a.failed - a.retrying);
}

function FailingEndpoints({ newest }: { newest: Newest }) {
  const { link } = useSession();
  const all = failingOf(newest);
  return (
    <Card title="Failing endpoints" isFlush>
      {all.length === 0 ? <Empty icon="endpoints" title="None is failing">Every delivery that has ended lately was taken.</Empty> : (
        <Table name="Failing endpoints" items={all.slice(0, 8)} columns={[
          { title: "Endpoint", cell: (e) => <a class="row" href={link(`endpoints/${e.uid}`)}><T s={e.name} max={60} /></a> },
          { title: "Status", cell: (e) => e.status ? <Badge s={e.status} /> : <Badge s="removed" /> },
          { title: "Given up", isRight: true, cell: (e) => <a class="num" href={link(`deliveries?status=Failure&endpointId=${e.uid}`)}>{e.failed}</a> },
          { title: "Trying again", isRight: true, cell: (e) => <a class="num" href={link(`deliveries?status=Retry&endpointId=${e.uid}`)}>{e.retrying}</a> },
          { title: "Last", isRight: true, cell: (e) => <Time at={e.last} /> },
        ]} />
      )}
    </Card>
  );
}

function tally(texts: string[]): { uid: string; n: number }[] {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  return [...counts].map(([uid, n]) => ({ uid, n })).sort((a, b) => b.n - a.n);
}

function Refusals({ rows, says }: { rows: { uid: string; n: number }[]; says: string }) {
  return (
    <Card title="Refusals" isFlush aside={<span class="muted small">{says}</span>}>
      {rows.length === 0 ? <Empty icon="quarantine" title="Nothing was refused">Requests that do not verify are told here, by reason.</Empty> : (
        <Table name="Refusals" items={rows} columns={[
          { title: "Reason", cell: (r) => words(r.uid) },
          { title: "Requests", isRight: true, cell: (r) => <span class="num">{countText(r.n)}</span> },
        ]} />
      )}
    </Card>
  );
}

function Brokers() {
  const { api, link } = useSession();
  const state = useData(`brokers${api("")}`, async () => {
    const sources = (await call<Page<Source>>("GET", `${api("/sources")}?perPage=100`)).content.filter((s) => s.type === "pub_sub").slice(0, 20);
    return Promise.all(sources.map(async (source) => ({
      uid: source.uid, source,
      consumer: await call<Consumer>("GET", `${api("/sources")}/${source.uid}/consumer`).catch(() => null),
    })));
  }, POLL_MS * 5);
  if (!state.data?.length) return null;
  return (
    <Card title="Message brokers" isFlush>
      <Table name="Message brokers" items={state.data} columns={[
        { title: "Source", cell: (b) => <a class="row" href={link(`sources/${b.uid}`)}><T s={b.source.name} max={60} /></a> },
        { title: "Broker", cell: (b) => <span class="tag">{b.source.pub_sub?.type ?? ""}</span> },
        { title: "State", cell: (b) => <Badge s={b.consumer?.state ?? "unknown"} /> },
        { title: "Waiting there", isRight: true, cell: (b) => <span class="num">{b.consumer?.lag ?? "–"}</span> },
      ]} />
    </Card>
  );
}

interface Scrape { at: number; samples: Sample[] }

function useScrapes(): Scrape[] {
  const kept = useRef<Scrape[]>([]);
  const scrape = useData("metrics", async () => ({ at: Date.now(), samples: parseMetrics(await fetchText("/metrics")) }), POLL_MS);
  const last = kept.current.at(-1);
  if (scrape.data && scrape.data.at !== last?.at) kept.current = [...kept.current.slice(1 - KEPT), scrape.data];
  return kept.current;
}

const LATENCY = "convoy_delivery_latency_seconds";
const delivered = { outcome: "success" };

/** Growth a second between two scrapes, of a counter that began anew: none. */
function growth(a: Scrape, b: Scrape, of: (samples: Sample[]) => number): number {
  return Math.max(of(b.samples) - of(a.samples), 0) / Math.max((b.at - a.at) / 1000, 0.001);
}

const inCount = (s: Sample[]) => sum(s, "convoy_event_ingested_total", { outcome: "accepted" });
const outCount = (s: Sample[]) => sum(s, "convoy_delivery_attempt_total", { outcome: "delivered" });
const failedCount = (s: Sample[]) => sum(s, "convoy_delivery_attempt_total") - outCount(s);

function Process({ projectId }: { projectId: string }) {
  const scrapes = useScrapes();
  const [first, last] = [scrapes.at(-Math.min(scrapes.length, 6)), scrapes.at(-1)];
  if (!first || !last) return null;
  const p = (q: number) => quantile(q, LATENCY, delivered, last.samples, scrapes.length > 1 ? scrapes[0]!.samples : []);
  const [half, most] = [p(0.5), p(0.95)];
  const oldest = sum(last.samples, "convoy_delivery_oldest_due_age_seconds", { project_id: projectId });
  const pairs = scrapes.slice(1).map((scrape, at): [Scrape, Scrape] => [scrapes[at]!, scrape]);
  const lines = [inCount, outCount, failedCount].map((of, at) => ({ ...FLOW[at]!, values: pairs.map(([a, b]) => growth(a, b, of)) }));
  const refused = last.samples.filter((s) => s.name === "convoy_ingest_refused_total" && s.value > 0)
    .map((s) => ({ uid: s.labels.reason ?? "", n: s.value })).sort((a, b) => b.n - a.n);
  return (
    <>
      <div class="stats">
        <Stat name="Events in" value={rateText(growth(first, last, inCount))} unit="a second" note={`${countText(inCount(last.samples))} since the start`} />
        <Stat name="Delivered" value={rateText(growth(first, last, outCount))} unit="a second" note={`${countText(failedCount(last.samples))} attempts failed`} />
        <Stat name="Acceptance to delivery" value={half === null ? "–" : secondsText(half)} note={most === null ? "nothing was delivered meanwhile" : `95 % within ${secondsText(most)}`} />
        <Stat name="Backlog of the project" value={countText(sum(last.samples, "convoy_delivery_backlog", { project_id: projectId }))} note={oldest > 0 ? `the oldest is due for ${secondsText(oldest)}` : "nothing is overdue"} />
        <Stat name="On their way" value={countText(sum(last.samples, "convoy_delivery_in_flight"))} note={`${countText(sum(last.samples, "convoy_delivery_waiting"))} wait, ${countText(sum(last.samples, "convoy_delivery_throttled"))} endpoints throttled`} />
      </div>
      <div class="grid">
        <Card title="This process, live" aside={<Legend lines={FLOW} />} isFlush>
          {pairs.length > 0 ? <Chart name="Events and deliveries a second" times={pairs.map(([, b]) => b.at / 1000)} lines={lines} format={(v) => `${rateText(v)}/s`} />
            : <p class="loading">The line begins with the next measurement.</p>}
        </Card>
        <Refusals rows={refused} says="since the start" />
      </div>
    </>
  );
}

function Sampled({ newest }: { newest: Newest }) {
  const now = newest.at;
  const latencies = newest.deliveries.filter((d) => d.status === "Success").map((d) => d.latency_seconds).filter((s) => s > 0);
  const [half, most] = [percentile(latencies, 0.5), percentile(latencies, 0.95)];
  const waiting = newest.deliveries.filter((d) => ["Scheduled", "Retry", "Processing"].includes(d.status)).length;
  return (
    <div class="stats">
      <Stat name="Events in" value={rateText(rateOf(newest.events.map((e) => Date.parse(e.created_at)), now))} unit="a second" note={`over the newest ${newest.events.length}`} />
      <Stat name="Delivered" value={countText(newest.deliveries.filter((d) => d.status === "Success").length)} note={`of the newest ${newest.deliveries.length} deliveries`} />
      <Stat name="Acceptance to delivery" value={half === null ? "–" : secondsText(half)} note={most === null ? "nothing was delivered yet" : `95 % within ${secondsText(most)}`} />
      <Stat name="Under way" value={countText(waiting)} note={`of the newest ${newest.deliveries.length} deliveries`} />
      <Stat name="Failed" value={`${newest.failed.length}${newest.failed.length === 50 ? "+" : ""}`} note={`${newest.retrying.length}${newest.retrying.length === 50 ? "+" : ""} are tried again`} />
    </div>
  );
}

export function Overview() {
  const { isInstance, isPortal, projectId, projectName } = useSession();
  const newest = useNewest();
  const [isSlow, setSlow] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setSlow(true), 400);
    return () => clearTimeout(timer);
  }, []);
  return (
    <>
      <Head title="Overview" says={<>How <T s={projectName} max={80} /> is doing, renewed every few seconds.</>} />
      <div class="stack">
        {isInstance && <Process projectId={projectId} />}
        {(newest.data || newest.error || isSlow) && <When loaded={newest}>{(data) => (
          <div class="stack">
            {!isInstance && <Sampled newest={data} />}
            {data.events.length > 0 && (
              <div class="grid">
                <Card title="This project" aside={<Legend lines={FLOW} />} isFlush><Flow newest={data} /></Card>
                <Card title="From acceptance to delivery" isFlush aside={<span class="muted small">newest {data.deliveries.length} deliveries</span>}><LatencyChart deliveries={data.deliveries} /></Card>
              </div>
            )}
            <div class="grid">
              <FailingEndpoints newest={data} />
              {!isPortal && !isInstance && <Refusals rows={tally(data.held.map((h) => h.reason))} says={`newest ${data.held.length} in quarantine`} />}
            </div>
          </div>
        )}</When>}
        {!isPortal && <Brokers />}
      </div>
    </>
  );
}
