// One event as a timeline: received, verified, matched, and each delivery with its attempts.
import { useEffect, useState } from "preact/hooks";
import { call, type Page } from "../api";
import { Body, Headers, LooseBody } from "../body";
import type { Attempt, Delivery, GatewayEvent, Source } from "../model";
import { Badge, Card, Confirm, Facts, Failure, Head, Loading, Pager, Tags, When } from "../parts";
import { say, useAction, useData, usePlace, useSession } from "../state";
import { useList } from "../list";
import { secondsText, T, Time, words } from "../text";

const PHASES = [["name_lookup", "Name", "--muted"], ["connect", "Connect", "--wait"],
  ["tls", "TLS", "--calm"], ["first_byte", "Waiting", "--accent"]] as const;
const WAITING = new Set(["Scheduled", "Processing", "Retry"]);

function Timings({ attempt }: { attempt: Attempt }) {
  const timings = attempt.timings_us;
  if (!timings || timings.total === 0) return null;
  let at = 0;
  const parts = PHASES.map(([key, label, colour]) => {
    const from = at;
    at += timings[key];
    return { label: label as string, colour: colour as string, from, us: timings[key] };
  });
  parts.push({ label: "Reading", colour: "--good", from: at, us: timings.total - at });
  const shown = parts.filter(({ us }) => us > 0);
  return (
    <>
      <div class="timing">
        <svg viewBox={`0 0 ${Math.max(timings.total, at)} 8`} preserveAspectRatio="none" aria-hidden="true">
          {shown.map((p) => <rect key={p.label} x={p.from} y="0" width={p.us} height="8" fill={`var(${p.colour})`} />)}
        </svg>
      </div>
      <p class="muted small">
        {shown.map((p) => `${p.label} ${secondsText(p.us / 1e6)}`).join(" · ")} · total {secondsText(timings.total / 1e6)}
      </p>
    </>
  );
}

function AttemptView({ attempt, number, event, isOpen }: {
  attempt: Attempt; number: number; event: GatewayEvent; isOpen: boolean;
}) {
  const outcome = attempt.http_status ? `answered ${attempt.http_status}` : "no answer";
  return (
    <details class="attempt" open={isOpen}>
      <summary>
        <strong>Attempt {number}</strong>
        <Badge s={outcome} tone={attempt.status ? "good" : "bad"} />
        <span class="muted small"><Time at={attempt.requested_at} full /></span>
        {attempt.timings_us && <span class="muted small num">{secondsText(attempt.timings_us.total / 1e6)}</span>}
      </summary>
      <div class="stack">
        {attempt.error && <p class="wrap"><strong>Why:</strong> <T s={attempt.error} max={2000} /></p>}
        <Timings attempt={attempt} />
        <div class="sides">
          <section>
            <h3>Request</h3>
            <p class="small wrap mono">{attempt.method} <T s={attempt.url} max={2000} />{attempt.ip_address && ` → ${attempt.ip_address}`}</p>
            <Headers all={attempt.request_http_header} />
            <Body payload={event} contentType={event.content_type} />
          </section>
          <section>
            <h3>Response</h3>
            <p class="small mono">{attempt.http_status ? `HTTP ${attempt.http_status}` : "none"}</p>
            <Headers all={attempt.response_http_header} />
            <LooseBody text={attempt.response_data} />
          </section>
        </div>
      </div>
    </details>
  );
}

function Attempts({ delivery, event }: { delivery: Delivery; event: GatewayEvent }) {
  const { api } = useSession();
  const path = api(`/eventdeliveries/${delivery.uid}/deliveryattempts`);
  const attempts = useData(`${path} ${delivery.updated_at}`, () => call<Attempt[]>("GET", path));
  return (
    <When loaded={attempts}>{(all) => all.length === 0
      ? <p class="muted small">No attempt has ended yet.</p>
      : <div>{[...all].sort((a, b) => (a.requested_at < b.requested_at ? -1 : 1)).map((attempt, at) => (
        <AttemptView key={attempt.uid} attempt={attempt} number={at + 1} event={event} isOpen={at === all.length - 1} />
      ))}</div>}
    </When>
  );
}

