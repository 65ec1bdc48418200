// Requests to the REST API, as the page's session or, in a frame, with the portal's token.
//
// Paths are relative to the page, so that the pages work wherever a proxy puts them.

export class ApiError extends Error {
  constructor(
    readonly status: number, // 0: no answer
    message: string,
  ) {
    super(message);
  }
}

export type Json = null | boolean | number | string | Exact | Json[] | { [key: string]: Json };

/** A number that would be respelt by a double: shown as it was written. */
export class Exact {
  constructor(readonly text: string) {}
}

export interface Access {
  role: "instance_admin" | "project_admin" | "project_viewer" | "portal";
  name: string;
  owner_id?: string;
  can_manage_endpoint?: boolean;
  project: { uid: string; name: string; type: string } | null;
  public_url: string;
  version: string;
}

export interface Page<T> {
  content: T[];
  pagination: {
    has_next_page: boolean;
    has_prev_page: boolean;
    next_page_cursor: string;
    prev_page_cursor: string;
  };
}

let bearer = ""; // of a portal in a frame, where browsers send no cookie
let onSessionEnd = () => {};

export function setBearer(token: string) {
  bearer = token;
}

export function whenSessionEnds(run: () => void) {
  onSessionEnd = run;
}

type Context = { source?: string };

function revive(_key: string, value: unknown, context?: Context) {
  const source = context?.source;
  if (typeof value !== "number" || source === undefined || String(value) === source) return value;
  return new Exact(source);
}

async function send(method: string, path: string, body?: unknown): Promise<Response> {
  const headers: Record<string, string> = { "X-Convoy-Ui": "1" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (bearer) headers["Authorization"] = `Bearer ${bearer}`;
  try {
    return await fetch(path, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      credentials: "same-origin",
      redirect: "error",
    });
  } catch {
    throw new ApiError(0, "the gateway does not answer");
  }
}

async function dataOf<T>(response: Response, isExact: boolean): Promise<T> {
  const text = await response.text();
  let envelope: { message?: string; data?: T };
  try {
    envelope = isExact
      ? JSON.parse(text, revive as (key: string, value: unknown) => unknown)
      : JSON.parse(text);
  } catch {
    throw new ApiError(response.status, `an answer that is no JSON (${response.status})`);
  }
  if (response.ok) return envelope.data as T;
  throw new ApiError(response.status, envelope.message || `refused with ${response.status}`);
}

export interface CallOptions {
  isExact?: boolean; // keep the spelling of numbers
}

export async function call<T = unknown>(
  method: string,
  path: string,
  body?: unknown,
  options: CallOptions = {},
): Promise<T> {
  const response = await send(method, `api/v1${path}`, body);
  if (response.status === 401) onSessionEnd();
  return dataOf<T>(response, options.isExact === true);
}

export async function fetchText(path: string): Promise<string> {
  const response = await send("GET", `api/v1${path}`);
  const text = await response.text();
  if (!response.ok) throw new ApiError(response.status, "the metrics were refused");
  return text;
}

/** Null: there is no session. */
export async function currentAccess(): Promise<Access | null> {
  const response = await send("GET", "api/v1/access");
  return response.status === 401 ? null : dataOf<Access>(response, false);
}

export async function logIn(key: string): Promise<Access> {
  return dataOf<Access>(await send("POST", "session", { key }), false);
}

export async function logOut() {
  await send("DELETE", "session");
}

export type Query = Record<string, string | string[] | undefined>;

export function queryText(query: Query): string {
  const parts = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const each of Array.isArray(value) ? value : [value]) if (each) parts.append(name, each);
  }
  const text = parts.toString();
  return text ? `?${text}` : "";
}
