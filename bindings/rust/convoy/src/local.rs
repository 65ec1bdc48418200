//! Events for the host itself: deliveries, threads that handle them, and a stream.
use std::collections::VecDeque;
use std::future::poll_fn;
use std::mem::size_of;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use convoy_sys as sys;

use crate::error::{check, ErrorKind, Result};
use crate::gateway::Gateway;
use crate::memory::{bytes_of, text_of};

const TAKE_MAX: usize = 1024;
const WAIT: Duration = Duration::from_millis(200); // for so long a stop is not seen
const PAUSE: Duration = Duration::from_secs(1); // after an error that is not the gateway's end

/// An event for the host itself, in its hands. Each comes at least once: again after a retry, after
/// its deadline, and after the death of the process. Dropped without being finished it is retried.
pub struct Delivery {
    handle: *mut sys::convoy_delivery,
    pub event_id: String,
    pub event_type: String,
    pub body: Vec<u8>,
    pub content_type: String,
    pub idempotency_key: String,
    pub project_id: String,
    pub endpoint_id: String,
    pub delivery_id: String,
    /// Those of the event.
    pub headers: Vec<(String, Vec<u8>)>,
    /// 1: the first.
    pub attempt_number: u32,
    /// Finished later, it comes again.
    pub deadline: SystemTime,
}

// SAFETY: a delivery may be used by any thread, one call at a time: finishing it consumes it.
unsafe impl Send for Delivery {}
unsafe impl Sync for Delivery {}

impl Delivery {
    unsafe fn new(handle: *mut sys::convoy_delivery) -> Result<Self> {
        let mut view: sys::convoy_delivery_view = std::mem::zeroed();
        view.struct_size = size_of::<sys::convoy_delivery_view>();
        let got = check(|error| sys::convoy_delivery_get(handle, &mut view, error));
        if let Err(error) = got {
            sys::convoy_delivery_free(handle);
            return Err(error);
        }
        let mut header: sys::convoy_header = std::mem::zeroed();
        let mut headers = Vec::with_capacity(view.headers_count);
        while sys::convoy_delivery_header(handle, headers.len(), &mut header) != 0 {
            headers.push((text_of(header.name), bytes_of(header.value).to_vec()));
        }
        Ok(Self {
            handle,
            event_id: text_of(view.event_id),
            event_type: text_of(view.event_type),
            body: bytes_of(view.body).to_vec(),
            content_type: text_of(view.content_type),
            idempotency_key: text_of(view.idempotency_key),
            project_id: text_of(view.project_id),
            endpoint_id: text_of(view.endpoint_id),
            delivery_id: text_of(view.delivery_id),
            headers,
            attempt_number: view.attempt_number,
            deadline: SystemTime::UNIX_EPOCH + Duration::from_micros(view.deadline_us.max(0) as u64),
        })
    }

    /// Whether its deadline has passed: it comes again, whatever is done now.
    pub fn is_late(&self) -> bool {
        SystemTime::now() >= self.deadline
    }

    /// Delivered. [`ErrorKind::NotFound`]: too late, it comes again.
    pub fn done(self) -> Result<()> {
        self.finish(sys::CONVOY_LOCAL_DONE, Duration::ZERO, "")
    }

    /// Failed; it comes again as the retry policy says, not before `after`.
    pub fn retry(self, detail: &str, after: Duration) -> Result<()> {
        self.finish(sys::CONVOY_LOCAL_RETRY, after, detail)
    }

    /// Failed for good, whatever the retry policy says.
    pub fn fail(self, detail: &str) -> Result<()> {
        self.finish(sys::CONVOY_LOCAL_FAIL, Duration::ZERO, detail)
    }

    fn finish(self, outcome: u32, after: Duration, detail: &str) -> Result<()> {
        let after_ms = after.as_millis().min(u128::from(u64::MAX)) as u64;
        let (data, size) = (detail.as_ptr().cast(), detail.len());
        // SAFETY: the handle is whole; the text is borrowed for the time of the call.
        check(|error| unsafe {
            sys::convoy_local_finish(self.handle, outcome, after_ms, data, size, error)
        })
    }

    fn settle(self, result: std::result::Result<(), Failure>) -> Result<()> {
        match result {
            Ok(()) => self.done(),
            Err(Failure::Retry { detail, after }) => self.retry(&detail, after),
            Err(Failure::Refuse { detail }) => self.fail(&detail),
        }
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        // SAFETY: it is this object's own.
        unsafe { sys::convoy_delivery_free(self.handle) };
    }
}

/// Why a handler did not handle a delivery. Any error turns into `Retry` by `?`.
#[derive(Debug)]
pub enum Failure {
    Retry { detail: String, after: Duration },
    /// It failed for good.
    Refuse { detail: String },
}

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Retry { detail: error.to_string(), after: Duration::ZERO }
    }
}

