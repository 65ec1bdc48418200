//! libconvoy in Rust: the webhooks gateway inside your own process.
//!
//! ```no_run
//! # fn main() -> convoy::Result<()> {
//! let gateway = convoy::Gateway::open([("storage.path", "events.db")])?;
//! gateway.start()?;
//! let receipt = gateway.ingest(&convoy::Event::new("project", "order.created", br#"{"n":1}"#))?;
//! # Ok(()) }
//! ```
//!
//! Functions that end with `_async` do not wait; their futures run on any executor. Wakers are called
//! on threads of the library: one that runs tasks in place must not call the gateway there.

#[cfg(feature = "axum")]
pub mod axum;
mod completion;
mod error;
mod event;
mod gateway;
mod local;
mod log;
mod memory;
mod outcome;
mod request;
mod verifier;

pub use completion::Completion;
pub use error::{Error, ErrorKind, Result};
pub use event::{Event, Receipt};
pub use gateway::Gateway;
pub use local::{Deliveries, Delivery, Failure, Workers};
pub use log::{LogLevel, LogLine};
pub use outcome::{Outcome, OutcomeKind};
pub use request::{Begun, Incoming, Reply, Request};
pub use verifier::{presets, Answer, Scheme, Verdict, Verifier};

/// The version of the library, e.g. "0.2.0".
pub fn version() -> &'static str {
    // SAFETY: the text is static and ends with NUL.
    unsafe { memory::static_text(convoy_sys::convoy_version_string()) }
}
