//! Futures of calls that the library finishes on a thread of its own.
use std::future::Future;
use std::os::raw::c_void;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::Result;

struct State<T> {
    result: Option<Result<T>>,
    waker: Option<Waker>,
}

/// The result of an asynchronous call. Dropping it does not take the call back.
pub struct Completion<T> {
    state: Arc<Mutex<State<T>>>,
}

impl<T> Completion<T> {
    pub(crate) fn ready(result: Result<T>) -> Self {
        Self { state: Arc::new(Mutex::new(State { result: Some(result), waker: None })) }
    }

    pub(crate) fn pending() -> Self {
        Self { state: Arc::new(Mutex::new(State { result: None, waker: None })) }
    }

    /// What C keeps until it calls back; `complete` or `forget` takes it.
    pub(crate) fn user(&self) -> *mut c_void {
        Arc::into_raw(Arc::clone(&self.state)) as *mut c_void
    }

    /// Takes back what `user` gave: the call was not begun.
    pub(crate) unsafe fn forget(user: *mut c_void) {
        drop(Arc::from_raw(user as *const Mutex<State<T>>));
    }

    /// Called by C, once.
    pub(crate) unsafe fn complete(user: *mut c_void, result: Result<T>) {
        let state = Arc::from_raw(user as *const Mutex<State<T>>);
        let waker = {
            let mut state = lock(&state);
            state.result = Some(result);
            state.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

fn lock<T>(state: &Mutex<State<T>>) -> MutexGuard<'_, State<T>> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<T> Future for Completion<T> {
    type Output = Result<T>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = lock(&self.state);
        match state.result.take() {
            Some(result) => Poll::Ready(result),
            None => {
                state.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}
