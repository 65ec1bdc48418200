// The parts that pages are made of: headings, tables, forms, dialogs, and what is said when there is
// nothing, or something is wrong.
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import type { ApiError, Page } from "./api";
import { Icon, type IconName } from "./icons";
import { say, setNotify, takeArrival, type Loaded } from "./state";
import { words } from "./text";

type Children = { children?: ComponentChildren };

export function Head(props: {
  title: ComponentChildren; says?: ComponentChildren; actions?: ComponentChildren;
  crumbs?: [string, string][];
}) {
  const title = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (takeArrival()) title.current?.focus({ preventScroll: true });
  }, []);
  return (
    <header class="head">
      <div>
        {props.crumbs && (
          <nav class="crumbs" aria-label="Breadcrumb">
            {props.crumbs.map(([text, link]) => (
              <span key={link}><a href={link}>{text}</a> / </span>
            ))}
          </nav>
        )}
        <h1 tabIndex={-1} ref={title}>{props.title}</h1>
        {props.says && <p class="muted">{props.says}</p>}
      </div>
      {props.actions && <div class="actions">{props.actions}</div>}
    </header>
  );
}

export function Card(props: Children & {
  title?: ComponentChildren; aside?: ComponentChildren; isFlush?: boolean;
}) {
  return (
    <section class="card">
      {props.title && (
        <div class="card-head"><h2>{props.title}</h2>{props.aside && <div class="actions">{props.aside}</div>}</div>
      )}
      {props.isFlush ? props.children : <div class="card-body">{props.children}</div>}
    </section>
  );
}

const TONES: Record<string, string> = {
  Success: "good", Failure: "bad", Retry: "wait", Scheduled: "wait", Processing: "calm",
  Discarded: "", active: "good", paused: "wait", inactive: "bad", closed: "good", open: "bad",
  "half-open": "wait", half_open: "wait", done: "good", failed: "bad", cancelled: "",
  running: "good", connecting: "wait", backing_off: "bad", misconfigured: "bad", stopped: "",
  full: "good", partial: "wait", none: "bad", quarantine: "wait", dead_letter: "bad",
};

export function Badge({ s, tone }: { s: string; tone?: string }) {
  return <span class={`badge ${tone ?? TONES[s] ?? ""}`}>{words(s)}</span>;
}

export function Tags({ all }: { all: string[] }) {
  return <span class="tags">{all.map((each) => <span class="tag" key={each}>{each}</span>)}</span>;
}

/** What to do about an error, by its status. */
function advice(error: ApiError): string {
  if (error.status === 0) return "Check that the gateway runs and that this machine reaches it, then try again.";
  if (error.status === 401) return "Log in again.";
  if (error.status === 403) return "Your key does not allow this. Ask for one with the role project_admin.";
  if (error.status === 404) return "It may have been removed, or its time of retention is over. Go back to the list.";
  if (error.status === 409) return "Others changed the same at this moment. Try again.";
  if (error.status === 429 || error.status === 503) return "The gateway is busy. Wait a moment, then try again.";
  if (error.status >= 500) return "Look into the gateway's log for the cause.";
  return "Change what is named here, then try again.";
}

/** An answer's message as a sentence; of several fields each begins with its name. */
function sentence(message: string): string {
  const spaced = message.replace(/(^|, )([\w.[\]]+):(?=\S)/g, "$1$2: ");
  return spaced === message ? message.replace(/^./, (c) => c.toUpperCase()) : spaced;
}

export function Failure({ error, retry }: { error: ApiError; retry?: () => void }) {
  return (
    <div class="notice bad" role="alert">
      <div>
        <strong>{sentence(error.message)}</strong>
        <p class="small">{advice(error)}</p>
      </div>
      {retry && <button type="button" class="tiny" onClick={retry}>Try again</button>}
    </div>
  );
}

export function Notice({ tone = "", children }: Children & { tone?: string }) {
  return <div class={`notice ${tone}`} role="status"><div>{children}</div></div>;
}

