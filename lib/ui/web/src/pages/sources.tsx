// Sources: their links, the catalogue of presets with what to paste where, and why a request is
// refused.
import { useState } from "preact/hooks";
import { call } from "../api";
import { useList } from "../list";
import type { Explanation, HeldInput, Preset, Source } from "../model";
import {
  Area, Badge, Card, Confirm, Copy, Dialog, Empty, Facts, Failure, Form, Head, Input, Loading, Notice, Pager, Select,
  Table, Tags, When,
} from "../parts";
import { go, say, useAction, useData, useSession } from "../state";
import { bytesText, T, Time, words } from "../text";
import { HeldTable } from "./held";

function usePresets() {
  return useData("presets", () => call<Preset[]>("GET", "/presets"));
}

/** What the provider's side needs to be told, and what it tells. */
function PresetCard({ preset, isMade = false }: { preset: Preset; isMade?: boolean }) {
  return (
    <div class="stack">
      <Facts all={[
        ["Provider", <strong>{preset.title}</strong>],
        ["Paste there", isMade ? "" : "the link, which you get when the source is made"],
        ["Paste here", preset.tenant && !preset.tenant.startsWith("none")
          ? `what tells you apart from its other customers: ${preset.tenant}`
          : "the secret that the provider shows, or that you choose there"],
        ["Also needs", preset.parameters_needed.length ? <Tags all={preset.parameters_needed} /> : ""],
        ["Covers", <Badge s={preset.integrity} />],
        ["Accepted again", preset.replay_window === null ? "at any time: choose an idempotency key" : `for ${preset.replay_window} s`],
        ["Tries the link", preset.handshake ? preset.handshake.replace(/^none: /, "no: ") : ""],
      ]} />
      <p class="muted small">Facts from {preset.evidence.replaceAll("_", " ")}:{" "}
        {preset.sources.map((source, at) => (
          <span key={source} class="wrap">{at > 0 && ", "}{/^https:\/\//.test(source) ? <a href={source} target="_blank" rel="noopener noreferrer">{source}</a> : source}</span>
        ))}
      </p>
    </div>
  );
}

type Kind = "preset" | "basic_auth" | "api_key" | "noop";

function SourceForm({ done }: { done: (id: string) => void }) {
  const { api } = useSession();
  const presets = usePresets();
  const [name, setName] = useState("");
  const [kind, setKind] = useState<Kind>("preset");
  const [search, setSearch] = useState("");
  const [chosen, setChosen] = useState("");
  const [secret, setSecret] = useState("");
  const [extra, setExtra] = useState<Record<string, string>>({});
  const [mode, setMode] = useState("enforce");
  const [keys, setKeys] = useState("");
  const action = useAction();
  const preset = presets.data?.find((each) => each.name === chosen);
  const found = presets.data?.filter((each) => `${each.name} ${each.title}`.toLowerCase().includes(search.toLowerCase())) ?? [];
  const verifier = () => {
    if (kind === "preset") return { type: "preset", preset: { name: chosen, secrets: secret ? [secret.trim()] : [], config: Object.fromEntries(Object.entries(extra).filter(([, value]) => value)) } };
    if (kind === "basic_auth") return { type: "basic_auth", basic_auth: { username: extra.username ?? "", password: secret } };
    if (kind === "api_key") return { type: "api_key", api_key: { header_name: extra.header_name ?? "", header_value: secret } };
    return { type: "noop" };
  };
  const send = () => action.run(async () => {
    const made = await call<Source>("POST", api("/sources"), {
      name, type: "http", verifier: verifier(), verify_mode: mode,
      idempotency_keys: keys.split(",").map((each) => each.trim()).filter(Boolean),
    });
    say("Source created.");
    done(made.uid);
  });
  const extras = kind === "preset" ? [...(preset?.parameters_needed ?? []), ...(preset?.parameters_used ?? [])]
    : kind === "basic_auth" ? ["username"] : kind === "api_key" ? ["header_name"] : [];
  return (
    <Form onSend={send}>
      <div class="fields">
        <Input label="Name" value={name} onValue={setName} isRequired isWide />
        <Select label="Verified by" value={kind} onValue={(value) => setKind(value as Kind)} options={[["preset", "A provider's preset"], ["basic_auth", "User and password"], ["api_key", "A value in a header"], ["noop", "Nothing"]]} />
        <Select label="When it does not verify" value={mode} onValue={setMode} options={[["enforce", "Refuse"], ["quarantine", "Refuse, and keep it"], ["observe", "Accept, and record it"]]} />
        {kind === "preset" && <>
          <Input label="Find a provider" value={search} onValue={setSearch} placeholder="Stripe, GitHub, Shopify…" />
          <Select label={`Preset (${found.length})`} value={chosen} onValue={setChosen} isRequired options={[["", presets.data ? "Choose…" : "Loading…"], ...found.map((p): [string, string] => [p.name, p.title])]} />
        </>}
        {kind !== "noop" && <Input label={kind === "preset" ? "Secret" : kind === "basic_auth" ? "Password" : "Value"} type="password" autoComplete="new-password" value={secret} onValue={setSecret} />}
        {extras.map((each) => <Input key={each} label={words(each)} value={extra[each] ?? ""} onValue={(value) => setExtra({ ...extra, [each]: value })} isRequired={kind !== "preset" || preset?.parameters_needed.includes(each)} />)}
        <Input label="Idempotency keys" value={keys} onValue={setKeys} isWide placeholder="request.body.id, request.header.X-Id" hint="Places whose values tell a repeated request from a new one." />
      </div>
      {preset && kind === "preset" && <PresetCard preset={preset} />}
      {kind === "noop" && <Notice tone="wait"><strong>Anyone who knows the link is believed.</strong> Choose this for trials alone.</Notice>}
      {action.error && <Failure error={action.error} />}
      <div class="form-foot"><button type="submit" class="primary" disabled={action.isBusy}>Create source</button></div>
    </Form>
  );
}

export function Sources() {
  const { link, mayWrite } = useSession();
  const [isNew, setNew] = useState(false);
  const list = useList<Source>("/sources");
  const add = mayWrite && <button type="button" class="primary" onClick={() => setNew(true)}>New source</button>;
  return (
    <>
      <Head title="Sources" says="Where events come from: links for providers, and message brokers." actions={<><a class="button" href={link("presets")}>Presets</a>{add}</>} />
      {isNew && <Dialog title="New source" onClose={() => setNew(false)}><SourceForm done={(id) => go(link(`sources/${id}`))} /></Dialog>}
      <Card isFlush>
        <When loaded={list}>{(page) => page.content.length === 0 ? (
          <Empty icon="sources" title="No sources yet" action={add}>A source has a link that a provider posts to, and knows how that provider signs.</Empty>
        ) : (
          <>
            <Table name="Sources" items={page.content} columns={[
              { title: "Name", cell: (s) => <a class="row" href={link(`sources/${s.uid}`)}><T s={s.name} max={80} /></a> },
              { title: "Kind", cell: (s) => s.pub_sub?.type ? <span class="tag">{s.pub_sub.type}</span> : <span class="muted">link</span> },
              { title: "Verified by", cell: (s) => <span class="tag">{s.verifier.preset?.name ?? s.verifier.type}</span> },
              { title: "Covers", cell: (s) => <Badge s={s.verifier.guarantees?.integrity ?? "none"} /> },
              { title: "Mode", cell: (s) => words(s.verify_mode) },
              { title: "Created", isRight: true, cell: (s) => <Time at={s.created_at} /> },
            ]} />
            <Pager page={page} turn={list.turn} />
          </>
        )}</When>
      </Card>
    </>
  );
}

/** One of the catalogue, whose facts are drawn once it is opened: there are many. */
function PresetEntry({ preset }: { preset: Preset }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details onToggle={(e) => setOpen(e.currentTarget.open)}>
      <summary><strong>{preset.title}</strong><span class="tag">{preset.name}</span><Badge s={preset.integrity} /></summary>
      {isOpen && <div class="card-body"><PresetCard preset={preset} /></div>}
    </details>
  );
}

