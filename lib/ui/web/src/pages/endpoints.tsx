// Endpoints: their health, secrets and pauses, and a test event to each.
import { useState } from "preact/hooks";
import { call, type Json } from "../api";
import { useList } from "../list";
import type { Delivery, Endpoint } from "../model";
import {
  Area, Badge, Card, Check, Confirm, Copy, Dialog, Empty, Facts, Failure, Form, Head, Input, Notice, Pager,
  Table, When,
} from "../parts";
import { go, say, useAction, useData, useSession } from "../state";
import { countText, secondsText, T, Time } from "../text";

interface Draft {
  name: string; url: string; description: string; owner_id: string; secret: string;
  rate_limit: string; rate_limit_duration: string; http_timeout: string; fifo: boolean;
}

function draftOf(e?: Endpoint): Draft {
  const number = (value: number | undefined) => (value ? String(value) : "");
  return {
    name: e?.name ?? "", url: e?.url ?? "", description: e?.description ?? "", owner_id: e?.owner_id ?? "",
    secret: "", rate_limit: number(e?.rate_limit), rate_limit_duration: number(e?.rate_limit_duration),
    http_timeout: number(e?.http_timeout), fifo: e?.fifo ?? false,
  };
}

function bodyOf(draft: Draft, endpoint?: Endpoint): Record<string, Json> {
  const body: Record<string, Json> = {
    name: draft.name.trim(), url: draft.url.trim(), description: draft.description,
    rate_limit: Number(draft.rate_limit) || 0, rate_limit_duration: Number(draft.rate_limit_duration) || 0,
    http_timeout: Number(draft.http_timeout) || 0, fifo: draft.fifo,
  };
  if (draft.owner_id) body.owner_id = draft.owner_id;
  if (draft.secret) body.secret = draft.secret;
  // An update resets what it leaves out.
  if (endpoint) {
    body.content_type = endpoint.content_type;
    body.advanced_signatures = endpoint.advanced_signatures;
    if (endpoint.authentication) body.authentication = endpoint.authentication as unknown as Json;
  }
  return body;
}

function EndpointForm({ endpoint, done }: { endpoint?: Endpoint; done: (id: string) => void }) {
  const { api, isPortal } = useSession();
  const [draft, setDraft] = useState(draftOf(endpoint));
  const action = useAction();
  const set = (name: keyof Draft) => (value: string) => setDraft((old) => ({ ...old, [name]: value }));
  const send = () => action.run(async () => {
    const body = bodyOf(draft, endpoint);
    const made = endpoint ? await call<Endpoint>("PUT", api(`/endpoints/${endpoint.uid}`), body)
      : await call<Endpoint>("POST", api("/endpoints"), body);
    say(endpoint ? "Endpoint saved." : "Endpoint created.");
    done(made.uid);
  });
  return (
    <Form onSend={send} class="dialog-form">
      <div class="fields">
        <Input label="Name" value={draft.name} onValue={set("name")} isRequired />
        <Input label="URL" value={draft.url} onValue={set("url")} isRequired type="url" placeholder="https://example.com/webhooks" />
        <Input label="Description" value={draft.description} onValue={set("description")} isWide />
        {!isPortal && <Input label="Owner" value={draft.owner_id} onValue={set("owner_id")} hint="Of a portal link: sees this endpoint there." />}
        {!endpoint && <Input label="Secret" value={draft.secret} onValue={set("secret")} hint="Leave empty: one is made." />}
        <Input label="Deliveries, at most" type="number" min={0} value={draft.rate_limit} onValue={set("rate_limit")} hint="0: no limit." />
        <Input label="… in seconds" type="number" min={0} value={draft.rate_limit_duration} onValue={set("rate_limit_duration")} />
        <Input label="Timeout in seconds" type="number" min={0} value={draft.http_timeout} onValue={set("http_timeout")} hint="Empty: the gateway's." />
        <div class="field wide"><Check label="In order: one delivery at a time" value={draft.fifo} onValue={(fifo) => setDraft({ ...draft, fifo })} /></div>
      </div>
      {action.error && <Failure error={action.error} />}
      <div class="form-foot"><button type="submit" class="primary" disabled={action.isBusy}>{endpoint ? "Save" : "Create endpoint"}</button></div>
    </Form>
  );
}

function Health({ e }: { e: Endpoint }) {
  if (e.cb_state && e.cb_state !== "closed") return <Badge s={`breaker ${e.cb_state}`} tone={e.cb_state === "open" ? "bad" : "wait"} />;
  if (e.throttled_until) return <Badge s="throttled" tone="wait" />;
  return e.failure_rate === null ? <span class="muted">no breaker</span> : <span class="num">{e.failure_rate.toFixed(0)} % fail</span>;
}

