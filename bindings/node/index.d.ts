// Types of libconvoy in Node: the webhooks gateway inside your own process.
/// <reference types="node" />
import { EventEmitter } from 'node:events';
import { IncomingMessage, ServerResponse } from 'node:http';

/** The version of the shared library, e.g. "0.2.0". */
export function version(): string;

/** A call failed. `code` is the class of a convoy_status. */
export class ConvoyError extends Error {
  code: number;
  /** The same call may succeed later. */
  isRetriable: boolean;
}

/** The REST API refused a call; `status` is that of HTTP. */
export class ApiError extends Error {
  status: number;
}

/** By name; or pairs; or as `rawHeaders` of Node. */
export type Headers =
  Record<string, string | string[] | number | undefined> | [string, string][] | string[];

export interface Request {
  /** POST by default. */
  method?: string;
  /** Without the query, percent-encoded as it came. */
  path?: string;
  /** Without '?'. */
  query?: string;
  headers?: Headers;
  body?: Uint8Array | string;
  remoteIp?: string;
  /** The whole URL as its sender was given it. Only verifiers look at it. */
  url?: string;
}

export interface Reply {
  status: number;
  headers: [string, string][];
  body: Buffer;
}

export interface Event {
  projectId: string;
  type: string;
  /** A text or bytes are sent as they are, and must be JSON; other values become JSON. */
  data: unknown;
  /** To this endpoint; or `ownerId`; without both to everyone with a subscription that wants it. */
  endpointId?: string;
  /** To all endpoints of this owner. */
  ownerId?: string;
  headers?: Headers;
  /** Of several events with one key only the first is delivered. */
  idempotencyKey?: string;
}

/** Given once an event is durable. A duplicate is stored, and delivered to no endpoint. */
export interface Receipt {
  eventId: string;
  isDuplicate: boolean;
}

export interface Scheme {
  /** "github", "stripe", …; or `definition`. */
  preset?: string;
  /** A scheme of one's own, as JSON or as an object. */
  definition?: string | object;
  /** Of several schemes only this one. */
  scheme?: string;
  /** All are live. */
  secrets?: string[];
  /** What a scheme calls {config:NAME}. */
  parameters?: Record<string, string>;
}

export interface Verdict {
  isAccepted: boolean;
  /** "accepted", "missing_header", "signature_mismatch", "too_old", … */
  reason: string;
  /** How much of the request the signature covers. */
  integrity: 'full' | 'partial' | 'none';
  /** The scheme that decided; empty: none did. */
  scheme: string;
  /** Which of the secrets matched; -1: none. */
  secretIndex: number;
  signedAt: Date | null;
  /** Status of HTTP that the provider expects for a wrong signature; 0: any. */
  refusalStatus: number;
  /** The provider's id of the event, if it was accepted and the scheme names one. */
  eventId: string;
}

/** The answer to a handshake, and what it asks for beside that. */
export interface Answer {
  reply: Reply;
  /** Handed over by the provider: keep it, if there is none yet. */
  secret: string;
  /** To be fetched once, to confirm. */
  visitUrl: string;
}

/** A compiled scheme; needs no gateway, no storage and no thread. */
export class Verifier {
  constructor(scheme: string | Scheme);
  verify(request: Request, now?: Date): Verdict;
  /** Answers a handshake; null: the request is none. Ask before verify. */
  answer(request: Request, now?: Date): Answer | null;
}

export interface Preset {
  name: string;
  title: string;
  schemes: string[];
  parameters_needed: string[];
  parameters_used: string[];
  integrity: string;
  replay_window_s: number | null;
}

export function presets(): Preset[];

/** Kinds of outcomes; later versions may have more. */
export const OutcomeKind: {
  readonly DELIVERY: 0;
  readonly ENDPOINT_FAILING: 1;
  readonly ENDPOINT_RECOVERED: 2;
  readonly ENDPOINT_DISABLED: 3;
  readonly BREAKER_OPENED: 4;
  readonly BREAKER_CLOSED: 5;
  readonly SOURCE_REFUSES: 6;
};

/** What became of a delivery, or news of an endpoint or a source. Ids that do not apply are empty. */
export interface Outcome {
  kind: number;
  at: Date;
  outcome: string;
  detail: string;
  isSuccess: boolean;
  willRetry: boolean;
  retryAt: Date | null;
  attemptNumber: number;
  count: number;
  projectId: string;
  endpointId: string;
  sourceId: string;
  deliveryId: string;
  eventId: string;
  eventType: string;
}