export function Presets() {
  const { link } = useSession();
  const presets = usePresets();
  const [search, setSearch] = useState("");
  return (
    <>
      <Head title="Presets" crumbs={[["Sources", link("sources")]]} says="Providers whose way of signing is known here, each with where the facts come from." />
      <Card isFlush>
        <div class="filters" role="search"><Input label="Find a provider" value={search} onValue={setSearch} placeholder="Stripe, GitHub, Shopify…" /></div>
        <When loaded={presets}>{(all) => {
          const found = all.filter((each) => `${each.name} ${each.title}`.toLowerCase().includes(search.toLowerCase()));
          return found.length === 0 ? <Empty icon="sources" title="No such provider">Write its scheme as data: see the documentation of verification, or take the preset of a standard that it follows.</Empty> : (
            <div>{found.slice(0, 300).map((preset) => <PresetEntry key={preset.name} preset={preset} />)}</div>
          );
        }}</When>
      </Card>
    </>
  );
}

export function Verdict({ told }: { told: Explanation }) {
  return (
    <div class="stack">
      <Notice tone={told.accepted ? "good" : "bad"}>
        <strong>{told.accepted ? "It would be accepted." : `It is refused: ${words(told.reason)}.`}</strong>
        {!told.accepted && told.causes.length > 0 && <ul class="steps">{told.causes.map((c) => <li key={c.code}><T s={c.text.replace(/^./, (first) => first.toUpperCase())} max={2000} />.</li>)}</ul>}
      </Notice>
      <p class="muted small wrap">Body: {bytesText(told.body.bytes)}, SHA-256 <code>{told.body.sha256}</code></p>
      {told.schemes.map((scheme) => (
        <details key={scheme.name} class="attempt">
          <summary><strong>Scheme {scheme.name}</strong><Badge s={scheme.applies ? scheme.reason || "applies" : "does not apply"} tone={scheme.reason === "accepted" ? "good" : ""} /></summary>
          <div>
            <Facts all={scheme.steps.map((step): [string, preact.ComponentChildren] => [step.what, <><span class="mono"><T s={step.place} max={400} /></span> {step.place && "· "}<T s={step.finding} max={1000} /></>])} />
          </div>
        </details>
      ))}
    </div>
  );
}