function DeliveryView({ delivery, event, reload, isOpen }: {
  delivery: Delivery; event: GatewayEvent; reload: () => void; isOpen: boolean;
}) {
  const { api, mayWrite, isPortal, link } = useSession();
  const [isShown, setShown] = useState(isOpen);
  const action = useAction();
  const again = (isForced: boolean) => action.run(async () => {
    if (isForced) await call("POST", api("/eventdeliveries/forceresend"), { ids: [delivery.uid] });
    else await call("PUT", api(`/eventdeliveries/${delivery.uid}/resend`), {});
    say("The delivery is sent again.");
    reload();
  });
  const hasFailed = delivery.status === "Failure" || delivery.status === "Discarded";
  const tone = delivery.status === "Success" ? "good" : hasFailed ? "bad" : "wait";
  const { num_trials, retry_limit, next_send_time } = delivery.metadata;
  const name = delivery.endpoint_metadata.name ?? delivery.endpoint_id;
  return (
    <li class={tone}>
      <div class="step-head">
        <h2>Delivery to <a href={link(`endpoints/${delivery.endpoint_id}`)}><T s={name} max={80} /></a></h2>
        <Badge s={delivery.status} />
        <span class="when"><Time at={delivery.updated_at} full /></span>
      </div>
      <Card>
        <Facts all={[
          ["Attempts", `${num_trials} of ${retry_limit}`],
          [num_trials === 0 ? "Due" : "Next retry", WAITING.has(delivery.status) ? <><Time at={next_send_time} full /> <span class="muted">(<Time at={next_send_time} />)</span></> : ""],
          ["Took", delivery.latency_seconds > 0 ? secondsText(delivery.latency_seconds) : ""],
          ["Note", delivery.description ? <T s={delivery.description} max={500} /> : ""],
        ]} />
        {action.error && <Failure error={action.error} />}
        <div class="actions">
          <button type="button" class="tiny" aria-expanded={isShown} onClick={() => setShown(!isShown)}>{isShown ? "Hide attempts" : "Show attempts"}</button>
          {hasFailed && (mayWrite || isPortal) && <button type="button" class="tiny" disabled={action.isBusy} onClick={() => again(false)}>Retry</button>}
          {delivery.status === "Success" && mayWrite && !isPortal && <Confirm isTiny label="Send again" title="Send this delivery again?" verb="Send again"
            says="The endpoint has taken it already, and gets the same bytes with the same id once more." act={() => again(true)} />}
        </div>
        {isShown && <Attempts delivery={delivery} event={event} />}
      </Card>
    </li>
  );
}

const COVERS: Record<string, string> = {
  full: "The signature covers the whole body.",
  partial: "The signature covers a part of the request only.",
  none: "Nothing of the body is signed: a token, or nothing at all, vouches for it.",
};

function Verified({ event }: { event: GatewayEvent }) {
  const { api, isPortal, link } = useSession();
  const path = api(`/sources/${event.source_id}`);
  const source = useData(path, () => call<Source>("GET", path));
  if (isPortal) return null;
  return (
    <li class={source.data?.verifier.guarantees?.integrity === "none" ? "wait" : "good"}>
      <div class="step-head"><h2>Verified</h2></div>
      <Card>
        <When loaded={source}>{({ uid, name, verifier, verify_mode }) => (
          <Facts all={[
            ["Source", <a href={link(`sources/${uid}`)}><T s={name} /></a>],
            ["By", verifier.preset ? <>preset <span class="tag">{verifier.preset.name}</span></> : <span class="tag">{verifier.type}</span>],
            ["Mode", verify_mode === "observe" ? "observe: accepted whatever the verdict" : words(verify_mode)],
            ["Covers", <><Badge s={verifier.guarantees?.integrity ?? "none"} /> {COVERS[verifier.guarantees?.integrity ?? "none"]}</>],
            ["Signed text", verifier.guarantees?.signs?.length ? <Tags all={verifier.guarantees.signs} /> : ""],
          ]} />
        )}</When>
      </Card>
    </li>
  );
}

