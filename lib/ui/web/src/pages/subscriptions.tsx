// Subscriptions: which endpoint wants what, with a tester for filters.
import { useState } from "preact/hooks";
import { call, type Json } from "../api";
import { jsonText } from "../body";
import { useList, useNames } from "../list";
import type { Endpoint, Source, Subscription } from "../model";
import {
  Area, Badge, Card, Confirm, Dialog, Empty, Facts, Failure, Form, Head, Input, Notice, Pager, Select, Table,
  Tags, When,
} from "../parts";
import { go, say, useAction, useData, useSession } from "../state";
import { T, Time } from "../text";

function parse(text: string, what: string): Json {
  if (!text.trim()) return {};
  try {
    return JSON.parse(text) as Json;
  } catch (error) {
    throw new Error(`${what} is no JSON: ${error instanceof Error ? error.message : ""}`);
  }
}

function SubscriptionForm({ subscription, done }: { subscription?: Subscription; done: (id: string) => void }) {
  const { api, isIncoming } = useSession();
  const endpoints = useNames<Endpoint>("/endpoints");
  const sources = useNames<Source>("/sources");
  const old = subscription?.filter_config;
  const [name, setName] = useState(subscription?.name ?? "");
  const [endpoint, setEndpoint] = useState(subscription?.endpoint_metadata?.uid ?? "");
  const [source, setSource] = useState(subscription?.source_metadata?.uid ?? "");
  const [types, setTypes] = useState(old?.event_types.join(", ") ?? "*");
  const [body, setBody] = useState(old ? jsonText(old.filter.body) : "{}");
  const [headers, setHeaders] = useState(old ? jsonText(old.filter.headers) : "{}");
  const action = useAction();
  const send = () => action.run(async () => {
    const wanted = {
      name, endpoint_id: endpoint, ...(source ? { source_id: source } : {}),
      filter_config: {
        event_types: types.split(",").map((each) => each.trim()).filter(Boolean),
        filter: { body: parse(body, "the filter of bodies"), headers: parse(headers, "the filter of headers") },
      },
    };
    const made = subscription ? await call<Subscription>("PUT", api(`/subscriptions/${subscription.uid}`), wanted)
      : await call<Subscription>("POST", api("/subscriptions"), wanted);
    say(subscription ? "Subscription saved." : "Subscription created.");
    done(made.uid);
  });
  return (
    <Form onSend={send}>
      <div class="fields">
        <Input label="Name" value={name} onValue={setName} isRequired />
        <Select label="Endpoint" value={endpoint} onValue={setEndpoint} isRequired options={[["", "Choose…"], ...endpoints.map((e): [string, string] => [e.uid, e.name])]} />
        <Select label="Source" value={source} onValue={setSource} isRequired={isIncoming} options={[["", isIncoming ? "Choose…" : "Every source, and the API"], ...sources.map((s): [string, string] => [s.uid, s.name])]} />
        <Input label="Event types" value={types} onValue={setTypes} isRequired hint="Separated by commas; * stands for all, order.* for all that begin so." />
        <Area label="Filter of bodies" value={body} onValue={setBody} rows={5} hint={<>Conditions as JSON, for example {'{"amount": {"$gt": 100}}'}. {"{}"} takes all.</>} />
        <Area label="Filter of headers" value={headers} onValue={setHeaders} rows={3} />
      </div>
      {action.error && <Failure error={action.error} />}
      <div class="form-foot"><button type="submit" class="primary" disabled={action.isBusy}>{subscription ? "Save" : "Create subscription"}</button></div>
    </Form>
  );
}

