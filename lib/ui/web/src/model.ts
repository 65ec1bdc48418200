// The resources of the REST API, as far as the pages look into them.
import type { Json } from "./api";

export type Lists = Record<string, string[]>;

export interface Project {
  uid: string;
  name: string;
  type: "incoming" | "outgoing";
  config: Record<string, Json> & {
    strategy: { type: string; duration: number; retry_count: number };
    signature: { header: string; standard_webhooks?: string };
    ssl: { enforce_secure_endpoints: boolean };
    ratelimit: { count: number; duration: number };
    max_payload_read_size: number;
    disable_endpoint: boolean;
    add_event_id_trace_headers: boolean;
    trace_header?: string;
  };
  created_at: string;
}

export interface Payload {
  data?: Json;
  raw?: string;
  raw_encoding?: string;
}

export interface GatewayEvent extends Payload {
  uid: string;
  event_type: string;
  source_id?: string;
  endpoints: string[];
  headers: Lists;
  content_type: string;
  url_query_params: string;
  url_path: string;
  idempotency_key: string;
  is_duplicate_event: boolean;
  status: string;
  failure_reason?: string;
  created_at: string;
}

export interface EndpointSummary {
  uid: string;
  name: string;
  url: string;
  status: string;
}

export interface Delivery {
  uid: string;
  event_id: string;
  endpoint_id: string;
  subscription_id: string;
  event_type: string;
  status: string;
  description?: string;
  latency_seconds: number;
  endpoint_metadata: Partial<EndpointSummary>;
  metadata: Payload & {
    num_trials: number;
    retry_limit: number;
    interval_seconds: number;
    strategy: string;
    next_send_time: string;
  };
  created_at: string;
  updated_at: string;
}

export interface Attempt {
  uid: string;
  url: string;
  method: string;
  ip_address?: string;
  request_http_header?: Record<string, string>;
  response_http_header?: Record<string, string>;
  http_status?: string;
  response_data?: string;
  error?: string;
  status?: boolean;
  requested_at: string;
  responded_at: string;
  timings_us?: Record<"name_lookup" | "connect" | "tls" | "first_byte" | "total", number>;
}

export interface Endpoint extends EndpointSummary {
  owner_id?: string;
  description: string;
  advanced_signatures: boolean;
  rate_limit: number;
  rate_limit_duration: number;
  http_timeout: number;
  content_type: string;
  fifo?: boolean;
  secrets: { uid: string; value: string; expires_at: string | null; created_at: string }[];
  authentication: { type?: string } | null;
  failure_rate: number | null;
  cb_state: string | null;
  throttled_until?: string;
  created_at: string;
}

export interface Source {
  uid: string;
  name: string;
  type: string;
  provider: string;
  mask_id: string;
  is_disabled: boolean;
  verify_mode: string;
  url: string;
  event_type_location: string;
  idempotency_keys: string[];
  verifier: {
    type: string;
    preset?: { name: string; config: Record<string, string> } | null;
    guarantees?: {
      integrity: string;
      signs?: string[];
      replay_window_s: number | null;
      handshake?: string;
      warnings?: string[];
    };
  };
  pub_sub: { type?: string } | null;
  created_at: string;
}

export interface Preset {
  name: string;
  title: string;
  schemes: string[];
  parameters_needed: string[];
  parameters_used: string[];
  handshake: string;
  evidence: string;
  tenant: string;
  integrity: string;
  sources: string[];
  replay_window: number | null;
}

export interface Subscription {
  uid: string;
  name: string;
  delivery_mode: string;
  filter_config: {
    event_types: string[];
    filter: { headers: Json; body: Json; query: Json; path: Json };
  };
  endpoint_metadata: EndpointSummary | null;
  source_metadata: { uid: string; name: string; mask_id: string } | null;
  created_at: string;
}

export interface HeldInput extends Payload {
  uid: string;
  source_id: string;
  kind: string;
  reason: string;
  detail: string;
  method: string;
  url_path: string;
  url_query_params: string;
  headers: Lists;
  size: number;
  received_at: string;
  expires_at: string | null;
}

export interface Job {
  uid: string;
  kind: string;
  state: "open" | "done" | "cancelled" | "failed";
  error?: string;
  event_id?: string;
  progress: { expected?: number; seen: number; done: number; skipped: number };
  created_at: string;
  updated_at: string;
}

export interface ApiKey {
  uid: string;
  name: string;
  role: { type: string };
  expires_at: string | null;
  key?: string;
  created_at: string;
}

export interface PortalLink {
  uid: string;
  name: string;
  owner_id: string;
  auth_type: string;
  can_manage_endpoint: boolean;
  endpoint_count: number;
  url: string;
  created_at: string;
}

export interface Explanation {
  accepted: boolean;
  reason: string;
  scheme?: string;
  integrity: string;
  body: { bytes: number; sha256: string };
  causes: { code: string; text: string }[];
  schemes: {
    name: string;
    applies: boolean;
    reason: string;
    steps: { what: string; place?: string; finding: string }[];
  }[];
}

export interface Consumer {
  consumer_id?: string;
  state: string;
  lag?: number;
  last_error?: { message?: string } | null;
}
