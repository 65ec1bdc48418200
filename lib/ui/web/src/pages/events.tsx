// Events and deliveries: lists with every filter of the API, a live tail, and batches.
import { useState } from "preact/hooks";
import { call, queryText, type Query } from "../api";
import { Filters, useFilters, useList, useNames, type FilterField } from "../list";
import type { Delivery, Endpoint, GatewayEvent, Source } from "../model";
import { Badge, Card, Dialog, Empty, Failure, Head, Loading, Pager, Table, When } from "../parts";
import { go, say, useAction, useData, useSession } from "../state";
import { countText, secondsText, T, Time } from "../text";

const DATES: FilterField[] = [
  { name: "startDate", label: "From", type: "datetime-local" },
  { name: "endDate", label: "Until", type: "datetime-local" },
];
export const STATUSES = ["Scheduled", "Processing", "Retry", "Success", "Failure", "Discarded"];

function menu(all: { uid: string; name: string }[]): [string, string][] {
  return all.map(({ uid, name }) => [uid, name.slice(0, 60)]);
}

/** A batch of all that the list shows: counted first, then done by a job. */
function Batch(props: { label: string; verb: string; count: string; act: string; query: Query; what: string }) {
  const { api, link } = useSession();
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <button type="button" onClick={() => setOpen(true)}>{props.label}</button>
      {isOpen && (
        <Dialog title={props.label} onClose={() => setOpen(false)}>
          <BatchQuestion {...props} path={api(props.count) + queryText(props.query)}
            act={api(props.act) + queryText(props.query)} done={() => { setOpen(false); go(link("jobs")); }} />
        </Dialog>
      )}
    </>
  );
}

function BatchQuestion(props: { path: string; act: string; verb: string; what: string; done: () => void }) {
  const count = useData(props.path, () => call<{ num: number; is_lower_bound?: boolean }>("GET", props.path));
  const action = useAction();
  const start = () => action.run(async () => {
    await call("POST", props.act, {});
    say("The job has begun.");
    props.done();
  });
  if (count.error) return <Failure error={count.error} retry={count.reload} />;
  if (!count.data) return <Loading />;
  const { num, is_lower_bound } = count.data;
  return (
    <>
      <p>
        {num === 0 ? `No ${props.what} match the filters.`
          : `${is_lower_bound ? "At least " : ""}${countText(num)} ${props.what} match the filters. A job works them off in the background; you can follow and cancel it.`}
      </p>
      {action.error && <Failure error={action.error} />}
      <div class="actions">
        <button type="button" class="primary" disabled={num === 0 || action.isBusy} onClick={start}>{props.verb}</button>
      </div>
    </>
  );
}

export function Events() {
  const { isPortal, mayWrite, link } = useSession();
  const [isLive, setLive] = useState(false);
  const endpoints = useNames<Endpoint>("/endpoints");
  const sources = isPortal ? [] : useNames<Source>("/sources");
  const fields: FilterField[] = [
    { name: "event_type", label: "Event type", placeholder: "invoice.paid" },
    { name: "endpointId", label: "Endpoint", options: menu(endpoints) },
    ...(isPortal ? [] : [{ name: "sourceId", label: "Source", options: menu(sources) }]),
    { name: "idempotencyKey", label: "Idempotency key" },
    ...DATES,
  ];
  const query = useFilters(fields);
  const list = useList<GatewayEvent>("/events", { ...query, withoutData: "true" }, isLive);
  const nameOf = new Map([...endpoints, ...sources].map((each) => [each.uid, each.name]));
  return (
    <>
      <Head title="Events" says="What came in, newest first, with what became of it."
        actions={<>
          <button type="button" aria-pressed={isLive} onClick={() => setLive(!isLive)}>{isLive ? "Following" : "Follow live"}</button>
          {mayWrite && <Batch label="Replay matching…" verb="Replay all" what="events" query={query}
            count="/events/countbatchreplayevents" act="/events/batchreplay" />}
        </>} />
      <Card isFlush>
        <Filters fields={fields} />
        <p class="hidden-text" aria-live="polite">{isLive && list.fresh.size > 0 ? `${list.fresh.size} new events` : ""}</p>
        <When loaded={list}>{(page) => page.content.length === 0 ? (
          <Empty icon="events" title="No events here">
            {Object.values(query).some(Boolean)
              ? "Nothing matches these filters. Clear them, or widen the time."
              : "As soon as a source receives a webhook, or your service posts an event, it appears here."}
          </Empty>
        ) : (
          <>
            <Table name="Events" items={page.content} fresh={list.fresh} columns={[
              { title: "Event type", cell: (e) => <a class="row" href={link(`events/${e.uid}`)}><T s={e.event_type} max={80} /></a> },
              { title: "Status", cell: (e) => e.is_duplicate_event ? <Badge s="duplicate" /> : <Badge s={e.status} /> },
              { title: "From", cell: (e) => e.source_id ? <T s={nameOf.get(e.source_id) ?? e.source_id} max={60} /> : <span class="muted">API</span> },
              { title: "Endpoints", cell: (e) => e.endpoints.length === 0 ? <span class="muted">none</span>
                : e.endpoints.length === 1 ? <T s={nameOf.get(e.endpoints[0] ?? "") ?? e.endpoints[0]} max={60} /> : `${countText(e.endpoints.length)} endpoints` },
              { title: "Received", isRight: true, cell: (e) => <Time at={e.created_at} /> },
            ]} />
            {!isLive && <Pager page={page} turn={list.turn} />}
          </>
        )}</When>
      </Card>
    </>
  );
}

