//! The gateway: opened, driven and closed; requests, events and management.
use std::ffi::CString;
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use convoy_sys as sys;

use crate::completion::Completion;
use crate::error::{check, check_declined, Error, ErrorKind, Result};
use crate::event::{on_receipt, Event, Receipt};
use crate::memory::{take_buf, NO_BUF};
use crate::request::{complete_reply, Begun, Incoming, Reply, Request};

/// Everything behind one handle: requests in, deliveries out. Clones are the same gateway; the last
/// one that is dropped closes it without patience.
#[derive(Clone)]
pub struct Gateway {
    inner: Arc<Inner>,
}

struct Inner {
    handle: *mut sys::convoy_gateway,
    one_at_a_time: Mutex<()>,
    is_started: AtomicBool,
}

// SAFETY: calls with a const handle come from any thread; the others hold `one_at_a_time`.
unsafe impl Send for Inner {}
unsafe impl Sync for Inner {}

impl Drop for Inner {
    fn drop(&mut self) {
        // SAFETY: no other call can be running, as each borrows the gateway.
        unsafe { sys::convoy_gateway_free(self.handle) };
    }
}

fn terminated(name: &str, text: &str) -> Result<CString> {
    CString::new(text)
        .map_err(|_| Error::new(ErrorKind::Invalid, format!("{name}: must not hold NUL")))
}

struct Config(*mut sys::convoy_config);

impl Drop for Config {
    fn drop(&mut self) {
        // SAFETY: it is this object's own.
        unsafe { sys::convoy_config_free(self.0) };
    }
}

impl Gateway {
    /// Opens the store that the settings name and the gateway on it.
    pub fn open<K: AsRef<str>, V: AsRef<str>>(
        settings: impl IntoIterator<Item = (K, V)>,
    ) -> Result<Self> {
        let mut config = Config(ptr::null_mut());
        let mut handle = ptr::null_mut();
        // SAFETY: outputs are this function's own; texts are borrowed for the time of the calls.
        unsafe {
            check(|error| sys::convoy_config_new(&mut config.0, error))?;
            for (key, value) in settings {
                let (key, value) = (key.as_ref(), value.as_ref());
                check(|error| {
                    let (key_size, value_size) = (key.len(), value.len());
                    let (key, value) = (key.as_ptr().cast(), value.as_ptr().cast());
                    sys::convoy_config_set(config.0, key, key_size, value, value_size, error)
                })?;
            }
            check(|error| sys::convoy_gateway_open(config.0, &mut handle, error))?;
        }
        let (one_at_a_time, is_started) = (Mutex::new(()), AtomicBool::new(false));
        Ok(Self { inner: Arc::new(Inner { handle, one_at_a_time, is_started }) })
    }

    pub(crate) fn handle(&self) -> *mut sys::convoy_gateway {
        self.inner.handle
    }

    fn alone(&self) -> MutexGuard<'_, ()> {
        self.inner.one_at_a_time.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_started(&self) -> bool {
        self.inner.is_started.load(Ordering::Acquire)
    }

    /// Runs the gateway on threads of the library: for commits and for deliveries.
    pub fn start(&self) -> Result<()> {
        let _alone = self.alone();
        // SAFETY: the handle is whole, here and below.
        check(|error| unsafe { sys::convoy_gateway_start(self.handle(), error) })?;
        self.inner.is_started.store(true, Ordering::Release);
        Ok(())
    }

    /// Creates the instance's first API key. It is shown this once.
    pub fn bootstrap(&self) -> Result<String> {
        let _alone = self.alone();
        let mut key = NO_BUF;
        check(|error| unsafe { sys::convoy_gateway_bootstrap(self.handle(), &mut key, error) })?;
        Ok(unsafe { take_buf(key) })
    }

    /// Finishes what is in flight, at most for `patience`, and gives the rest back to the store.
    /// [`ErrorKind::Timeout`]: requests are still being answered; close again.
    pub fn close(&self, patience: Duration) -> Result<()> {
        let _alone = self.alone();
        let patience_ms = patience.as_millis().min(u128::from(u64::MAX)) as u64;
        check(|error| unsafe { sys::convoy_gateway_close(self.handle(), patience_ms, error) })
    }

    /// A request of the REST API as a function, as the instance's administrator and without a key.
    /// `target` is a path with a query, `body` JSON or empty. A refusal is a reply, too.
    pub fn call(&self, method: &str, target: &str, body: &[u8]) -> Result<Reply> {
        let (method, target) = (terminated("method", method)?, terminated("target", target)?);
        let mut reply = ptr::null_mut();
        check(|error| unsafe {
            let (data, size) = (body.as_ptr().cast(), body.len());
            let (method, target) = (method.as_ptr(), target.as_ptr());
            sys::convoy_call(self.handle(), method, target, data, size, &mut reply, error)
        })?;
        Ok(unsafe { Reply::take(reply) })
    }

