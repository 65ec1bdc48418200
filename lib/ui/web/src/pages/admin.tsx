// Jobs, API keys, portal links and settings of a project, and the projects themselves.
import { useState } from "preact/hooks";
import { call, type Page } from "../api";
import { useList } from "../list";
import type { ApiKey, Job, PortalLink, Project } from "../model";
import {
  Badge, Card, Check, Confirm, Copy, Dialog, Empty, Facts, Failure, Form, Head, Input, Notice, Pager, Select,
  Table, When,
} from "../parts";
import { go, say, useAction, useData, useSession } from "../state";
import { countText, T, Time, words } from "../text";

function Progress({ job }: { job: Job }) {
  const { expected, seen, done, skipped } = job.progress;
  const text = `${countText(done)} done${skipped ? `, ${countText(skipped)} skipped` : ""}${expected ? ` of about ${countText(expected)}` : ""}`;
  const isOver = job.state !== "open";
  return (
    <span>
      {(expected || isOver) && job.state !== "failed" && <progress max={expected && !isOver ? expected : 1} value={isOver ? (job.state === "done" ? 1 : 0) : Math.min(seen, expected ?? seen)} aria-label={`Progress: ${text}`} />}
      <span class="small num">{text}</span>
    </span>
  );
}

export function Jobs() {
  const { api, link, mayWrite } = useSession();
  const list = useList<Job>("/jobs", {}, true);
  const action = useAction();
  const cancel = (job: Job) => action.run(async () => {
    await call("DELETE", api(`/jobs/${job.uid}`));
    say("The job is cancelled. What it has done stays.");
    list.reload();
  });
  return (
    <>
      <Head title="Jobs" says="Replays, retries and large fan-outs, worked off in the background." />
      {action.error && <Failure error={action.error} />}
      <Card isFlush>
        <When loaded={list}>{(page) => page.content.length === 0 ? (
          <Empty icon="jobs" title="No jobs" action={<><a class="button" href={link("events")}>Replay events</a><a class="button" href={link("deliveries?status=Failure")}>Retry deliveries</a></>}>
            A job begins when many events are replayed, many failed deliveries are retried, or an event goes to very many endpoints.
          </Empty>
        ) : <Table name="Jobs" items={page.content} fresh={list.fresh} columns={[
          { title: "Kind", cell: (j) => <strong>{words(j.kind).replace(/^./, (c) => c.toUpperCase())}</strong> },
          { title: "State", cell: (j) => <Badge s={j.state} tone={j.state === "open" ? "calm" : undefined} /> },
          { title: "Progress", cell: (j) => <>{<Progress job={j} />}{j.error && <p class="small wrap"><T s={j.error} max={300} /></p>}</> },
          { title: "Begun", isRight: true, cell: (j) => <Time at={j.created_at} /> },
          { title: "", isRight: true, cell: (j) => mayWrite && j.state === "open" && <Confirm isTiny isDanger label="Cancel job" title="Cancel this job?" says="It stops at the next piece. What it has done stays." act={() => cancel(j)} /> },
        ]} />}</When>
      </Card>
    </>
  );
}

