//! Events of the host's own, without a request.
use std::mem::size_of;
use std::os::raw::{c_char, c_void};

use convoy_sys as sys;

use crate::completion::Completion;
use crate::error::Error;
use crate::memory::{headers_of, slice_of, static_text, EMPTY};

/// An event. Without a recipient it goes to everyone with a subscription that wants it.
#[derive(Clone, Debug)]
pub struct Event<'a> {
    project_id: &'a str,
    event_type: &'a str,
    data: &'a [u8],
    audience: u32,
    recipient: &'a str,
    headers: Vec<(&'a str, &'a [u8])>,
    idempotency_key: &'a str,
}

impl<'a> Event<'a> {
    /// `data` is one JSON value, sent byte for byte.
    pub fn new(project_id: &'a str, event_type: &'a str, data: &'a [u8]) -> Self {
        Self {
            project_id,
            event_type,
            data,
            audience: sys::CONVOY_TO_EVERYONE,
            recipient: "",
            headers: Vec::new(),
            idempotency_key: "",
        }
    }

    pub fn to_endpoint(mut self, endpoint_id: &'a str) -> Self {
        (self.audience, self.recipient) = (sys::CONVOY_TO_ENDPOINT, endpoint_id);
        self
    }

    /// To all endpoints of an owner.
    pub fn to_owner(mut self, owner_id: &'a str) -> Self {
        (self.audience, self.recipient) = (sys::CONVOY_TO_OWNER, owner_id);
        self
    }

    pub fn header(mut self, name: &'a str, value: &'a str) -> Self {
        self.headers.push((name, value.as_bytes()));
        self
    }

    /// Of several events with one key only the first is delivered.
    pub fn idempotency_key(mut self, key: &'a str) -> Self {
        self.idempotency_key = key;
        self
    }

    pub(crate) fn with<R>(&self, call: impl FnOnce(*const sys::convoy_event) -> R) -> R {
        let headers = headers_of(self.headers.iter().copied());
        let text = |text: &str| if text.is_empty() { EMPTY } else { slice_of(text.as_bytes()) };
        let event = sys::convoy_event {
            struct_size: size_of::<sys::convoy_event>(),
            project_id: text(self.project_id),
            audience: self.audience,
            reserved: 0,
            recipient: text(self.recipient),
            event_type: text(self.event_type),
            data: slice_of(self.data),
            custom_headers: headers.as_ptr(),
            custom_headers_count: headers.len(),
            idempotency_key: text(self.idempotency_key),
        };
        call(&event)
    }
}

/// Given once an event is durable. A duplicate is stored, and delivered to no endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    pub event_id: String,
    pub is_duplicate: bool,
}

pub(crate) unsafe extern "C" fn on_receipt(
    user: *mut c_void,
    event_id: *const c_char,
    is_duplicate: i32,
    error: *mut sys::convoy_error,
) {
    let result = if event_id.is_null() {
        Err(Error::take(error, sys::CONVOY_E_INTERNAL))
    } else {
        let event_id = static_text(event_id).to_owned();
        Ok(Receipt { event_id, is_duplicate: is_duplicate != 0 })
    };
    Completion::complete(user, result);
}
