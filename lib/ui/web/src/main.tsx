// The pages: log in, choose what to show by the address, and the frame around it.
import { render } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { call, currentAccess, logIn, logOut, setBearer, whenSessionEnds, type Access, ApiError } from "./api";
import { Icon, Logo, type IconName } from "./icons";
import type { Project } from "./model";
import { Empty, Failure, Form, Input, Loading, Toasts } from "./parts";
import { Jobs, Keys, Portals, Projects, Settings } from "./pages/admin";
import { EndpointPage, Endpoints } from "./pages/endpoints";
import { EventPage } from "./pages/event";
import { Deliveries, Events } from "./pages/events";
import { Held, HeldPage } from "./pages/held";
import { Overview } from "./pages/overview";
import { Presets, SourcePage, Sources } from "./pages/sources";
import { SubscriptionPage, Subscriptions } from "./pages/subscriptions";
import { arrive, go, SessionContext, useAction, useData, usePlace, type Place, type Session } from "./state";
import { T } from "./text";
import { applyTheme } from "./theme";

const isPortal = location.pathname.endsWith("/portal/");
const isFramed = window.parent !== window;

function Login({ enter, note }: { enter: (access: Access) => void; note: string }) {
  const [key, setKey] = useState("");
  const action = useAction();
  const send = () => action.run(async () => enter(await logIn(key.trim())));
  return (
    <main class="login">
      <div class="card">
        <span class="brand"><Logo />Convoy</span>
        <h1 tabIndex={-1}>{isPortal ? "Open the portal" : "Log in"}</h1>
        <p class="muted">{isPortal
          ? "Use the link that you were sent, or paste its token."
          : "With an API key of a project, or of the instance. It stays with the gateway; this browser keeps a session only."}</p>
        <Form onSend={send}>
          <Input label={isPortal ? "Token" : "API key"} type="password" autoComplete="current-password" value={key} onValue={setKey} isRequired placeholder={isPortal ? "PRT.…" : "CO.…"} />
          {note && !action.error && <p class="small" role="status">{note}</p>}
          {action.error && <Failure error={action.error.status === 401 ? new ApiError(400, "this key is not known, or it has expired") : action.error} />}
          <button type="submit" class="primary" disabled={action.isBusy}>{action.isBusy ? "Checking…" : "Log in"}</button>
        </Form>
        {!isPortal && <p class="muted small">The first key is printed by <code>convoyd bootstrap</code>.</p>}
      </div>
    </main>
  );
}

interface PageEntry { name: string; title: string; icon: IconName; isHidden?: (session: Session) => boolean; hasGap?: boolean }

const inDashboard = ({ isPortal }: Session) => isPortal;
const PAGES: PageEntry[] = [
  { name: "overview", title: "Overview", icon: "overview" },
  { name: "events", title: "Events", icon: "events" },
  { name: "deliveries", title: "Deliveries", icon: "deliveries" },
  { name: "endpoints", title: "Endpoints", icon: "endpoints", hasGap: true },
  { name: "sources", title: "Sources", icon: "sources", isHidden: inDashboard },
  { name: "subscriptions", title: "Subscriptions", icon: "subscriptions" },
  { name: "quarantine", title: "Quarantine", icon: "quarantine", isHidden: inDashboard, hasGap: true },
  { name: "jobs", title: "Jobs", icon: "jobs", isHidden: inDashboard },
  { name: "keys", title: "API keys", icon: "keys", isHidden: (s) => s.isPortal || !s.mayWrite, hasGap: true },
  { name: "portals", title: "Portal links", icon: "portals", isHidden: inDashboard },
  { name: "settings", title: "Settings", icon: "settings", isHidden: inDashboard },
];
const PARENTS: Record<string, string> = { presets: "sources" };

function Content({ page, id }: { page: string; id: string | undefined }) {
  switch (page) {
    case "overview": return <Overview />;
    case "events": return id ? <EventPage id={id} /> : <Events />;
    case "deliveries": return <Deliveries />;
    case "endpoints": return id ? <EndpointPage id={id} /> : <Endpoints />;
    case "sources": return id ? <SourcePage id={id} /> : <Sources />;
    case "presets": return <Presets />;
    case "subscriptions": return id ? <SubscriptionPage id={id} /> : <Subscriptions />;
    case "quarantine": return id ? <HeldPage id={id} /> : <Held />;
    case "jobs": return <Jobs />;
    case "keys": return <Keys />;
    case "portals": return <Portals />;
    case "settings": return <Settings />;
    default: return <Empty icon="projects" title="There is no such page">Choose another one from the menu.</Empty>;
  }
}