/// Threads that handle deliveries until the gateway closes or `stop` is called.
pub struct Workers {
    should_stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Workers {
    /// Lets the handlers that run return, and ends the threads.
    pub fn stop(self) {
        self.should_stop.store(true, Ordering::Relaxed);
        self.join();
    }

    /// Waits until the gateway closes.
    pub fn join(self) {
        for thread in self.threads {
            let _ = thread.join(); // handlers that panic are caught before
        }
    }
}

impl Gateway {
    /// Takes deliveries to "local:NAME", at most `max`, the oldest first; waits for some for `wait`.
    /// The setting local.names says which names there are. [`ErrorKind::State`]: it closes.
    pub fn take(&self, name: &str, max: usize, wait: Duration) -> Result<Vec<Delivery>> {
        let mut handles = vec![ptr::null_mut(); max.clamp(1, TAKE_MAX)];
        let mut count = 0;
        let wait_ms = wait.as_millis().min(u128::from(u64::MAX)) as u64;
        let (data, size) = (name.as_ptr().cast(), name.len());
        // SAFETY: there is room for so many handles; those that are given are ours to free.
        unsafe {
            check(|error| {
                let (max, out) = (handles.len(), handles.as_mut_ptr());
                sys::convoy_local_take(self.handle(), data, size, max, wait_ms, out, &mut count, error)
            })?;
            handles[..count].iter().map(|handle| Delivery::new(*handle)).collect()
        }
    }

    /// Passes deliveries to "local:NAME" to a handler, on so many threads. Ok: delivered. An error, or
    /// a panic: the event comes again as the retry policy says; see [`Failure`].
    pub fn on<H>(&self, name: &str, workers: usize, handler: H) -> Result<Workers>
    where
        H: Fn(&Delivery) -> std::result::Result<(), Failure> + Send + Sync + 'static,
    {
        // A name that is not served is refused here.
        check(|error| unsafe {
            let (data, size, mut count) = (name.as_ptr().cast(), name.len(), 0);
            let out = ptr::null_mut();
            sys::convoy_local_take(self.handle(), data, size, 0, 0, out, &mut count, error)
        })?;
        let should_stop = Arc::new(AtomicBool::new(false));
        let handler = Arc::new(handler);
        let threads = (0..workers.max(1)).map(|_| {
            let (gateway, name) = (self.clone(), name.to_owned());
            let (handler, should_stop) = (Arc::clone(&handler), Arc::clone(&should_stop));
            std::thread::spawn(move || work(&gateway, &name, &*handler, &should_stop))
        });
        Ok(Workers { threads: threads.collect(), should_stop })
    }

    /// Deliveries to "local:NAME" as they come, for async code; finish each one.
    pub fn deliveries(&self, name: &str) -> Deliveries {
        let shared = Arc::new(Shared::default());
        let (gateway, name) = (self.clone(), name.to_owned());
        let thread = Arc::clone(&shared);
        std::thread::spawn(move || thread.take_when_wanted(&gateway, &name));
        Deliveries { shared }
    }
}

fn work(
    gateway: &Gateway,
    name: &str,
    handler: &(impl Fn(&Delivery) -> std::result::Result<(), Failure> + ?Sized),
    should_stop: &AtomicBool,
) {
    while !should_stop.load(Ordering::Relaxed) {
        match gateway.take(name, 1, WAIT) {
            Ok(taken) => {
                for delivery in taken {
                    let handled = catch_unwind(AssertUnwindSafe(|| handler(&delivery)));
                    let result = handled.unwrap_or_else(|reason| {
                        let text = reason.downcast_ref::<&str>().map(|text| (*text).to_owned());
                        let text = text.or_else(|| reason.downcast_ref::<String>().cloned());
                        let detail = format!("panic: {}", text.unwrap_or_default());
                        Err(Failure::Retry { detail, after: Duration::ZERO })
                    });
                    let _ = delivery.settle(result); // too late: it comes again
                }
            }
            Err(error) if error.kind == ErrorKind::State => return,
            Err(_) => std::thread::sleep(PAUSE),
        }
    }
}

#[derive(Default)]
struct Shared {
    state: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiting {
    taken: VecDeque<Delivery>,
    waker: Option<Waker>, // there is one that waits
    has_ended: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The thread of an iteration: nothing is taken before it is wanted.
    fn take_when_wanted(&self, gateway: &Gateway, name: &str) {
        loop {
            let mut waiting = self.lock();
            while waiting.waker.is_none() && !waiting.has_ended {
                waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
            }
            if waiting.has_ended {
                return;
            }
            drop(waiting);
            let taken = gateway.take(name, 64, WAIT);
            let mut waiting = self.lock();
            match taken {
                Ok(taken) if taken.is_empty() => continue,
                Ok(taken) => waiting.taken.extend(taken),
                Err(_) => waiting.has_ended = true,
            }
            let waker = waiting.waker.take();
            drop(waiting);
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }
}

/// Deliveries for async code. A thread of its own waits for them and ends with it.
pub struct Deliveries {
    shared: Arc<Shared>,
}

impl Deliveries {
    /// The next one; `None`: the gateway closes. Those that are late are left out.
    pub async fn next(&mut self) -> Option<Delivery> {
        poll_fn(|context| self.poll(context)).await
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Delivery>> {
        let mut waiting = self.shared.lock();
        while let Some(delivery) = waiting.taken.pop_front() {
            if !delivery.is_late() {
                return Poll::Ready(Some(delivery));
            }
        }
        if waiting.has_ended {
            return Poll::Ready(None);
        }
        waiting.waker = Some(context.waker().clone());
        self.shared.changed.notify_one();
        Poll::Pending
    }
}

#[cfg(feature = "stream")]
impl futures_core::Stream for Deliveries {
    type Item = Delivery;

    fn poll_next(
        self: std::pin::Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Delivery>> {
        self.get_mut().poll(context)
    }
}

impl Drop for Deliveries {
    fn drop(&mut self) {
        self.shared.lock().has_ended = true;
        self.shared.changed.notify_one();
    }
}
