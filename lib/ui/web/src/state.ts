// State that many parts share: the credential's rights, the place in the page's address, hooks.
import { createContext } from "preact";
import { useCallback, useContext, useEffect, useRef, useState } from "preact/hooks";
import { ApiError, type Access } from "./api";

/** The part of the address behind "#": a path and parameters. */
export interface Place {
  path: string[];
  query: URLSearchParams;
}

export function placeOf(hash: string): Place {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  const decode = (text: string) => {
    try {
      return decodeURIComponent(text);
    } catch {
      return text;
    }
  };
  return { path: path.split("/").filter(Boolean).map(decode), query: new URLSearchParams(query) };
}

export function usePlace(): Place {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const follow = () => setHash(location.hash);
    addEventListener("hashchange", follow);
    follow(); // it may have changed before this listened
    return () => removeEventListener("hashchange", follow);
  }, []);
  return placeOf(hash);
}

export function go(hash: string) {
  location.hash = hash;
}

let hasArrived = false;

/** Another page was gone to: a screen reader reads on from its heading, once it is there. */
export function arrive() {
  hasArrived = true;
}

export function takeArrival(): boolean {
  const had = hasArrived;
  hasArrived = false;
  return had;
}

export interface Session {
  access: Access;
  isPortal: boolean;
  projectId: string; // empty: none is chosen
  projectName: string;
  isIncoming: boolean; // its subscriptions name a source
  mayWrite: boolean;
  mayManageEndpoints: boolean;
  isInstance: boolean;
  /** "#/p/ID/events" for "events"; in the portal "#/events". */
  link: (page: string) => string;
  /** "/projects/ID/events" for "/events". */
  api: (path: string) => string;
}

export const SessionContext = createContext<Session | null>(null);

export function useSession(): Session {
  const session = useContext(SessionContext);
  if (!session) throw new Error("there is no session here");
  return session;
}

export interface Loaded<T> {
  data: T | undefined;
  error: ApiError | undefined;
  isLoading: boolean;
  reload: () => void;
}

/** What `load` gives, again whenever `key` changes, and every `pollMs` while the page is seen. */
export function useData<T>(key: string, load: () => Promise<T>, pollMs = 0): Loaded<T> {
  const [state, setState] = useState<{ key: string; data?: T; error?: ApiError }>({ key: "" });
  const [round, setRound] = useState(0);
  const latest = useRef(load);
  latest.current = load;
  useEffect(() => {
    let isCurrent = true;
    latest
      .current()
      .then((data) => isCurrent && setState({ key, data }))
      .catch((error: unknown) => {
        const known = error instanceof ApiError ? error : new ApiError(-1, String(error));
        if (isCurrent) setState((old) => ({ key, data: old.key === key ? old.data : undefined, error: known }));
      });
    return () => {
      isCurrent = false;
    };
  }, [key, round]);
  const reload = useCallback(() => setRound((n) => n + 1), []);
  useEffect(() => {
    if (pollMs === 0) return;
    const timer = setInterval(() => document.hidden || reload(), pollMs);
    return () => clearInterval(timer);
  }, [pollMs, reload]);
  const isCurrent = state.key === key;
  return {
    data: isCurrent ? state.data : undefined,
    error: isCurrent ? state.error : undefined,
    isLoading: !isCurrent,
    reload,
  };
}

type Notify = (text: string) => void;
let notify: Notify = () => {};
export function setNotify(to: Notify) {
  notify = to;
}

/** Tells briefly what was done. */
export const say: Notify = (text) => notify(text);

/** An action that a person starts: busy meanwhile, its failure is kept to be shown. */
export function useAction() {
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError>();
  const run = useCallback(async (action: () => Promise<void>) => {
    setBusy(true);
    setError(undefined);
    try {
      await action();
    } catch (caught) {
      setError(caught instanceof ApiError ? caught : new ApiError(-1, String(caught)));
    } finally {
      setBusy(false);
    }
  }, []);
  return { isBusy, error, run, clear: () => setError(undefined) };
}