export function Endpoints() {
  const { link, mayManageEndpoints } = useSession();
  const [isNew, setNew] = useState(false);
  const list = useList<Endpoint>("/endpoints");
  const add = mayManageEndpoints && <button type="button" class="primary" onClick={() => setNew(true)}>New endpoint</button>;
  return (
    <>
      <Head title="Endpoints" says="Where events are delivered to." actions={add} />
      {isNew && <Dialog title="New endpoint" onClose={() => setNew(false)}><EndpointForm done={(id) => go(link(`endpoints/${id}`))} /></Dialog>}
      <Card isFlush>
        <When loaded={list}>{(page) => page.content.length === 0 ? (
          <Empty icon="endpoints" title="No endpoints yet" action={add}>An endpoint is a URL that takes events. Add one, then subscribe it to what it should get.</Empty>
        ) : (
          <>
            <Table name="Endpoints" items={page.content} columns={[
              { title: "Name", cell: (e) => <a class="row" href={link(`endpoints/${e.uid}`)}><T s={e.name} max={80} /></a> },
              { title: "Status", cell: (e) => <Badge s={e.status} /> },
              { title: "Health", cell: (e) => <Health e={e} /> },
              { title: "URL", cell: (e) => <span class="mono wrap"><T s={e.url} max={90} /></span> },
              { title: "Created", isRight: true, cell: (e) => <Time at={e.created_at} /> },
            ]} />
            <Pager page={page} turn={list.turn} />
          </>
        )}</When>
      </Card>
    </>
  );
}

function TestEvent({ endpoint, done }: { endpoint: Endpoint; done: () => void }) {
  const { api } = useSession();
  const [type, setType] = useState("test.event");
  const [data, setData] = useState('{\n  "hello": "from the dashboard"\n}');
  const action = useAction();
  const send = () => action.run(async () => {
    let value: Json;
    try {
      value = JSON.parse(data) as Json;
    } catch (error) {
      throw new Error(`the payload is no JSON: ${error instanceof Error ? error.message : ""}`);
    }
    await call("POST", api("/events"), { endpoint_id: endpoint.uid, event_type: type, data: value });
    say("The test event is on its way.");
    done();
  });
  return (
    <Form onSend={send}>
      <div class="fields">
        <Input label="Event type" value={type} onValue={setType} isRequired isWide />
        <Area label="Payload" value={data} onValue={setData} isRequired />
      </div>
      {action.error && <Failure error={action.error} />}
      <div class="form-foot"><button type="submit" class="primary" disabled={action.isBusy}>Send test event</button></div>
    </Form>
  );
}

function Secrets({ endpoint, reload }: { endpoint: Endpoint; reload: () => void }) {
  const { api, mayManageEndpoints } = useSession();
  const [isShown, setShown] = useState(false);
  const [hours, setHours] = useState("24");
  const [isRotating, setRotating] = useState(false);
  const action = useAction();
  const rotate = () => action.run(async () => {
    await call("PUT", api(`/endpoints/${endpoint.uid}/expire_secret`), { expiration: Math.round(Number(hours) * 3600) });
    setRotating(false);
    say("A new secret signs now.");
    reload();
  });
  return (
    <Card title="Secrets" aside={mayManageEndpoints && <>
      <button type="button" class="tiny" aria-pressed={isShown} onClick={() => setShown(!isShown)}>{isShown ? "Hide" : "Show"}</button>
      <button type="button" class="tiny" onClick={() => setRotating(true)}>Rotate…</button>
    </>}>
      {endpoint.secrets.map((secret) => (
        <div key={secret.uid}>
          {isShown ? <Copy text={secret.value} label="the secret" /> : <span class="mono">••••••••••••••••</span>}
          <p class="muted small">made <Time at={secret.created_at} />{secret.expires_at && <>, signs until <Time at={secret.expires_at} full /></>}</p>
        </div>
      ))}
      {isRotating && (
        <Dialog title="Rotate the secret" onClose={() => setRotating(false)}>
          <Form onSend={rotate}>
            <Input label="The old secret goes on signing for hours" type="number" min={1} value={hours} onValue={setHours}
              hint="Give the receiver time to take the new one. In the advanced form, both sign meanwhile." />
            {action.error && <Failure error={action.error} />}
            <div class="form-foot"><button type="submit" class="primary" disabled={action.isBusy}>Rotate</button></div>
          </Form>
        </Dialog>
      )}
    </Card>
  );
}

interface Rates { uid: string; period_failure_rate?: number; success_count?: number; failure_count?: number; retry_count?: number; is_lower_bound?: boolean }

function Week({ id }: { id: string }) {
  const { api } = useSession();
  const [rates, setRates] = useState<Rates>();
  const action = useAction();
  const count = () => action.run(async () => {
    const all = await call<Rates[]>("GET", api(`/endpoints/period-failure-rates?endpointId=${encodeURIComponent(id)}`));
    setRates(all[0]);
  });
  return (
    <>
      {rates?.success_count !== undefined && (
        <p>{rates.is_lower_bound && "Of the newest: "}{countText(rates.success_count)} delivered, {countText(rates.failure_count ?? 0)} failed, {countText(rates.retry_count ?? 0)} tried again
          {" "}in 7 days: <strong>{(rates.period_failure_rate ?? 0).toFixed(1)} % failed</strong></p>
      )}
      {action.error && <Failure error={action.error} />}
      <button type="button" class="tiny" disabled={action.isBusy} onClick={count}>Count the last 7 days</button>
    </>
  );
}

