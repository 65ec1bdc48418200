//! The stateless verifier: no gateway, no storage, no thread.
use std::mem::size_of;
use std::ptr;
use std::time::{Duration, SystemTime};

use convoy_sys as sys;

use crate::error::{check, check_declined, ErrorKind, Result};
use crate::memory::{headers_of, slice_of, static_text, take_buf, text_of, NO_BUF};
use crate::request::{Reply, Request};

/// A preset, or a definition of one's own, with its secrets, all of which are live.
#[derive(Clone, Debug, Default)]
pub struct Scheme<'a> {
    preset: &'a str,
    definition: &'a str,
    name: &'a str,
    secrets: Vec<&'a str>,
    parameters: Vec<(&'a str, &'a [u8])>,
}

impl<'a> Scheme<'a> {
    pub fn preset(name: &'a str) -> Self {
        Self { preset: name, ..Self::default() }
    }

    /// A scheme as JSON.
    pub fn definition(json: &'a str) -> Self {
        Self { definition: json, ..Self::default() }
    }

    /// Of several schemes only this one.
    pub fn only(mut self, name: &'a str) -> Self {
        self.name = name;
        self
    }

    pub fn secret(mut self, secret: &'a str) -> Self {
        self.secrets.push(secret);
        self
    }

    /// What the scheme calls {config:NAME}.
    pub fn parameter(mut self, name: &'a str, value: &'a str) -> Self {
        self.parameters.push((name, value.as_bytes()));
        self
    }
}

/// A compiled scheme. Any number of threads may use it at once.
pub struct Verifier {
    handle: *mut sys::convoy_verifier,
}

// SAFETY: all calls take a const handle.
unsafe impl Send for Verifier {}
unsafe impl Sync for Verifier {}

/// The outcome of one verification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub is_accepted: bool,
    /// "accepted", "missing_header", "signature_mismatch", "too_old", …
    pub reason: &'static str,
    /// How much of the request the signature covers: "full", "partial", "none".
    pub integrity: &'static str,
    /// The scheme that decided; empty: none did.
    pub scheme: String,
    /// Which of the secrets matched.
    pub secret_index: Option<usize>,
    pub signed_at: Option<SystemTime>,
    /// Status of HTTP that the provider expects for a wrong signature; 0: any.
    pub refusal_status: u16,
}

/// The answer to a handshake, and what it asks for beside that.
#[derive(Clone, Debug)]
pub struct Answer {
    pub reply: Reply,
    /// Handed over by the provider: keep it, if there is none yet.
    pub secret: String,
    /// To be fetched once, to confirm.
    pub visit_url: String,
}

const EVENT_ID_BYTES: usize = 256;

fn micros(now: SystemTime) -> i64 {
    now.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_micros() as i64)
}

impl Verifier {
    pub fn new(scheme: &Scheme<'_>) -> Result<Self> {
        let secrets: Vec<_> = scheme.secrets.iter().map(|each| slice_of(each.as_bytes())).collect();
        let parameters = headers_of(scheme.parameters.iter().copied());
        let settings = sys::convoy_verifier_settings {
            struct_size: size_of::<sys::convoy_verifier_settings>(),
            preset: slice_of(scheme.preset.as_bytes()),
            definition: slice_of(scheme.definition.as_bytes()),
            scheme: slice_of(scheme.name.as_bytes()),
            secrets: secrets.as_ptr(),
            secrets_count: secrets.len(),
            parameters: parameters.as_ptr(),
            parameters_count: parameters.len(),
        };
        let mut handle = ptr::null_mut();
        // SAFETY: what the settings borrow is there until the call returns.
        check(|error| unsafe { sys::convoy_verifier_new_with(&settings, &mut handle, error) })?;
        Ok(Self { handle })
    }

    /// Judges a request as of `now`; an error means that there is no verdict.
    pub fn verify(&self, request: &Request<'_>, now: SystemTime) -> Result<Verdict> {
        // SAFETY: all zeros are a value of this struct.
        let mut view: sys::convoy_verdict_view = unsafe { std::mem::zeroed() };
        view.struct_size = size_of::<sys::convoy_verdict_view>();
        request.with(|request| {
            // SAFETY: the handle is whole, here and below.
            check(|error| unsafe {
                sys::convoy_verifier_check(self.handle, request, micros(now), &mut view, error)
            })
        })?;
        Ok(Verdict {
            is_accepted: view.is_accepted != 0,
            // SAFETY: these texts are static.
            reason: unsafe { static_text(view.reason) },
            integrity: unsafe { static_text(view.integrity) },
            // SAFETY: borrowed from the verifier.
            scheme: unsafe { text_of(view.scheme) },
            secret_index: usize::try_from(view.secret_index).ok(),
            refusal_status: view.refusal_status as u16,
            signed_at: u64::try_from(view.signed_at_us)
                .ok()
                .map(|us| SystemTime::UNIX_EPOCH + Duration::from_micros(us)),
        })
    }

    /// The provider's id of the event in a request that was accepted; empty: the scheme names none.
    pub fn event_id(&self, request: &Request<'_>) -> Result<String> {
        let mut text = vec![0u8; EVENT_ID_BYTES];
        loop {
            let mut used = 0;
            let got = request.with(|request| {
                check(|error| unsafe {
                    let (out, size) = (text.as_mut_ptr().cast(), text.len());
                    sys::convoy_verifier_event_id(self.handle, request, out, size, &mut used, error)
                })
            });
            match got {
                Err(error) if error.kind == ErrorKind::TooLarge && used > text.len() => {
                    text.resize(used, 0);
                }
                Err(error) => return Err(error),
                Ok(()) => {
                    text.truncate(used);
                    return Ok(String::from_utf8_lossy(&text).into_owned());
                }
            }
        }
    }

    /// Answers a handshake of the provider; `None`: the request is none. Ask before `verify`.
    pub fn answer(&self, request: &Request<'_>, now: SystemTime) -> Result<Option<Answer>> {
        let (mut reply, mut secret, mut visit_url) = (ptr::null_mut(), NO_BUF, NO_BUF);
        let is_handshake = request.with(|request| {
            check_declined(|error| unsafe {
                let (handle, now_us) = (self.handle, micros(now));
                let (secret, url) = (&mut secret, &mut visit_url);
                sys::convoy_verifier_answer(handle, request, now_us, &mut reply, secret, url, error)
            })
        })?;
        Ok(is_handshake.then(|| unsafe {
            let (secret, visit_url) = (take_buf(secret), take_buf(visit_url));
            Answer { reply: Reply::take(reply), secret, visit_url }
        }))
    }
}

impl Drop for Verifier {
    fn drop(&mut self) {
        // SAFETY: it is this object's own.
        unsafe { sys::convoy_verifier_free(self.handle) };
    }
}

/// The presets as a JSON array; `convoy.h` names the members.
pub fn presets() -> Result<String> {
    let mut text = NO_BUF;
    check(|error| unsafe { sys::convoy_presets(&mut text, error) })?;
    Ok(unsafe { take_buf(text) })
}
