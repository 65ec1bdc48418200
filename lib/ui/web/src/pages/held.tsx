// Held inputs: quarantined requests and dead letters, why they are held, and their release.
import { useState } from "preact/hooks";
import { call } from "../api";
import { Body, Headers } from "../body";
import { Filters, useFilters, useList, useNames, type FilterField, type List } from "../list";
import type { Explanation, HeldInput, Source } from "../model";
import { Badge, Card, Confirm, Empty, Facts, Failure, Head, Loading, Pager, Table, When } from "../parts";
import { go, say, useAction, useData, useSession } from "../state";
import { bytesText, countText, T, Time, words } from "../text";
import { Verdict } from "./sources";

interface Released {
  accepted: number;
  duplicates: number;
  not_found: number;
  still_refused: Record<string, number>;
  remaining: number;
  next_page_cursor: string;
}

function releasedText(r: Released): string {
  const refused = Object.entries(r.still_refused).map(([reason, n]) => `${countText(n)} still refused (${words(reason)})`);
  return [`${countText(r.accepted)} accepted`, r.duplicates ? `${countText(r.duplicates)} duplicates` : "", ...refused].filter(Boolean).join(", ");
}

function useRelease(done: (last: Released) => void) {
  const { api } = useSession();
  const action = useAction();
  const release = (which: Record<string, unknown>) => action.run(async () => {
    let cursor = "";
    let told: Released;
    do {
      told = await call<Released>("POST", api("/held-inputs/release"), { ...which, ...(cursor ? { next_page_cursor: cursor } : {}) });
      say(`${releasedText(told)}.`);
      cursor = told.remaining > 0 ? told.next_page_cursor : "";
    } while (cursor);
    done(told);
  });
  return { ...action, release };
}

export function HeldTable({ title, list, sources, which = {} }: {
  title?: string; list: List<HeldInput>; sources: { uid: string; name: string }[]; which?: Record<string, unknown>;
}) {
  const { link, mayWrite } = useSession();
  const { release, error, isBusy } = useRelease(list.reload);
  const names = new Map(sources.map((s) => [s.uid, s.name]));
  const wanted = title ? { source_id: sources[0]?.uid } : which;
  const hasAny = (list.data?.content.length ?? 0) > 0;
  const body = (
    <When loaded={list}>{(page) => page.content.length === 0 ? (
      <Empty icon="quarantine" title="Nothing is held">Requests that a source in the mode “quarantine” refuses are kept here, and messages of brokers that are no events.</Empty>
    ) : (
      <>
        <Table name="Held inputs" items={page.content} columns={[
          { title: "Reason", cell: (h) => <a class="row" href={link(`quarantine/${h.uid}`)}><T s={words(h.reason)} max={80} /></a> },
          { title: "Kind", cell: (h) => <Badge s={h.kind} /> },
          { title: "Source", cell: (h) => <T s={names.get(h.source_id) ?? h.source_id} max={60} /> },
          { title: "Size", isRight: true, cell: (h) => <span class="num">{bytesText(h.size)}</span> },
          { title: "Received", isRight: true, cell: (h) => <Time at={h.received_at} /> },
          { title: "Kept until", isRight: true, cell: (h) => <Time at={h.expires_at} /> },
        ]} />
        <Pager page={page} turn={list.turn} />
      </>
    )}</When>
  );
  const button = mayWrite && hasAny && <Confirm label="Try all again…" title="Release what is held?" verb="Try all again" isDisabled={isBusy}
    says="Each is judged anew by its source as it is now, with the clock of its receipt. What passes becomes an event; the rest stays held." act={() => release(wanted)} />;
  return (
    <>
      {error && <Failure error={error} />}
      {title ? <Card title={title} isFlush aside={button}>{body}</Card> : <>{button && <div class="card-head"><span class="muted small">Mend the source first: its secret, its preset or its public URL.</span>{button}</div>}{body}</>}
    </>
  );
}

export function Held() {
  const sources = useNames<Source>("/sources");
  const fields: FilterField[] = [
    { name: "kind", label: "Kind", options: [["quarantine", "Quarantined request"], ["dead_letter", "Dead letter"]] },
    { name: "sourceId", label: "Source", options: sources.map((s) => [s.uid, s.name]) },
    { name: "reason", label: "Reason", placeholder: "signature_mismatch" },
  ];
  const query = useFilters(fields);
  const list = useList<HeldInput>("/held-inputs", query);
  const which = { kind: query.kind || undefined, source_id: query.sourceId || undefined, reason: query.reason || undefined };
  return (
    <>
      <Head title="Quarantine" says="Requests and messages that could not become events, kept whole." />
      <Card isFlush>
        <Filters fields={fields} />
        <HeldTable list={list} sources={sources} which={which} />
      </Card>
    </>
  );
}

export function HeldPage({ id }: { id: string }) {
  const { api, link, mayWrite } = useSession();
  const path = api(`/held-inputs/${id}`);
  const held = useData(path, () => call<HeldInput>("GET", path, undefined, { isExact: true }));
  const [told, setTold] = useState<Explanation>();
  const back = () => go(link("quarantine"));
  const { release, error, isBusy } = useRelease((told) => (told.accepted + told.duplicates > 0 ? back() : held.reload()));
  const action = useAction();
  const explain = (h: HeldInput) => action.run(async () => {
    setTold(await call<Explanation>("POST", api(`/sources/${h.source_id}/verify`), { held_input_id: h.uid }));
  });
  const remove = () => action.run(async () => {
    await call("DELETE", path);
    say("Removed.");
    back();
  });
  return (
    <When loaded={held}>{(h) => (
      <>
        <Head title={words(h.reason)} crumbs={[["Quarantine", link("quarantine")]]} says={<T s={h.detail} max={600} />}
          actions={mayWrite && <>
            {h.kind === "quarantine" && <button type="button" disabled={action.isBusy} onClick={() => explain(h)}>Explain</button>}
            <button type="button" class="primary" disabled={isBusy} onClick={() => release({ ids: [h.uid] })}>Release</button>
            <Confirm isDanger label="Delete" title="Delete this?" says="It is gone for good." act={remove} />
          </>} />
        {(error ?? action.error) && <Failure error={(error ?? action.error)!} />}
        <div class="stack">
          {action.isBusy && <Loading />}
          {told && <Card title="Why"><Verdict told={told} /></Card>}
          <Card title="As it came">
            <Facts all={[
              ["Kind", <Badge s={h.kind} />],
              ["Source", <a href={link(`sources/${h.source_id}`)}>{h.source_id}</a>],
              ["Request", <span class="mono"><T s={`${h.method} ${h.url_path}`} max={500} /></span>],
              ["Query", h.url_query_params ? <T s={h.url_query_params} max={1000} /> : ""],
              ["Received", <Time at={h.received_at} full />],
              ["Kept until", <Time at={h.expires_at} full />],
            ]} />
            <Headers all={h.headers} />
            <Body payload={h} contentType="" />
          </Card>
        </div>
      </>
    )}</When>
  );
}