/** "Name: value" lines as an object. */
function headersOf(text: string): Record<string, string[]> {
  const all: Record<string, string[]> = {};
  for (const line of text.split("\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) (all[line.slice(0, colon).trim()] ??= []).push(line.slice(colon + 1).trim());
  }
  return all;
}

function Explain({ source }: { source: Source }) {
  const { api } = useSession();
  const [headers, setHeaders] = useState("");
  const [body, setBody] = useState("");
  const [url, setUrl] = useState("");
  const [told, setTold] = useState<Explanation>();
  const action = useAction();
  const explain = () => action.run(async () => {
    setTold(undefined);
    setTold(await call<Explanation>("POST", api(`/sources/${source.uid}/verify`), { method: "POST", headers: headersOf(headers), body, ...(url ? { url } : {}) }));
  });
  return (
    <Card title="Why is a request refused?">
      <p class="muted">Paste a request. It is judged as if it came in now, and taken in by nothing.</p>
      <Form onSend={explain}>
        <div class="fields two">
          <Area label="Headers, one on a line" isWide={false} rows={6} value={headers} onValue={setHeaders} placeholder="X-Hub-Signature-256: sha256=…" />
          <Area label="Body" isWide={false} rows={6} value={body} onValue={setBody} />
          <Input label="URL as the provider knows it" isWide value={url} onValue={setUrl} placeholder={source.url} />
        </div>
        <div class="form-foot"><button type="submit" disabled={action.isBusy}>Explain</button></div>
      </Form>
      {action.isBusy && <Loading />}
      {action.error && <Failure error={action.error} />}
      {told && <Verdict told={told} />}
    </Card>
  );
}

export function SourcePage({ id }: { id: string }) {
  const { api, link, mayWrite } = useSession();
  const path = api(`/sources/${id}`);
  const source = useData(path, () => call<Source>("GET", path));
  const presets = usePresets();
  const held = useList<HeldInput>("/held-inputs", { sourceId: id, perPage: "10" });
  const action = useAction();
  const remove = () => action.run(async () => {
    await call("DELETE", path);
    say("Source deleted.");
    go(link("sources"));
  });
  const setMode = (mode: string) => action.run(async () => {
    await call("PUT", path, { name: source.data?.name, type: source.data?.type, verify_mode: mode });
    say("Mode changed.");
    source.reload();
  });
  return (
    <When loaded={source}>{(s) => {
      const preset = presets.data?.find((each) => each.name === s.verifier.preset?.name);
      return (
        <>
          <Head title={<T s={s.name} max={120} />} crumbs={[["Sources", link("sources")]]}
            actions={mayWrite && <Confirm isDanger label="Delete" title="Delete this source?" says="Its link answers 404 from then on. Events that came in stay." act={remove} />} />
          {action.error && <Failure error={action.error} />}
          <div class="stack">
            <div class="grid">
              <Card title="Link">
                {s.type === "http" ? <>
                  <p>Paste this at the provider, as the URL of its webhook:</p>
                  <Copy text={s.url} label="the link" />
                </> : <p>Read from a message broker: {s.pub_sub?.type}.</p>}
                <Facts all={[
                  ["Verified by", <span class="tag">{s.verifier.preset?.name ?? s.verifier.type}</span>],
                  ["Covers", <Badge s={s.verifier.guarantees?.integrity ?? "none"} />],
                  ["Idempotency", s.idempotency_keys.length ? <Tags all={s.idempotency_keys} /> : "no keys: a repeated request is a new event"],
                  ["Event type", s.event_type_location || "the source's own"],
                ]} />
                {mayWrite && s.type === "http" && <Select label="When a request does not verify" value={s.verify_mode} onValue={setMode} options={[["enforce", "Refuse"], ["quarantine", "Refuse, and keep it"], ["observe", "Accept, and record it"]]} />}
                {s.verifier.guarantees?.warnings?.map((each) => <Notice tone="wait" key={each}>{each.replace(/^./, (c) => c.toUpperCase())}.</Notice>)}
              </Card>
              {preset && <Card title="Preset"><PresetCard preset={preset} isMade /></Card>}
            </div>
            {mayWrite && s.type === "http" && <Explain source={s} />}
            <HeldTable title="In quarantine" list={held} sources={[s]} />
          </div>
        </>
      );
    }}</When>
  );
}