export function Deliveries() {
  const { isPortal, mayWrite, link } = useSession();
  const [isLive, setLive] = useState(false);
  const endpoints = useNames<Endpoint>("/endpoints");
  const subscriptions = useNames<{ uid: string; name: string }>("/subscriptions");
  const fields: FilterField[] = [
    { name: "status", label: "Status", options: STATUSES.map((s) => [s, s]) },
    { name: "endpointId", label: "Endpoint", options: menu(endpoints) },
    { name: "subscriptionId", label: "Subscription", options: menu(subscriptions) },
    { name: "event_type", label: "Event type" },
    { name: "eventId", label: "Event id" },
    { name: "idempotencyKey", label: "Idempotency key" },
    ...DATES,
  ];
  const query = useFilters(fields);
  const list = useList<Delivery>("/eventdeliveries", { ...query, withoutData: "true" }, isLive);
  return (
    <>
      <Head title="Deliveries" says="Each event on its way to each endpoint, with its attempts."
        actions={<>
          <button type="button" aria-pressed={isLive} onClick={() => setLive(!isLive)}>{isLive ? "Following" : "Follow live"}</button>
          {mayWrite && !isPortal && <Batch label="Retry failed…" verb="Retry all" what="failed or discarded deliveries"
            query={query} count="/eventdeliveries/countbatchretryevents" act="/eventdeliveries/batchretry" />}
        </>} />
      <Card isFlush>
        <Filters fields={fields} />
        <When loaded={list}>{(page) => page.content.length === 0 ? (
          <Empty icon="deliveries" title="No deliveries here">
            {Object.values(query).some(Boolean)
              ? "Nothing matches these filters. Clear them, or widen the time."
              : "A delivery is made for each subscription that an event matches. Without subscriptions, nothing is delivered."}
          </Empty>
        ) : (
          <>
            <Table name="Deliveries" items={page.content} fresh={list.fresh} columns={[
              { title: "Event type", cell: (d) => <a class="row" href={link(`events/${d.event_id}?delivery=${d.uid}`)}><T s={d.event_type} max={80} /></a> },
              { title: "Status", cell: (d) => <Badge s={d.status} /> },
              { title: "Endpoint", cell: (d) => <T s={d.endpoint_metadata.name ?? d.endpoint_id} max={60} /> },
              { title: "Attempts", isRight: true, cell: (d) => <span class="num">{d.metadata.num_trials} of {d.metadata.retry_limit}</span> },
              { title: "Took", isRight: true, cell: (d) => <span class="num">{d.latency_seconds > 0 ? secondsText(d.latency_seconds) : "–"}</span> },
              { title: "Created", isRight: true, cell: (d) => <Time at={d.created_at} /> },
            ]} />
            {!isLive && <Pager page={page} turn={list.turn} />}
          </>
        )}</When>
      </Card>
    </>
  );
}
