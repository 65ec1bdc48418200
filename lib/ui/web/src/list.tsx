// Lists that are narrowed by filters, turned page by page, and may follow what comes.
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { call, queryText, type Page, type Query } from "./api";
import { Form, Input, Select, type InputType } from "./parts";
import { go, useData, usePlace, useSession, type Loaded } from "./state";

export const TAIL_MS = 2000;

export interface List<T> extends Loaded<Page<T>> {
  turn: (cursor: { next?: string; prev?: string }) => void;
  /** Items that have come since the list was first shown. */
  fresh: Set<string>;
}

/** A page of the list at `path` of the project. */
export function useList<T extends { uid: string }>(path: string, query: Query = {}, isLive = false): List<T> {
  const { api } = useSession();
  const [cursor, setCursor] = useState<Query>({});
  const base = path + queryText(query);
  const known = useRef<{ base: string; ids: Set<string> | null }>({ base, ids: null });
  useEffect(() => setCursor({}), [base]);
  const target = api(path) + queryText({ perPage: "25", ...query, ...(isLive ? {} : cursor) });
  const loaded = useData(target, () => call<Page<T>>("GET", target), isLive ? TAIL_MS : 0);
  const fresh = new Set<string>();
  if (known.current.base !== base || !isLive) known.current = { base, ids: null };
  if (loaded.data && isLive) {
    const ids = loaded.data.content.map((item) => item.uid);
    const before = known.current.ids;
    if (before) for (const id of ids) if (!before.has(id)) fresh.add(id);
    known.current.ids ??= new Set(ids);
  }
  const turn = ({ next, prev }: { next?: string; prev?: string }) =>
    setCursor(next ? { next_page_cursor: next, direction: "next" } : { prev_page_cursor: prev, direction: "prev" });
  return { ...loaded, turn, fresh };
}

/** All of a list that names things to choose from, as far as a menu is of use. */
export function useNames<T extends { uid: string; name: string }>(path: string): T[] {
  const { api } = useSession();
  const loaded = useData(`names${api(path)}`, () => call<Page<T>>("GET", `${api(path)}?perPage=200`));
  return loaded.data?.content ?? [];
}

export interface FilterField {
  name: string; // of the query's parameter
  label: string;
  options?: [string, string][]; // a menu; without them a text
  type?: InputType;
  placeholder?: string;
}

/** Instants of a datetime-local field as the API wants them: UTC. */
function utc(local: string): string {
  const date = new Date(local);
  return Number.isNaN(date.getTime()) ? "" : date.toISOString().slice(0, 19);
}

/** What the address asks for, as the API's parameters. */
export function useFilters(fields: FilterField[]): Query {
  const { query } = usePlace();
  const wanted: Query = {};
  for (const { name, type } of fields) {
    const value = query.get(name) ?? "";
    wanted[name] = type === "datetime-local" && value ? utc(value) : value;
  }
  return wanted;
}

export function Filters({ fields, more }: { fields: FilterField[]; more?: ComponentChildren }) {
  const place = usePlace();
  const [values, setValues] = useState<Record<string, string>>({});
  const valueOf = (name: string) => values[name] ?? place.query.get(name) ?? "";
  const set = (name: string) => (value: string) => setValues((old) => ({ ...old, [name]: value }));
  const path = `#/${place.path.map(encodeURIComponent).join("/")}`;
  const apply = () =>
    go(path + queryText(Object.fromEntries(fields.map(({ name }) => [name, valueOf(name)]))));
  const clear = () => {
    setValues(Object.fromEntries(fields.map(({ name }) => [name, ""])));
    go(path);
  };
  const isNarrowed = fields.some(({ name }) => place.query.get(name));
  const [isOpen] = useState(isNarrowed || !matchMedia("(max-width: 820px)").matches);
  return (
    <details class="filter-box" open={isOpen}>
    <summary>Filters</summary>
    <Form class="filters" role="search" aria-label="Filters" onSend={apply}>
      {fields.map((field) =>
        field.options ? (
          <Select key={field.name} label={field.label} value={valueOf(field.name)} onValue={set(field.name)}
            options={[["", "Any"], ...field.options]} />
        ) : (
          <Input key={field.name} label={field.label} value={valueOf(field.name)} onValue={set(field.name)}
            type={field.type} placeholder={field.placeholder} />
        ),
      )}
      <div class="actions">
        <button type="submit">Filter</button>
        {isNarrowed && <button type="button" class="plain" onClick={clear}>Clear</button>}
        {more}
      </div>
    </Form>
    </details>
  );
}