export function Keys() {
  const { api } = useSession();
  const path = api("/api-keys");
  const keys = useData(path, () => call<ApiKey[]>("GET", path));
  const [isNew, setNew] = useState(false);
  const [name, setName] = useState("");
  const [role, setRole] = useState("project_viewer");
  const [made, setMade] = useState<ApiKey>();
  const action = useAction();
  const create = () => action.run(async () => {
    setMade(await call<ApiKey>("POST", path, { name, role }));
    setName("");
    keys.reload();
  });
  const revoke = (key: ApiKey) => action.run(async () => {
    await call("DELETE", `${path}/${key.uid}`);
    say("Key revoked.");
    keys.reload();
  });
  const close = () => { setNew(false); setMade(undefined); action.clear(); };
  return (
    <>
      <Head title="API keys" says="Keys of this project, for services and for people who log in here." actions={<button type="button" class="primary" onClick={() => setNew(true)}>New key</button>} />
      {isNew && (
        <Dialog title="New API key" onClose={close}>
          {made?.key ? <>
            <Notice tone="good"><strong>Copy the key now.</strong> It is shown this once, and kept as a hash only.</Notice>
            <Copy text={made.key} label="the key" />
          </> : <Form onSend={create}>
            <div class="fields">
              <Input label="Name" value={name} onValue={setName} isRequired />
              <Select label="Role" value={role} onValue={setRole} options={[["project_viewer", "Viewer: reads, sees no secrets"], ["project_admin", "Admin: may do everything in the project"]]} />
            </div>
            {action.error && <Failure error={action.error} />}
            <div class="form-foot"><button type="submit" class="primary" disabled={action.isBusy}>Create key</button></div>
          </Form>}
        </Dialog>
      )}
      {!isNew && action.error && <Failure error={action.error} />}
      <Card isFlush>
        <When loaded={keys}>{(all) => all.length === 0 ? <Empty icon="keys" title="No keys">The instance's own key is not listed here.</Empty> : (
          <Table name="API keys" items={all} columns={[
            { title: "Name", cell: (k) => <strong><T s={k.name} max={80} /></strong> },
            { title: "Role", cell: (k) => <Badge s={k.role.type} tone={k.role.type === "project_admin" ? "calm" : ""} /> },
            { title: "Expires", cell: (k) => <Time at={k.expires_at} /> },
            { title: "Created", isRight: true, cell: (k) => <Time at={k.created_at} /> },
            { title: "", isRight: true, cell: (k) => <Confirm isTiny isDanger label="Revoke" title="Revoke this key?" says={<>Requests with “<T s={k.name} max={80} />” are refused from now on.</>} act={() => revoke(k)} /> },
          ]} />
        )}</When>
      </Card>
    </>
  );
}

export function Portals() {
  const { api, mayWrite } = useSession();
  const list = useList<PortalLink>("/portal-links");
  const [isNew, setNew] = useState(false);
  const [name, setName] = useState("");
  const [owner, setOwner] = useState("");
  const [mayManage, setManage] = useState(false);
  const [made, setMade] = useState<PortalLink>();
  const action = useAction();
  const create = () => action.run(async () => {
    setMade(await call<PortalLink>("POST", api("/portal-links"), { name, owner_id: owner, can_manage_endpoint: mayManage }));
    list.reload();
  });
  const revoke = (each: PortalLink) => action.run(async () => {
    await call("PUT", api(`/portal-links/${each.uid}/revoke`), {});
    say("Link revoked.");
    list.reload();
  });
  const close = () => { setNew(false); setMade(undefined); action.clear(); };
  const add = mayWrite && <button type="button" class="primary" onClick={() => setNew(true)}>New portal link</button>;
  return (
    <>
      <Head title="Portal links" says="Access for your customers: an owner sees the own endpoints, and what went to them." actions={add} />
      {isNew && (
        <Dialog title="New portal link" onClose={close}>
          {made ? <>
            <Notice tone="good"><strong>Copy the link now.</strong> It holds a token that is shown this once.</Notice>
            <Copy text={made.url} label="the portal link" />
          </> : <Form onSend={create}>
            <div class="fields">
              <Input label="Name" value={name} onValue={setName} isRequired />
              <Input label="Owner" value={owner} onValue={setOwner} isRequired hint="The owner that endpoints name." />
              <div class="field wide"><Check label="May add, change and remove endpoints, and see their secrets" value={mayManage} onValue={setManage} /></div>
            </div>
            {action.error && <Failure error={action.error} />}
            <div class="form-foot"><button type="submit" class="primary" disabled={action.isBusy}>Create link</button></div>
          </Form>}
        </Dialog>
      )}
      {!isNew && action.error && <Failure error={action.error} />}
      <Card isFlush>
        <When loaded={list}>{(page) => page.content.length === 0 ? (
          <Empty icon="portals" title="No portal links" action={add}>Give a customer a page about the own endpoints: what was sent, what failed, and a way to try it again.</Empty>
        ) : <>
          <Table name="Portal links" items={page.content} columns={[
            { title: "Name", cell: (p) => <strong><T s={p.name} max={80} /></strong> },
            { title: "Owner", cell: (p) => <T s={p.owner_id} max={80} /> },
            { title: "Rights", cell: (p) => <Badge s={p.can_manage_endpoint ? "manages endpoints" : "looks, and retries"} tone={p.can_manage_endpoint ? "calm" : ""} /> },
            { title: "Endpoints", isRight: true, cell: (p) => <span class="num">{countText(p.endpoint_count)}</span> },
            { title: "Created", isRight: true, cell: (p) => <Time at={p.created_at} /> },
            { title: "", isRight: true, cell: (p) => mayWrite && <Confirm isTiny isDanger label="Revoke" title="Revoke this link?" says="Its tokens end at once." act={() => revoke(p)} /> },
          ]} />
          <Pager page={page} turn={list.turn} />
        </>}</When>
      </Card>
    </>
  );
}