function Matched({ event, deliveries }: { event: GatewayEvent; deliveries: Delivery[] }) {
  const { api, link } = useSession();
  const ids = [...new Set(deliveries.map((d) => d.subscription_id).filter(Boolean))].slice(0, 20);
  const names = useData(`matched ${ids.join()}`, () => Promise.all(ids.map((id) =>
    call<{ uid: string; name: string }>("GET", api(`/subscriptions/${id}`)).catch(() => ({ uid: id, name: id })))));
  const text = event.is_duplicate_event ? "A duplicate of an earlier event: it is delivered to no endpoint."
    : deliveries.length === 0 ? "No subscription wanted it: nothing is delivered. Look at the event types and filters of your subscriptions."
    : ids.length === 0 ? "Addressed to its endpoint by the sender, without a subscription." : "";
  return (
    <li class={text && deliveries.length === 0 ? "wait" : "good"}>
      <div class="step-head"><h2>Matched</h2></div>
      {text ? <p class="muted">{text}</p> : (
        <p class="tags">{names.data ? names.data.map((each) => (
          <a class="tag" key={each.uid} href={link(`subscriptions/${each.uid}`)}><T s={each.name} max={60} /></a>
        )) : <Loading />}</p>
      )}
    </li>
  );
}

export function EventPage({ id }: { id: string }) {
  const { api, link, mayWrite, isPortal } = useSession();
  const { query } = usePlace();
  const path = api(`/events/${id}`);
  const event = useData(path, () => call<GatewayEvent>("GET", path, undefined, { isExact: true }));
  const deliveries = useList<Delivery>("/eventdeliveries", { eventId: id, perPage: "20", withoutData: "true" });
  const action = useAction();
  const isUnderWay = deliveries.data?.content.some((d) => WAITING.has(d.status)) ?? true;
  useEffect(() => {
    if (!isUnderWay) return;
    const timer = setInterval(() => document.hidden || deliveries.reload(), 2000);
    return () => clearInterval(timer);
  }, [isUnderWay, id]);
  const replay = () => action.run(async () => {
    await call("PUT", `${path}/replay`, {});
    say("The event is delivered anew.");
    deliveries.reload();
  });
  return (
    <When loaded={event}>{(e) => (
      <>
        <Head title={<T s={e.event_type} max={120} />} crumbs={[["Events", link("events")]]}
          says={<><span class="mono">{e.uid}</span> · <Time at={e.created_at} full /></>}
          actions={mayWrite && !isPortal && <Confirm label="Replay" title="Replay this event?" verb="Replay"
            says="It is matched anew: every subscription that wants it now gets a new delivery." act={replay} />} />
        {action.error && <Failure error={action.error} />}
        <ol class="timeline">
          <li class="good">
            <div class="step-head"><h2>Received</h2>{e.is_duplicate_event && <Badge s="duplicate" tone="wait" />}<span class="when"><Time at={e.created_at} full /></span></div>
            <Card>
              <Facts all={[
                ["Through", e.source_id ? `the link of a source, ${e.url_path}` : "the API, or a message broker"],
                ["Query", e.url_query_params ? <code><T s={e.url_query_params} max={1000} /></code> : ""],
                ["Content type", <T s={e.content_type} />],
                ["Idempotency key", e.idempotency_key ? <T s={e.idempotency_key} /> : <span class="muted">none</span>],
                ["Note", e.failure_reason ? <T s={e.failure_reason} max={500} /> : ""],
              ]} />
              <Body payload={e} contentType={e.content_type} />
              <details><summary>Headers</summary><Headers all={e.headers} /></details>
            </Card>
          </li>
          {e.source_id && <Verified event={e} />}
          {deliveries.error && <li class="bad"><Failure error={deliveries.error} retry={deliveries.reload} /></li>}
          {deliveries.data && <Matched event={e} deliveries={deliveries.data.content} />}
          {deliveries.data?.content.map((d) => (
            <DeliveryView key={d.uid} delivery={d} event={e} reload={deliveries.reload}
              isOpen={query.get("delivery") === d.uid || deliveries.data?.content.length === 1} />
          ))}
        </ol>
        {deliveries.data && <Pager page={deliveries.data as Page<unknown>} turn={deliveries.turn} />}
      </>
    )}</When>
  );
}
