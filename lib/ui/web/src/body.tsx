// Viewer of payloads and headers: JSON, forms, text and bytes, always as text. Large ones are shown
// in part until more is asked for; what is saved to a file is what the gateway told.
import type { ComponentChildren } from "preact";
import { useMemo, useState } from "preact/hooks";
import { Exact, type Json } from "./api";
import type { Lists, Payload } from "./model";
import { bytesText, safe } from "./text";

const SHOWN_FIRST = 24 * 1024; // characters
const SHOWN_MORE = 512 * 1024;
const LINES_COLOURED_MAX = 2000;
const HEX_FIRST = 2048; // bytes
const HEADERS_FIRST = 40;

/** JSON as indented text, with the numbers as they were written. */
export function jsonText(value: Json, indent = ""): string {
  if (value instanceof Exact) return value.text;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const inner = `${indent}  `;
  const parts = Array.isArray(value)
    ? value.map((each) => inner + jsonText(each, inner))
    : Object.entries(value).map(([key, each]) => `${inner}${JSON.stringify(key)}: ${jsonText(each, inner)}`);
  const [open, close] = Array.isArray(value) ? ["[", "]"] : ["{", "}"];
  return parts.length === 0 ? open + close : `${open}\n${parts.join(",\n")}\n${indent}${close}`;
}

const LINE = /^(\s*)("(?:[^"\\]|\\.)*"(?=:\s))?(: )?(.*?)(,?)$/s;

function kindOf(value: string): string {
  if (value.startsWith('"')) return "j-text";
  if (/^[-\d]/.test(value)) return "j-number";
  return /^(true|false|null)/.test(value) ? "j-word" : "";
}

function coloured(text: string): ComponentChildren {
  const lines = text.split("\n");
  if (lines.length > LINES_COLOURED_MAX) return safe(text);
  return lines.map((line, at) => {
    const [, space = "", key, colon = "", value = "", comma = ""] = LINE.exec(line) ?? [];
    return (
      <span key={at}>
        {space}{key && <span class="j-key">{safe(key)}</span>}{colon}
        <span class={kindOf(value)}>{safe(value)}</span>{comma}{"\n"}
      </span>
    );
  });
}

function hexText(bytes: Uint8Array): string {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += 16) {
    const row = bytes.subarray(at, at + 16);
    const hex = Array.from(row, (b) => b.toString(16).padStart(2, "0")).join(" ").padEnd(47);
    const text = Array.from(row, (b) => (b >= 32 && b < 127 ? String.fromCharCode(b) : ".")).join("");
    lines.push(`${at.toString(16).padStart(6, "0")}  ${hex}  ${text}`);
  }
  return lines.join("\n");
}

function save(bytes: BlobPart, name: string) {
  const url = URL.createObjectURL(new Blob([bytes], { type: "application/octet-stream" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

function Frame(props: { kind: string; size: string; bytes: BlobPart; children: ComponentChildren; more?: () => void }) {
  return (
    <div class="body-view">
      <div class="body-head">
        <span>{props.kind} · {props.size}</span>
        <span class="actions">
          {props.more && <button type="button" class="plain tiny" onClick={props.more}>Show more</button>}
          <button type="button" class="plain tiny" onClick={() => save(props.bytes, "payload.bin")}>Download</button>
        </span>
      </div>
      {props.children}
    </div>
  );
}

function TextBody({ text, kind, isJson }: { text: string; kind: string; isJson: boolean }) {
  const [shown, setShown] = useState(SHOWN_FIRST);
  const part = text.slice(0, shown);
  const isCut = part.length < text.length;
  const more = isCut ? () => setShown(shown + SHOWN_MORE) : undefined;
  return (
    <Frame kind={kind} size={bytesText(text.length)} bytes={text} more={more}>
      <pre tabIndex={0} aria-label={`${kind} body`}>{isJson ? coloured(part) : safe(part)}{isCut && "\n…"}</pre>
    </Frame>
  );
}

function BinaryBody({ base64 }: { base64: string }) {
  const [shown, setShown] = useState(HEX_FIRST);
  const bytes = useMemo(() => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0)), [base64]);
  const more = shown < bytes.length ? () => setShown(shown * 8) : undefined;
  return (
    <Frame kind="Binary" size={bytesText(bytes.length)} bytes={bytes} more={more}>
      <pre tabIndex={0} aria-label="Binary body">{hexText(bytes.subarray(0, shown))}</pre>
    </Frame>
  );
}

function FormBody({ fields, text }: { fields: [string, string][]; text: string }) {
  const shown = fields.slice(0, HEADERS_FIRST);
  return (
    <Frame kind="Form" size={`${fields.length} fields`} bytes={text}>
      <table class="headers">
        <caption><span class="hidden-text">Fields of the form</span></caption>
        <tbody>
          {shown.map(([name, value], at) => (
            <tr key={at}><th scope="row">{safe(name)}</th><td>{safe(value.slice(0, SHOWN_FIRST))}</td></tr>
          ))}
          {shown.length < fields.length && <tr><td colSpan={2}>… {fields.length - shown.length} more</td></tr>}
        </tbody>
      </table>
    </Frame>
  );
}

export function Body({ payload, contentType = "" }: { payload: Payload; contentType?: string }) {
  const { data, raw, raw_encoding } = payload;
  const text = useMemo(() => (data === undefined ? "" : jsonText(data)), [data]);
  if (raw !== undefined && raw_encoding === "base64") return <BinaryBody base64={raw} />;
  if (raw === "" || (raw === undefined && data === undefined)) return <p class="muted">The body is empty.</p>;
  if (raw !== undefined) return <TextBody text={raw} kind="Text" isJson={false} />;
  const isForm = /form-urlencoded|multipart/i.test(contentType);
  if (isForm && data !== null && typeof data === "object" && !Array.isArray(data) && !(data instanceof Exact)) {
    const fields = Object.entries(data as Record<string, Json>).map(
      ([name, value]): [string, string] => [name, typeof value === "string" ? value : jsonText(value)],
    );
    return <FormBody fields={fields} text={text} />;
  }
  return <TextBody text={text} kind="JSON" isJson />;
}

/** A text that may be JSON, such as an endpoint's answer. */
export function LooseBody({ text }: { text: string | undefined }) {
  const pretty = useMemo(() => {
    try {
      return text && text.length < SHOWN_MORE ? jsonText(JSON.parse(text) as Json) : undefined;
    } catch {
      return undefined;
    }
  }, [text]);
  if (!text) return <p class="muted small">No body.</p>;
  return pretty ? <TextBody text={pretty} kind="JSON" isJson /> : <TextBody text={text} kind="Text" isJson={false} />;
}

export function Headers({ all }: { all: Lists | Record<string, string> | undefined }) {
  const [isWhole, setWhole] = useState(false);
  const rows = Object.entries(all ?? {}).flatMap(([name, values]) =>
    (Array.isArray(values) ? values : [values]).map((value): [string, string] => [name, value]),
  );
  if (rows.length === 0) return <p class="muted small">No headers.</p>;
  const shown = isWhole ? rows : rows.slice(0, HEADERS_FIRST);
  return (
    <>
      <table class="headers">
        <caption><span class="hidden-text">Headers</span></caption>
        <tbody>
          {shown.map(([name, value], at) => (
            <tr key={at}><th scope="row">{safe(name)}</th><td>{safe(value.slice(0, 4096))}</td></tr>
          ))}
        </tbody>
      </table>
      {shown.length < rows.length && (
        <button type="button" class="plain tiny" onClick={() => setWhole(true)}>Show all {rows.length}</button>
      )}
    </>
  );
}