function SettingsForm({ project, done }: { project: Project; done: () => void }) {
  const { api } = useSession();
  const { config } = project;
  const [name, setName] = useState(project.name);
  const [strategy, setStrategy] = useState(config.strategy.type);
  const [interval, setInterval_] = useState(String(config.strategy.duration));
  const [tries, setTries] = useState(String(config.strategy.retry_count));
  const [header, setHeader] = useState(config.signature.header);
  const [standard, setStandard] = useState(config.signature.standard_webhooks ?? "none");
  const [isHttps, setHttps] = useState(config.ssl.enforce_secure_endpoints);
  const [shouldDisable, setDisable] = useState(config.disable_endpoint);
  const [hasTrace, setTrace] = useState(config.add_event_id_trace_headers);
  const [traceHeader, setTraceHeader] = useState(config.trace_header ?? "");
  const action = useAction();
  const send = () => action.run(async () => {
    await call("PUT", api(""), {
      name,
      config: {
        strategy: { type: strategy, duration: Number(interval), retry_count: Number(tries) },
        signature: { header, ...(standard === (config.signature.standard_webhooks ?? "none") ? {} : { standard_webhooks: standard }) },
        ssl: { enforce_secure_endpoints: isHttps },
        disable_endpoint: shouldDisable,
        add_event_id_trace_headers: hasTrace,
        trace_header: traceHeader,
      },
    });
    say("Settings saved.");
    done();
  });
  return (
    <Card title="Project">
      <Form onSend={send}>
        <div class="fields">
          <Input label="Name" value={name} onValue={setName} isRequired />
          <Select label="Retries" value={strategy} onValue={setStrategy} options={[["linear", "Linear: the same wait each time"], ["exponential", "Exponential: twice as long each time"]]} />
          <Input label="First wait in seconds" type="number" min={1} value={interval} onValue={setInterval_} isRequired />
          <Input label="Attempts" type="number" min={1} max={1000} value={tries} onValue={setTries} isRequired />
          <Input label="Signature header" value={header} onValue={setHeader} isRequired />
          <Select label="Standard Webhooks" value={standard} onValue={setStandard} options={[["none", "Off"], ["v1", "v1: HMAC"], ["v1a", "v1a: Ed25519"]]} />
          <Input label="Trace header" value={traceHeader} onValue={setTraceHeader} hint="If this project has one of its own. Empty: the host's, usually traceparent." />
          <div class="field wide">
            <Check label="Requests carry a trace and the ids of event and delivery" value={hasTrace} onValue={setTrace} />
            <Check label="Endpoints need https" value={isHttps} onValue={setHttps} />
            <Check label="Make an endpoint inactive when a delivery has used up its attempts" value={shouldDisable} onValue={setDisable} />
          </div>
        </div>
        {action.error && <Failure error={action.error} />}
        <div class="form-foot"><button type="submit" class="primary" disabled={action.isBusy}>Save</button></div>
      </Form>
    </Card>
  );
}