export function Empty(props: Children & { icon: IconName; title: string; action?: ComponentChildren }) {
  return (
    <div class="empty">
      <Icon name={props.icon} size={40} />
      <div class="empty-title">{props.title}</div>
      <p>{props.children}</p>
      {props.action && <div class="actions">{props.action}</div>}
    </div>
  );
}

export function Loading() {
  return <p class="loading" role="status">Loading…</p>;
}

/** Data, or why there is none. */
export function When<T>({ loaded, children }: {
  loaded: Loaded<T>; children: (data: T) => ComponentChildren;
}) {
  return (
    <>
      {loaded.error && <div class="card-body"><Failure error={loaded.error} retry={loaded.reload} /></div>}
      {loaded.data !== undefined ? children(loaded.data) : loaded.isLoading && <Loading />}
    </>
  );
}

export interface Column<T> {
  title: string;
  cell: (item: T) => ComponentChildren;
  isRight?: boolean;
}

export function Table<T extends { uid: string }>({ name, items, columns, fresh }: {
  name: string; items: T[]; columns: Column<T>[]; fresh?: Set<string>;
}) {
  return (
    <table class="cards">
      <caption><span class="hidden-text">{name}</span></caption>
      <thead>
        <tr>{columns.map((c) => <th scope="col" class={c.isRight ? "right" : ""} key={c.title}>{c.title || <span class="hidden-text">Actions</span>}</th>)}</tr>
      </thead>
      <tbody>
        {items.map((item) => (
          <tr key={item.uid} class={fresh?.has(item.uid) ? "fresh" : ""}>
            {columns.map((c) => (
              <td key={c.title} data-label={c.title} class={c.isRight ? "right" : ""}>{c.cell(item)}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

export function Pager({ page, turn }: {
  page: Page<unknown>; turn: (cursor: { next?: string; prev?: string }) => void;
}) {
  const { has_next_page, has_prev_page, next_page_cursor, prev_page_cursor } = page.pagination;
  if (!has_next_page && !has_prev_page) return null;
  return (
    <nav class="pager" aria-label="Pages of the list">
      <button type="button" class="tiny" disabled={!has_prev_page} onClick={() => turn({ prev: prev_page_cursor })}>← Newer</button>
      <span class="muted small">{page.content.length} shown</span>
      <button type="button" class="tiny" disabled={!has_next_page} onClick={() => turn({ next: next_page_cursor })}>Older →</button>
    </nav>
  );
}

export function Field(props: {
  label: string; hint?: ComponentChildren; isWide?: boolean;
  children: (id: string, describedBy?: string) => ComponentChildren;
}) {
  const id = useId();
  return (
    <div class={`field ${props.isWide ? "wide" : ""}`}>
      <label for={id}>{props.label}</label>
      {props.children(id, props.hint ? `${id}-hint` : undefined)}
      {props.hint && <span class="hint" id={`${id}-hint`}>{props.hint}</span>}
    </div>
  );
}

export type InputType = "text" | "url" | "number" | "password" | "datetime-local";

type InputProps = {
  label: string; value: string; onValue: (value: string) => void; hint?: ComponentChildren;
  isWide?: boolean; type?: InputType; placeholder?: string; isRequired?: boolean; list?: string;
  autoComplete?: string; min?: number; max?: number;
};

export function Input(props: InputProps) {
  return (
    <Field label={props.label} hint={props.hint} isWide={props.isWide}>
      {(id, describedBy) => (
        <input
          id={id} aria-describedby={describedBy} type={(props.type ?? "text") as "text"} value={props.value}
          placeholder={props.placeholder} required={props.isRequired} list={props.list}
          autoComplete={(props.autoComplete ?? "off") as "off"} spellcheck={false} min={props.min} max={props.max}
          onInput={(e) => props.onValue(e.currentTarget.value)}
        />
      )}
    </Field>
  );
}

export function Area(props: InputProps & { rows?: number }) {
  return (
    <Field label={props.label} hint={props.hint} isWide={props.isWide ?? true}>
      {(id, describedBy) => (
        <textarea id={id} aria-describedby={describedBy} rows={props.rows ?? 5} value={props.value}
          placeholder={props.placeholder} required={props.isRequired} spellcheck={false}
          onInput={(e) => props.onValue(e.currentTarget.value)} />
      )}
    </Field>
  );
}

export function Select(props: {
  label: string; value: string; onValue: (value: string) => void; options: [string, string][];
  hint?: ComponentChildren; isRequired?: boolean;
}) {
  return (
    <Field label={props.label} hint={props.hint}>
      {(id, describedBy) => (
        <select id={id} aria-describedby={describedBy} value={props.value} required={props.isRequired}
          onChange={(e) => props.onValue(e.currentTarget.value)}>
          {props.options.map(([value, text]) => <option value={value} key={value}>{text}</option>)}
        </select>
      )}
    </Field>
  );
}

export function Check(props: {
  label: ComponentChildren; value: boolean; onValue: (value: boolean) => void;
}) {
  return (
    <label class="check">
      <input type="checkbox" checked={props.value} onChange={(e) => props.onValue(e.currentTarget.checked)} />
      <span>{props.label}</span>
    </label>
  );
}

/** A form that sends by Enter, too. */
export function Form({ onSend, children, ...rest }: Children & {
  onSend: () => void; class?: string; role?: "search"; "aria-label"?: string;
}) {
  return (
    <form {...rest} onSubmit={(event) => { event.preventDefault(); onSend(); }}>{children}</form>
  );
}

export function Dialog(props: Children & { title: string; onClose: () => void }) {
  const element = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const dialog = element.current;
    if (dialog && !dialog.open) dialog.showModal();
  }, []);
  return (
    <dialog ref={element} aria-labelledby={id} onClose={props.onClose}>
      <div class="dialog-head">
        <h2 id={id}>{props.title}</h2>
        <button type="button" class="plain tiny" onClick={() => element.current?.close()}>Close</button>
      </div>
      <div class="dialog">{props.children}</div>
    </dialog>
  );
}

/** A button that asks before it acts. */
export function Confirm(props: {
  label: string; title: string; says: ComponentChildren; act: () => void; verb?: string;
  isDanger?: boolean; isTiny?: boolean; isDisabled?: boolean;
}) {
  const [isOpen, setOpen] = useState(false);
  const look = `${props.isDanger ? "danger" : ""} ${props.isTiny ? "tiny" : ""}`;
  return (
    <>
      <button type="button" class={look} disabled={props.isDisabled} onClick={() => setOpen(true)}>{props.label}</button>
      {isOpen && (
        <Dialog title={props.title} onClose={() => setOpen(false)}>
          <div>{props.says}</div>
          <div class="actions">
            <button type="button" class={props.isDanger ? "danger" : "primary"} onClick={() => { setOpen(false); props.act(); }}>{props.verb ?? props.label}</button>
            <button type="button" onClick={() => setOpen(false)}>Cancel</button>
          </div>
        </Dialog>
      )}
    </>
  );
}

async function copy(text: string) {
  try {
    await navigator.clipboard.writeText(text);
    say("Copied.");
  } catch {
    say("The browser does not allow copying here: select the text and copy it.");
  }
}

export function Copy({ text, label }: { text: string; label: string }) {
  return (
    <div class="copy">
      <code>{text}</code>
      <button type="button" class="tiny" aria-label={`Copy ${label}`} onClick={() => copy(text)}>Copy</button>
    </div>
  );
}

export function Facts({ all }: { all: [string, ComponentChildren][] }) {
  return (
    <dl class="facts">
      {all.filter(([, value]) => value !== "" && value !== null && value !== undefined).map(([name, value]) => (
        <><dt key={name}>{name}</dt><dd>{value}</dd></>
      ))}
    </dl>
  );
}

export function Toasts() {
  const [texts, setTexts] = useState<{ id: number; text: string }[]>([]);
  const next = useRef(0);
  useEffect(() => {
    setNotify((text) => {
      const id = next.current++;
      setTexts((all) => [...all.slice(-2), { id, text }]);
      setTimeout(() => setTexts((all) => all.filter((each) => each.id !== id)), 5000);
    });
  }, []);
  return (
    <div class="toasts" role="status" aria-live="polite">
      {texts.map(({ id, text }) => <div class="toast" key={id}>{text}</div>)}
    </div>
  );
}