    /// The same without waiting, if the gateway was started. Everything given is copied.
    pub fn call_async(&self, method: &str, target: &str, body: &[u8]) -> Completion<Reply> {
        if !self.is_started() {
            return Completion::ready(self.call(method, target, body));
        }
        let begun = terminated("method", method).and_then(|method| {
            let target = terminated("target", target)?;
            complete_reply(|done, user, error| unsafe {
                let (data, size) = (body.as_ptr().cast(), body.len());
                let (method, target) = (method.as_ptr(), target.as_ptr());
                sys::convoy_call_async(self.handle(), method, target, data, size, done, user, error)
            })
        });
        begun.unwrap_or_else(|error| Completion::ready(Err(error)))
    }

    /// [`Gateway::call`] with values of serde; returns the answer's data. A refusal is [`ErrorKind::Api`].
    #[cfg(feature = "json")]
    pub fn call_json<T: serde::de::DeserializeOwned>(
        &self,
        method: &str,
        target: &str,
        body: &impl serde::Serialize,
    ) -> Result<T> {
        let invalid = |error: serde_json::Error| Error::new(ErrorKind::Invalid, error.to_string());
        let body = serde_json::to_value(body).map_err(invalid)?;
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let reply = self.call(method, target, text.as_bytes())?;
        let mut answer: serde_json::Value =
            serde_json::from_slice(&reply.body).unwrap_or(serde_json::Value::Null);
        if reply.status >= 300 {
            let message = answer["message"].as_str().unwrap_or_default().to_owned();
            return Err(Error::new(ErrorKind::Api(reply.status), message));
        }
        serde_json::from_value(answer["data"].take()).map_err(invalid)
    }

    /// Answers a request once what it did is durable; `None`: not a path of the gateway.
    pub fn handle_request(&self, request: &Request<'_>) -> Result<Option<Reply>> {
        let mut reply = ptr::null_mut();
        let is_ours = request.with(|request| {
            check_declined(|error| unsafe {
                sys::convoy_http_handle(self.handle(), request, &mut reply, error)
            })
        })?;
        Ok(is_ours.then(|| unsafe { Reply::take(reply) }))
    }

    /// Judges a request by its head; its body is ignored.
    pub fn begin(&self, head: &Request<'_>) -> Result<Begun> {
        let (mut incoming, mut reply) = (ptr::null_mut(), ptr::null_mut());
        let is_ours = head.with(|head| {
            check_declined(|error| unsafe {
                sys::convoy_http_begin(self.handle(), head, &mut incoming, &mut reply, error)
            })
        })?;
        Ok(match is_ours {
            false => Begun::Declined,
            true if !reply.is_null() => Begun::Reply(unsafe { Reply::take(reply) }),
            true => Begun::Incoming(Incoming::new(incoming, self.is_started())),
        })
    }

    /// Answers a request without waiting, if the gateway was started; `None`: not its path.
    pub async fn handle_request_async(&self, request: &Request<'_>) -> Result<Option<Reply>> {
        if !self.is_started() {
            return self.handle_request(request);
        }
        let begun = request.with(|request| {
            complete_reply(|done, user, error| unsafe {
                sys::convoy_http_handle_async(self.handle(), request, done, user, error)
            })
        });
        match begun {
            Ok(completion) => completion.await.map(Some),
            Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Takes an event without a request and without an API key; returns when it is durable.
    pub fn ingest(&self, event: &Event<'_>) -> Result<Receipt> {
        let (mut event_id, mut is_duplicate) = (NO_BUF, 0);
        event.with(|event| {
            check(|error| unsafe {
                let (id, duplicate) = (&mut event_id, &mut is_duplicate);
                sys::convoy_ingest(self.handle(), event, id, duplicate, error)
            })
        })?;
        let event_id = unsafe { take_buf(event_id) };
        Ok(Receipt { event_id, is_duplicate: is_duplicate != 0 })
    }

    /// The same without waiting, if the gateway was started. The event is copied.
    pub fn ingest_async(&self, event: &Event<'_>) -> Completion<Receipt> {
        if !self.is_started() {
            return Completion::ready(self.ingest(event));
        }
        let completion = Completion::pending();
        let user = completion.user();
        let begun = event.with(|event| {
            check(|error| unsafe {
                sys::convoy_ingest_async(self.handle(), event, Some(on_receipt), user, error)
            })
        });
        if let Err(error) = begun {
            unsafe { Completion::<Receipt>::forget(user) };
            return Completion::ready(Err(error));
        }
        completion
    }
}
