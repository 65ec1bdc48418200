//! Requests as a server read them, and the replies to them.
use std::mem::size_of;
use std::os::raw::c_void;
use std::ptr;

use convoy_sys as sys;

use crate::completion::Completion;
use crate::error::{check, Result};
use crate::memory::{bytes_of, headers_of, slice_of, text_of};

/// A request. Texts are borrowed; nothing is checked before it is used.
#[derive(Clone, Debug, Default)]
pub struct Request<'a> {
    pub method: &'a str,
    /// Without the query, percent-encoded as it came.
    pub path: &'a str,
    /// Without '?'.
    pub query: &'a str,
    pub headers: Vec<(&'a str, &'a [u8])>,
    pub body: &'a [u8],
    pub remote_ip: &'a str,
    /// The whole URL as its sender was given it. Only verifiers look at it.
    pub url: &'a str,
}

impl<'a> Request<'a> {
    pub fn new(method: &'a str, path: &'a str) -> Self {
        Self { method, path, ..Self::default() }
    }

    pub fn header(mut self, name: &'a str, value: &'a str) -> Self {
        self.headers.push((name, value.as_bytes()));
        self
    }

    pub fn body(mut self, body: &'a [u8]) -> Self {
        self.body = body;
        self
    }

    /// Runs a call with the request as C sees it.
    pub(crate) fn with<R>(&self, call: impl FnOnce(*const sys::convoy_request) -> R) -> R {
        let headers = headers_of(self.headers.iter().copied());
        let request = sys::convoy_request {
            struct_size: size_of::<sys::convoy_request>(),
            method: slice_of(self.method.as_bytes()),
            path: slice_of(self.path.as_bytes()),
            query: slice_of(self.query.as_bytes()),
            headers: headers.as_ptr(),
            headers_count: headers.len(),
            body: slice_of(self.body),
            remote_ip: slice_of(self.remote_ip.as_bytes()),
            url: slice_of(self.url.as_bytes()),
        };
        call(&request)
    }
}

/// The answer to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, Vec<u8>)>,
    pub body: Vec<u8>,
}

impl Reply {
    /// Takes what a convoy_reply says and frees it.
    pub(crate) unsafe fn take(handle: *mut sys::convoy_reply) -> Self {
        let mut body = crate::memory::EMPTY;
        let mut header = sys::convoy_header { name: body, value: body };
        sys::convoy_reply_body(handle, &mut body);
        let mut headers = Vec::new();
        while sys::convoy_reply_header(handle, headers.len(), &mut header) != 0 {
            headers.push((text_of(header.name), bytes_of(header.value).to_vec()));
        }
        let status = sys::convoy_reply_status(handle) as u16;
        let reply = Self { status, headers, body: bytes_of(body).to_vec() };
        sys::convoy_reply_free(handle);
        reply
    }
}

/// What the gateway thinks of a request of which it has seen the head.
pub enum Begun {
    /// Not a path of the gateway.
    Declined,
    /// Answer with it, do not read the body, close the connection.
    Reply(Reply),
    Incoming(Incoming),
}

/// A request whose body is still coming. Dropping it means that the sender went away.
pub struct Incoming {
    handle: *mut sys::convoy_http,
    is_started: bool,
}

// SAFETY: a convoy_http may be used by any thread, one call at a time.
unsafe impl Send for Incoming {}

impl Incoming {
    pub(crate) fn new(handle: *mut sys::convoy_http, is_started: bool) -> Self {
        Self { handle, is_started }
    }

    /// Takes the next bytes of the body. A reply means: answer, read no more, close the connection.
    pub fn feed(&mut self, piece: &[u8]) -> Result<Option<Reply>> {
        let mut reply = ptr::null_mut();
        // SAFETY: the handle is whole; the piece is borrowed for the time of the call.
        check(|error| unsafe {
            sys::convoy_http_feed(self.handle, piece.as_ptr().cast(), piece.len(), &mut reply, error)
        })?;
        Ok((!reply.is_null()).then(|| unsafe { Reply::take(reply) }))
    }

    /// Answers the request once what it did is durable.
    pub fn finish(self) -> Result<Reply> {
        let mut reply = ptr::null_mut();
        // SAFETY: as above.
        check(|error| unsafe { sys::convoy_http_finish(self.handle, &mut reply, error) })?;
        Ok(unsafe { Reply::take(reply) })
    }

    /// The same without waiting, if the gateway was started.
    pub fn finish_async(self) -> Completion<Reply> {
        if !self.is_started {
            return Completion::ready(self.finish());
        }
        // SAFETY: as above.
        complete_reply(|done, user, error| unsafe {
            sys::convoy_http_finish_async(self.handle, done, user, error)
        })
        .unwrap_or_else(|error| Completion::ready(Err(error)))
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        // SAFETY: it is this object's own.
        unsafe { sys::convoy_http_free(self.handle) };
    }
}

unsafe extern "C" fn on_reply(user: *mut c_void, reply: *mut sys::convoy_reply) {
    Completion::complete(user, Ok(Reply::take(reply)));
}

/// Begins a call that answers by on_reply.
pub(crate) fn complete_reply(
    begin: impl FnOnce(
        sys::convoy_reply_fn,
        *mut c_void,
        *mut *mut sys::convoy_error,
    ) -> sys::convoy_status,
) -> Result<Completion<Reply>> {
    let completion = Completion::pending();
    let user = completion.user();
    match check(|error| begin(Some(on_reply), user, error)) {
        Ok(()) => Ok(completion),
        Err(error) => {
            // SAFETY: the call was not begun.
            unsafe { Completion::<Reply>::forget(user) };
            Err(error)
        }
    }
}