function Side({ session, page, leave, skip }: {
  session: Session; page: string; leave: () => void; skip: () => void;
}) {
  const [isOpen, setOpen] = useState(false);
  const here = PARENTS[page] ?? page;
  useEffect(() => setOpen(false), [page, session.projectId]);
  const pages = session.projectId ? PAGES.filter((each) => !each.isHidden?.(session)) : [];
  return (
    <header class={`side ${isOpen ? "open" : ""}`}>
      <a class="skip" href={location.hash || "#/"} onClick={(e) => { e.preventDefault(); skip(); }}>Skip to the content</a>
      <div class="side-head">
        <a class="brand" href={session.isInstance ? "#/projects" : session.link("overview")}><Logo />Convoy</a>
        <button type="button" class="menu-button" aria-expanded={isOpen} aria-label="Menu" onClick={() => setOpen(!isOpen)}><Icon name="menu" /></button>
      </div>
      <div class="side-more">
        {session.projectId && (session.isInstance
          ? <a class="project" href="#/projects"><span class="muted small">Project</span><strong><T s={session.projectName} max={60} /></strong></a>
          : <div class="project"><span class="muted small">{session.isPortal ? "Portal" : "Project"}</span><strong><T s={session.isPortal ? session.access.name : session.projectName} max={60} /></strong></div>)}
        <nav aria-label="Main">
          <ul class="nav">
            {pages.map((each) => (
              <li key={each.name} class={each.hasGap ? "gap" : ""}>
                <a href={session.link(each.name)} aria-current={each.name === here ? "page" : undefined}><Icon name={each.icon} />{each.title}</a>
              </li>
            ))}
          </ul>
        </nav>
        <div class="side-foot">
          {!isFramed && <button type="button" onClick={leave}>Log out</button>}
          <span class="muted small">Convoy {session.access.version}</span>
        </div>
      </div>
    </header>
  );
}

/** Which project the address names, and which page of it. */
function routeOf(place: Place, access: Access): { projectId: string; page: string; id: string | undefined } {
  const [first = "", second = "", third = "", fourth] = place.path;
  if (access.role !== "portal" && first === "p") return { projectId: second, page: third || "overview", id: fourth };
  const projectId = access.project?.uid ?? "";
  if (access.role === "portal") return { projectId, page: first || "overview", id: second || undefined };
  return { projectId, page: projectId ? "overview" : "projects", id: undefined };
}

function Frame({ access, leave }: { access: Access; leave: () => void }) {
  const place = usePlace();
  const { projectId, page, id } = routeOf(place, access);
  const isInstance = access.role === "instance_admin";
  const project = useData(`project ${projectId} ${page === "settings"}`, async () =>
    isInstance && projectId ? call<Project>("GET", `/projects/${projectId}`) : null);
  const session: Session = {
    access, projectId, isInstance,
    isPortal: access.role === "portal",
    projectName: project.data?.name ?? access.project?.name ?? "",
    isIncoming: (project.data?.type ?? access.project?.type) === "incoming",
    mayWrite: isInstance || access.role === "project_admin",
    mayManageEndpoints: isInstance || access.role === "project_admin" || access.can_manage_endpoint === true,
    link: (to) => (access.role === "portal" ? `#/${to}` : `#/p/${projectId}/${to}`),
    api: (path) => `/projects/${projectId}${path}`,
  };
  const main = useRef<HTMLElement>(null);
  const spot = `${projectId} ${page} ${id ?? ""}`;
  const lastSpot = useRef(spot);
  const title = PAGES.find((each) => each.name === (PARENTS[page] ?? page))?.title ?? "Projects";
  if (lastSpot.current !== spot) arrive(); // before the page's heading comes into being
  lastSpot.current = spot;
  useEffect(() => {
    document.title = `${title} · Convoy`;
    window.scrollTo(0, 0);
  }, [spot, title]);
  return (
    <SessionContext.Provider value={session}>
      <div class="shell">
        <Side session={session} page={page} leave={leave} skip={() => main.current?.focus()} />
        <main class="main" ref={main} tabIndex={-1}>
          {project.error && <Failure error={project.error} retry={project.reload} />}
          {projectId ? <Content key={spot} page={page} id={id} /> : <Projects />}
        </main>
      </div>
    </SessionContext.Provider>
  );
}

/** The token of a portal's link, taken out of the address bar and the history. */
function takeToken(): string {
  const parameters = new URLSearchParams(location.search);
  const token = isPortal ? (parameters.get("token") ?? "") : "";
  if (token) history.replaceState(null, "", location.pathname + location.hash);
  return token;
}

async function begin(token: string): Promise<Access | null> {
  if (!token) return currentAccess();
  if (!isFramed) return logIn(token);
  setBearer(token); // kept in memory alone: the frame's host gives it anew
  return currentAccess();
}

function App({ token }: { token: string }) {
  const [access, setAccess] = useState<Access | null>();
  const [error, setError] = useState<ApiError>();
  const [note, setNote] = useState("");
  const start = () => {
    setError(undefined);
    begin(token).then(setAccess, (caught: unknown) => {
      const known = caught instanceof ApiError ? caught : new ApiError(-1, String(caught));
      if (known.status !== 401) return setError(known);
      setNote("The link has ended. Ask for a new one.");
      setAccess(null);
    });
  };
  useEffect(() => {
    whenSessionEnds(() => {
      setNote("Your session has ended. Log in again.");
      setAccess(null);
    });
    start();
  }, []);
  const leave = () => {
    void logOut().catch(() => {});
    setNote("");
    setAccess(null);
    go("");
  };
  return (
    <>
      {error ? <main class="login"><div class="card"><h1 tabIndex={-1}>Convoy</h1><br /><Failure error={error} retry={start} /></div></main>
        : access === undefined ? <Loading />
        : access === null ? <Login enter={setAccess} note={note} />
        : <Frame access={access} leave={leave} />}
      <Toasts />
    </>
  );
}

const root = document.getElementById("app");
if (root) {
  applyTheme(new URLSearchParams(location.search));
  const token = takeToken();
  root.replaceChildren();
  render(<App token={token} />, root);
}