export function Settings() {
  const { api, mayWrite, isInstance, access } = useSession();
  const path = api("");
  const project = useData(path, () => call<Project>("GET", path));
  const action = useAction();
  const remove = () => action.run(async () => {
    await call("DELETE", path);
    say("Project deleted.");
    go("#/projects");
  });
  return (
    <>
      <Head title="Settings" says="How this project delivers." />
      {action.error && <Failure error={action.error} />}
      <When loaded={project}>{(p) => (
        <div class="stack">
          {mayWrite ? <SettingsForm key={p.uid} project={p} done={project.reload} /> : (
            <Card title="Project"><Facts all={[
              ["Name", <T s={p.name} />], ["Retries", `${p.config.strategy.type}, ${p.config.strategy.duration} s, ${p.config.strategy.retry_count} attempts`],
              ["Signature header", p.config.signature.header], ["Endpoints need https", p.config.ssl.enforce_secure_endpoints ? "yes" : "no"],
            ]} /></Card>
          )}
          <Card title="About"><Facts all={[
            ["Project id", <Copy text={p.uid} label="the project's id" />], ["Type", p.type], ["Created", <Time at={p.created_at} full />],
            ["Public address", access.public_url], ["Version", access.version], ["Your role", <Badge s={access.role} />],
          ]} /></Card>
          {isInstance && <Card title="Remove"><p>Sources, endpoints, events and deliveries of the project go with it.</p>
            <div><Confirm isDanger label="Delete project" title="Delete this project?" says={<>“<T s={p.name} />” and everything in it is removed for good.</>} act={remove} /></div></Card>}
        </div>
      )}</When>
    </>
  );
}

export function Projects() {
  const path = "/projects?perPage=200";
  const projects = useData(path, () => call<Project[] | Page<Project>>("GET", path));
  const [isNew, setNew] = useState(false);
  const [name, setName] = useState("");
  const [type, setType] = useState("incoming");
  const action = useAction();
  const create = () => action.run(async () => {
    const made = await call<{ project: Project }>("POST", "/projects", { name, type });
    go(`#/p/${made.project.uid}/overview`);
  });
  const add = <button type="button" class="primary" onClick={() => setNew(true)}>New project</button>;
  return (
    <>
      <Head title="Projects" says="Each has sources, endpoints and keys of its own." actions={add} />
      {isNew && <Dialog title="New project" onClose={() => setNew(false)}>
        <Form onSend={create}>
          <div class="fields">
            <Input label="Name" value={name} onValue={setName} isRequired />
            <Select label="Direction" value={type} onValue={setType} options={[["incoming", "Incoming: receive from providers"], ["outgoing", "Outgoing: send to customers"]]} />
          </div>
          {action.error && <Failure error={action.error} />}
          <div class="form-foot"><button type="submit" class="primary" disabled={action.isBusy}>Create project</button></div>
        </Form>
      </Dialog>}
      <Card isFlush>
        <When loaded={projects}>{(data) => {
          const all = Array.isArray(data) ? data : data.content;
          return all.length === 0 ? <Empty icon="projects" title="No projects yet" action={add}>Make one to receive webhooks of providers, or to send your own.</Empty> : (
            <Table name="Projects" items={all} columns={[
              { title: "Name", cell: (p) => <a class="row" href={`#/p/${p.uid}/overview`}><T s={p.name} max={100} /></a> },
              { title: "Direction", cell: (p) => <Badge s={p.type} tone={p.type === "incoming" ? "calm" : ""} /> },
              { title: "Created", isRight: true, cell: (p) => <Time at={p.created_at} /> },
            ]} />
          );
        }}</When>
      </Card>
    </>
  );
}
