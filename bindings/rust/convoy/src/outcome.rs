//! Outcomes: what became of deliveries, and news of endpoints and sources.
use std::mem::size_of;
use std::ptr;
use std::time::{Duration, SystemTime};

use convoy_sys as sys;

use crate::error::{check, Result};
use crate::gateway::Gateway;
use crate::memory::text_of;

/// Kinds of outcomes. Later versions may have more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OutcomeKind {
    Delivery,
    EndpointFailing,
    EndpointRecovered,
    EndpointDisabled,
    BreakerOpened,
    BreakerClosed,
    SourceRefuses,
    Other(u32),
}

impl OutcomeKind {
    fn of(kind: u32) -> Self {
        match kind {
            sys::CONVOY_OUTCOME_DELIVERY => Self::Delivery,
            sys::CONVOY_OUTCOME_ENDPOINT_FAILING => Self::EndpointFailing,
            sys::CONVOY_OUTCOME_ENDPOINT_RECOVERED => Self::EndpointRecovered,
            sys::CONVOY_OUTCOME_ENDPOINT_DISABLED => Self::EndpointDisabled,
            sys::CONVOY_OUTCOME_BREAKER_OPENED => Self::BreakerOpened,
            sys::CONVOY_OUTCOME_BREAKER_CLOSED => Self::BreakerClosed,
            sys::CONVOY_OUTCOME_SOURCE_REFUSES => Self::SourceRefuses,
            other => Self::Other(other),
        }
    }
}

/// One outcome. Ids that do not apply are empty.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub kind: OutcomeKind,
    pub outcome: String,
    pub detail: String,
    pub is_success: bool,
    /// When it is tried again, if it is.
    pub retry_at: Option<SystemTime>,
    pub at: SystemTime,
    pub attempt_number: u32,
    /// Of [`OutcomeKind::SourceRefuses`]: requests since the last one of its kind.
    pub count: u64,
    pub project_id: String,
    pub endpoint_id: String,
    pub source_id: String,
    pub delivery_id: String,
    pub event_id: String,
    pub event_type: String,
}

fn instant(us: i64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_micros(us.max(0) as u64)
}

impl Gateway {
    /// The outcomes that wait, the oldest first; it does not wait for more. The setting
    /// gateway.outcomes_max turns them on.
    pub fn outcomes(&self) -> impl Iterator<Item = Outcome> + '_ {
        std::iter::from_fn(move || self.next_outcome().ok().flatten())
    }

    /// The oldest outcome that waits; `None`: there is none.
    pub fn next_outcome(&self) -> Result<Option<Outcome>> {
        let mut handle = ptr::null_mut();
        // SAFETY: what is taken is ours to free; its texts are copied before that.
        unsafe {
            check(|error| {
                let dropped = ptr::null_mut();
                sys::convoy_gateway_next_outcome(self.handle(), &mut handle, dropped, error)
            })?;
            if handle.is_null() {
                return Ok(None);
            }
            let mut view: sys::convoy_outcome_view = std::mem::zeroed();
            view.struct_size = size_of::<sys::convoy_outcome_view>();
            let got = check(|error| sys::convoy_outcome_get(handle, &mut view, error));
            let outcome = got.map(|()| outcome_of(&view));
            sys::convoy_outcome_free(handle);
            outcome.map(Some)
        }
    }

    /// How many outcomes were dropped because gateway.outcomes_max of them waited.
    pub fn dropped_outcomes_count(&self) -> Result<u64> {
        let mut dropped = 0;
        check(|error| unsafe {
            let none = ptr::null_mut();
            sys::convoy_gateway_next_outcome(self.handle(), none, &mut dropped, error)
        })?;
        Ok(dropped)
    }
}

unsafe fn outcome_of(view: &sys::convoy_outcome_view) -> Outcome {
    Outcome {
        kind: OutcomeKind::of(view.kind),
        outcome: text_of(view.outcome),
        detail: text_of(view.detail),
        is_success: view.is_success != 0,
        retry_at: (view.will_retry != 0).then(|| instant(view.retry_at_us)),
        at: instant(view.at_us),
        attempt_number: view.attempt_number,
        count: view.count,
        project_id: text_of(view.project_id),
        endpoint_id: text_of(view.endpoint_id),
        source_id: text_of(view.source_id),
        delivery_id: text_of(view.delivery_id),
        event_id: text_of(view.event_id),
        event_type: text_of(view.event_type),
    }
}