export function EndpointPage({ id }: { id: string }) {
  const { api, link, mayManageEndpoints, mayWrite, isPortal } = useSession();
  const path = api(`/endpoints/${id}`);
  const endpoint = useData(path, () => call<Endpoint>("GET", path), 5000);
  const deliveries = useList<Delivery>("/eventdeliveries", { endpointId: id, perPage: "10", withoutData: "true" }, true);
  const [isEditing, setEditing] = useState(false);
  const [isTesting, setTesting] = useState(false);
  const action = useAction();
  const act = (method: string, tail: string, said: string) => action.run(async () => {
    await call(method, path + tail, {});
    say(said);
    if (method === "DELETE") go(link("endpoints"));
    else endpoint.reload();
  });
  return (
    <When loaded={endpoint}>{(e) => (
      <>
        <Head title={<T s={e.name} max={120} />} crumbs={[["Endpoints", link("endpoints")]]}
          says={<span class="mono wrap"><T s={e.url} max={300} /></span>}
          actions={<>
            {mayWrite && !isPortal && <button type="button" class="primary" disabled={e.status !== "active"} onClick={() => setTesting(true)}>Send test event</button>}
            {mayManageEndpoints && <>
              {e.status === "inactive" ? <button type="button" onClick={() => act("POST", "/activate", "Endpoint activated.")}>Activate</button>
                : <button type="button" disabled={action.isBusy} onClick={() => act("PUT", "/pause", e.status === "paused" ? "Endpoint resumed." : "Endpoint paused.")}>{e.status === "paused" ? "Resume" : "Pause"}</button>}
              <button type="button" onClick={() => setEditing(true)}>Edit</button>
              <Confirm isDanger label="Delete" title="Delete this endpoint?" says="Its subscriptions go with it, and what waits for it is not delivered." act={() => act("DELETE", "", "Endpoint deleted.")} />
            </>}
          </>} />
        {action.error && <Failure error={action.error} />}
        {e.status === "paused" && <Notice tone="wait"><strong>Paused.</strong> Deliveries wait until it is resumed.</Notice>}
        {e.status === "inactive" && <Notice tone="bad"><strong>Inactive.</strong> It answered 410, used up its attempts, or its breaker gave up. Mend the receiver, then activate it.</Notice>}
        {isEditing && <Dialog title="Edit endpoint" onClose={() => setEditing(false)}><EndpointForm endpoint={e} done={() => { setEditing(false); endpoint.reload(); }} /></Dialog>}
        {isTesting && <Dialog title="Send a test event" onClose={() => setTesting(false)}><TestEvent endpoint={e} done={() => { setTesting(false); deliveries.reload(); }} /></Dialog>}
        <div class="stack">
          <div class="grid">
            <Card title="Health">
              <Facts all={[
                ["Status", <Badge s={e.status} />],
                ["Breaker", e.cb_state ? <Badge s={e.cb_state} /> : <span class="muted">not configured for the project</span>],
                ["Failure rate", e.failure_rate === null ? "" : `${e.failure_rate.toFixed(1)} % of the observed window`],
                ["Throttled until", e.throttled_until ? <Time at={e.throttled_until} full /> : ""],
                ["Rate limit", e.rate_limit ? `${countText(e.rate_limit)} in ${e.rate_limit_duration} s` : "none"],
                ["Order", e.fifo ? "first in, first out" : ""],
                ["Owner", e.owner_id ? <T s={e.owner_id} /> : ""],
                ["Description", e.description ? <T s={e.description} max={1000} /> : ""],
              ]} />
              <Week id={e.uid} />
            </Card>
            <Secrets endpoint={e} reload={endpoint.reload} />
          </div>
          <Card title="Latest deliveries" isFlush aside={<a class="button tiny" href={link(`deliveries?endpointId=${e.uid}`)}>All deliveries</a>}>
            <When loaded={deliveries}>{(page) => page.content.length === 0
              ? <Empty icon="deliveries" title="Nothing was sent here yet">Subscribe the endpoint to event types, or send it a test event.</Empty>
              : <Table name="Latest deliveries" items={page.content} fresh={deliveries.fresh} columns={[
                { title: "Event type", cell: (d) => <a class="row" href={link(`events/${d.event_id}?delivery=${d.uid}`)}><T s={d.event_type} max={80} /></a> },
                { title: "Status", cell: (d) => <Badge s={d.status} /> },
                { title: "Attempts", isRight: true, cell: (d) => <span class="num">{d.metadata.num_trials} of {d.metadata.retry_limit}</span> },
                { title: "Took", isRight: true, cell: (d) => <span class="num">{d.latency_seconds > 0 ? secondsText(d.latency_seconds) : "–"}</span> },
                { title: "Created", isRight: true, cell: (d) => <Time at={d.created_at} /> },
              ]} />}
            </When>
          </Card>
        </div>
      </>
    )}</When>
  );
}