export const LogLevel: {
  readonly DEBUG: 0;
  readonly INFO: 1;
  readonly WARNING: 2;
  readonly ERROR: 3;
};

export interface LogLine {
  level: number;
  /** What happened, in words that do not change. */
  event: string;
  /** The same with the details. */
  message: string;
  /** How many lines were dropped by then, because gateway.log_lines_max of them waited. */
  droppedCount: number;
}

/** An event for the host itself. Each comes at least once; one that is let go of is retried. */
export class Delivery {
  readonly eventId: string;
  readonly eventType: string;
  readonly body: Buffer;
  readonly contentType: string;
  readonly idempotencyKey: string;
  readonly projectId: string;
  readonly endpointId: string;
  readonly deliveryId: string;
  readonly headers: [string, string][];
  /** 1: the first. */
  readonly attemptNumber: number;
  /** Finished later, it comes again. */
  readonly deadline: Date;
  readonly isLate: boolean;
  json(): any;
  /** Delivered. False, also of the others: too late, or finished before. */
  done(detail?: string): boolean;
  /** Failed; it comes again as the retry policy says, not before `afterMs`. */
  retry(detail?: string, afterMs?: number): boolean;
  /** Failed for good, whatever the retry policy says. */
  fail(detail?: string): boolean;
}

/** A handler throws it when the event fails for good. */
export class Refuse extends Error {}

/** A handler throws it when the event shall not come again before `afterMs`. */
export class Retry extends Error {
  constructor(message: string, afterMs?: number);
  afterMs: number;
}

/**
 * The gateway. Close it. Until `start`, what is asynchronous runs on the caller's thread; then commits
 * wait on threads of the library, and the event loop never does, except in functions whose names end
 * with Sync. Events: 'outcome' (needs the setting gateway.outcomes_max), 'error'.
 */
export class Gateway extends EventEmitter {
  /** Settings by name; docs/reference.md lists them. */
  constructor(settings?: Record<string, string | number>);
  start(): this;
  /** Creates the instance's first API key. It is shown this once. */
  bootstrap(): string;
  /** A request of the REST API as the instance's administrator, without a key: the answer's data. */
  call(method: string, target: string, body?: unknown): Promise<any>;
  callSync(method: string, target: string, body?: unknown): any;
  /** Answers a request once what it did is durable; null: not a path of the gateway. */
  handle(request: Request): Promise<Reply | null>;
  handleSync(request: Request): Reply | null;
  /** Resolves once the event is durable. */
  ingest(event: Event): Promise<Receipt>;
  ingestSync(event: Event): Receipt;
  /**
   * Passes deliveries to "local:NAME" to a handler, so many at once. It resolves: delivered. It
   * throws: the event comes again as the retry policy says (Retry), or fails for good (Refuse).
   */
  local(name: string, handler: (delivery: Delivery) => unknown,
    options?: { concurrency?: number }): { stop(): void };
  /** The same for `for await`; finish each. Ends when the gateway closes. */
  deliveries(name: string, options?: { batch?: number }): AsyncGenerator<Delivery, void>;
  /** Deliveries that are there, at most `max`; it does not wait. */
  take(name: string, max?: number): Delivery[];
  /** The outcomes that wait, the oldest first, if there is no listener for them. */
  outcomes(): Generator<Outcome, void>;
  readonly droppedOutcomesCount: number;
  /** The log lines that wait, the oldest first. The setting gateway.log_lines_max turns them on. */
  logLines(): Generator<LogLine, void>;
  /** For Express and Connect: answers the gateway's paths. Mount it ahead of parsers of bodies. */
  middleware(): (request: IncomingMessage, response: ServerResponse,
    next: (error?: unknown) => void) => void;
  /** For node:http: the same; other paths go to `next`, or are not found. */
  listener(next?: (request: IncomingMessage, response: ServerResponse) => void):
    (request: IncomingMessage, response: ServerResponse) => void;
  /** Answers a request; false: its path is not the gateway's, and nothing was read. */
  answer(request: IncomingMessage, response: ServerResponse): Promise<boolean>;
  /** Finishes what is in flight, at most for `patienceMs` (10 s), and frees the gateway. */
  close(patienceMs?: number): Promise<void>;
  on(event: 'outcome', listener: (outcome: Outcome) => void): this;
  on(event: 'error', listener: (error: Error) => void): this;
}