export function Subscriptions() {
  const { link, mayWrite } = useSession();
  const [isNew, setNew] = useState(false);
  const list = useList<Subscription>("/subscriptions");
  const add = mayWrite && <button type="button" class="primary" onClick={() => setNew(true)}>New subscription</button>;
  return (
    <>
      <Head title="Subscriptions" says="Which endpoint gets which events." actions={add} />
      {isNew && <Dialog title="New subscription" onClose={() => setNew(false)}><SubscriptionForm done={(id) => go(link(`subscriptions/${id}`))} /></Dialog>}
      <div class="stack">
      <Card isFlush>
        <When loaded={list}>{(page) => page.content.length === 0 ? (
          <Empty icon="subscriptions" title="No subscriptions yet" action={add}>A subscription brings events of some types, from one source or all, to an endpoint.</Empty>
        ) : (
          <>
            <Table name="Subscriptions" items={page.content} columns={[
              { title: "Name", cell: (s) => <a class="row" href={link(`subscriptions/${s.uid}`)}><T s={s.name} max={80} /></a> },
              { title: "Event types", cell: (s) => <Tags all={s.filter_config.event_types.slice(0, 6)} /> },
              { title: "From", cell: (s) => s.source_metadata ? <T s={s.source_metadata.name} max={60} /> : <span class="muted">all</span> },
              { title: "To", cell: (s) => s.endpoint_metadata ? <T s={s.endpoint_metadata.name} max={60} /> : <span class="muted">none</span> },
              { title: "Created", isRight: true, cell: (s) => <Time at={s.created_at} /> },
            ]} />
            <Pager page={page} turn={list.turn} />
          </>
        )}</When>
      </Card>
      <Tester />
      </div>
    </>
  );
}

export function Tester({ filter }: { filter?: { body: Json; headers: Json } }) {
  const { api } = useSession();
  const [schema, setSchema] = useState(filter ? jsonText(filter.body) : '{\n  "amount": {"$gt": 100}\n}');
  const [sample, setSample] = useState('{\n  "amount": 250\n}');
  const [verdict, setVerdict] = useState<boolean>();
  const action = useAction();
  const test = () => action.run(async () => {
    setVerdict(undefined);
    setVerdict(await call<boolean>("POST", api("/subscriptions/test_filter"), {
      request: { body: parse(sample, "the sample") }, schema: { body: parse(schema, "the filter") },
    }));
  });
  return (
    <Card title="Try a filter">
      <Form onSend={test}>
        <div class="fields two">
          <Area label="Filter" isWide={false} value={schema} onValue={setSchema} rows={7} />
          <Area label="Sample body" isWide={false} value={sample} onValue={setSample} rows={7} />
        </div>
        <div class="form-foot"><button type="submit" disabled={action.isBusy}>Try</button></div>
      </Form>
      {action.error && <Failure error={action.error} />}
      {verdict !== undefined && <Notice tone={verdict ? "good" : "wait"}><strong>{verdict ? "It matches:" : "It does not match:"}</strong> {verdict ? "an event with this body is delivered." : "an event with this body is not delivered."}</Notice>}
    </Card>
  );
}

export function SubscriptionPage({ id }: { id: string }) {
  const { api, link, mayWrite } = useSession();
  const path = api(`/subscriptions/${id}`);
  const subscription = useData(path, () => call<Subscription>("GET", path));
  const [isEditing, setEditing] = useState(false);
  const action = useAction();
  const remove = () => action.run(async () => {
    await call("DELETE", path);
    say("Subscription deleted.");
    go(link("subscriptions"));
  });
  return (
    <When loaded={subscription}>{(s) => (
      <>
        <Head title={<T s={s.name} max={120} />} crumbs={[["Subscriptions", link("subscriptions")]]}
          actions={mayWrite && <>
            <button type="button" onClick={() => setEditing(true)}>Edit</button>
            <Confirm isDanger label="Delete" title="Delete this subscription?" says="Events are no longer matched by it. Deliveries that were made stay." act={remove} />
          </>} />
        {action.error && <Failure error={action.error} />}
        {isEditing && <Dialog title="Edit subscription" onClose={() => setEditing(false)}><SubscriptionForm subscription={s} done={() => { setEditing(false); subscription.reload(); }} /></Dialog>}
        <div class="stack">
          <Card title="What it takes">
            <Facts all={[
              ["Event types", <Tags all={s.filter_config.event_types} />],
              ["From", s.source_metadata ? <a href={link(`sources/${s.source_metadata.uid}`)}><T s={s.source_metadata.name} /></a> : "every source, and the API"],
              ["To", s.endpoint_metadata ? <><a href={link(`endpoints/${s.endpoint_metadata.uid}`)}><T s={s.endpoint_metadata.name} /></a> <Badge s={s.endpoint_metadata.status} /></> : "no endpoint"],
              ["Delivered", s.delivery_mode.replaceAll("_", " ")],
              ["Filter of bodies", <pre class="wrap">{jsonText(s.filter_config.filter.body)}</pre>],
              ["Filter of headers", <pre class="wrap">{jsonText(s.filter_config.filter.headers)}</pre>],
            ]} />
          </Card>
          <Tester filter={s.filter_config.filter} />
        </div>
      </>
    )}</When>
  );
}
