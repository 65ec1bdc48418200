package convoy

import (
	"iter"
	"time"
	"unsafe"
)

// Outcome is what became of a delivery, or news of an endpoint or a source. Ids that do not apply are
// empty.
type Outcome struct {
	Kind          OutcomeKind
	Outcome       string // "delivered", "timed_out", …; of OutcomeSourceRefuses: the reason
	Detail        string // one line for people
	IsSuccess     bool
	WillRetry     bool
	RetryAt       time.Time // if WillRetry
	At            time.Time
	AttemptNumber int
	Count         uint64 // of OutcomeSourceRefuses: requests since the last one of its kind
	ProjectID     string
	EndpointID    string
	SourceID      string
	DeliveryID    string
	EventID       string
	EventType     string
}

// Outcomes yields the outcomes that wait, the oldest first; it does not wait for more. The setting
// gateway.outcomes_max turns them on.
func (g *Gateway) Outcomes() iter.Seq2[Outcome, error] {
	return func(yield func(Outcome, error) bool) {
		for {
			outcome, err := g.nextOutcome()
			if outcome == nil && err == nil {
				return
			}
			if err != nil {
				yield(Outcome{}, err)
				return
			}
			if !yield(*outcome, nil) {
				return
			}
		}
	}
}

func (g *Gateway) nextOutcome() (*Outcome, error) {
	handle, err := g.enter()
	if err != nil {
		return nil, err
	}
	defer g.leave()
	var taken, failure uintptr
	err = check(cGatewayNextOutcome(handle, &taken, nil, &failure), failure)
	if taken == 0 || err != nil {
		return nil, err
	}
	defer cOutcomeFree(taken)
	view := &cOutcomeView{struct_size: unsafe.Sizeof(cOutcomeView{})}
	if err := check(cOutcomeGet(taken, view, &failure), failure); err != nil {
		return nil, err
	}
	outcome := &Outcome{
		Kind: OutcomeKind(view.kind), Outcome: view.outcome.String(), Detail: view.detail.String(),
		IsSuccess: view.is_success != 0, WillRetry: view.will_retry != 0,
		At: time.UnixMicro(view.at_us), AttemptNumber: int(view.attempt_number), Count: view.count,
		ProjectID: view.project_id.String(), EndpointID: view.endpoint_id.String(),
		SourceID: view.source_id.String(), DeliveryID: view.delivery_id.String(),
		EventID: view.event_id.String(), EventType: view.event_type.String(),
	}
	if outcome.WillRetry {
		outcome.RetryAt = time.UnixMicro(view.retry_at_us)
	}
	return outcome, nil
}

// DroppedOutcomes is how many outcomes were dropped since the gateway was opened, because
// gateway.outcomes_max of them waited.
func (g *Gateway) DroppedOutcomes() (count uint64, err error) {
	handle, err := g.enter()
	if err != nil {
		return 0, err
	}
	defer g.leave()
	var failure uintptr
	return count, check(cGatewayNextOutcome(handle, nil, &count, &failure), failure)
}
