package convoy

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"
)

// Delivery is an event for the host itself, in its hands. Each comes at least once: again after a
// retry, after its deadline, and after the death of the process.
type Delivery struct {
	EventID        string
	EventType      string
	Body           []byte // the event's bytes
	ContentType    string
	IdempotencyKey string
	ProjectID      string
	EndpointID     string
	DeliveryID     string
	Headers        [][2]string // of the event
	AttemptNumber  int         // 1: the first
	Deadline       time.Time   // finished later, it comes again

	handle atomic.Uintptr // 0: finished
}

func newDelivery(handle uintptr) (*Delivery, error) {
	view := &cDeliveryView{struct_size: unsafe.Sizeof(cDeliveryView{})}
	var failure uintptr
	if err := check(cDeliveryGet(handle, view, &failure), failure); err != nil {
		cDeliveryFree(handle)
		return nil, err
	}
	delivery := &Delivery{
		EventID: view.event_id.String(), EventType: view.event_type.String(), Body: view.body.bytes(),
		ContentType: view.content_type.String(), IdempotencyKey: view.idempotency_key.String(),
		ProjectID: view.project_id.String(), EndpointID: view.endpoint_id.String(),
		DeliveryID: view.delivery_id.String(), AttemptNumber: int(view.attempt_number),
		Deadline: time.UnixMicro(view.deadline_us),
	}
	var header cHeader
	for index := range view.headers_count {
		cDeliveryHeader(handle, index, &header)
		delivery.Headers = append(delivery.Headers,
			[2]string{header.name.String(), header.value.String()})
	}
	delivery.handle.Store(handle)
	runtime.SetFinalizer(delivery, (*Delivery).drop)
	return delivery, nil
}

// drop lets go of a delivery that was not finished: it is retried.
func (d *Delivery) drop() {
	if handle := d.handle.Swap(0); handle != 0 {
		cDeliveryFree(handle)
	}
}

// Done says that it is delivered. An error of CodeNotFound: too late, it comes again.
func (d *Delivery) Done(detail string) error { return d.finish(cLocalDone, 0, detail) }

// Retry says that it failed; it comes again as the retry policy says, not before after.
func (d *Delivery) Retry(detail string, after time.Duration) error {
	return d.finish(cLocalRetry, after, detail)
}

// Fail says that it failed for good, whatever the retry policy says.
func (d *Delivery) Fail(detail string) error { return d.finish(cLocalFail, 0, detail) }

func (d *Delivery) finish(outcome uint32, after time.Duration, detail string) error {
	handle := d.handle.Swap(0)
	if handle == 0 {
		return &Error{Code: CodeNotFound, Message: "the delivery is finished already"}
	}
	defer cDeliveryFree(handle)
	var failure uintptr
	text := sliceOf(detail)
	status := cLocalFinish(handle, outcome, milliseconds(after), text.data, text.size, &failure)
	return check(status, failure)
}

const (
	takeMax = 1024
	takeMs  = 200 // for so long a context that ends is not seen
)

// Take takes deliveries to "local:NAME", at most count, the oldest first; it waits until there are
// some. The setting local.names says which names there are. An error of CodeState: the gateway closes.
func (g *Gateway) Take(ctx context.Context, name string, count int) ([]*Delivery, error) {
	handles := make([]uintptr, min(max(count, 1), takeMax))
	for ctx.Err() == nil {
		taken, err := g.take(name, handles)
		if err != nil {
			return nil, err
		}
		deliveries := make([]*Delivery, 0, taken)
		for _, handle := range handles[:taken] {
			delivery, err := newDelivery(handle)
			if err != nil {
				return deliveries, err
			}
			deliveries = append(deliveries, delivery)
		}
		if len(deliveries) > 0 {
			return deliveries, nil
		}
	}
	return nil, ctx.Err()
}

func (g *Gateway) take(name string, handles []uintptr) (count uintptr, err error) {
	handle, err := g.enter()
	if err != nil {
		return 0, err
	}
	defer g.leave()
	var failure uintptr
	text := sliceOf(name)
	status := cLocalTake(handle, text.data, text.size, uintptr(len(handles)), takeMs, &handles[0],
		&count, &failure)
	return count, check(status, failure)
}

type refusal struct{ error }

func (r refusal) Unwrap() error { return r.error }

// Refuse makes an error that a handler returns when the event fails for good.
func Refuse(err error) error { return refusal{err} }

type retryAfter struct {
	error
	after time.Duration
}

func (r retryAfter) Unwrap() error { return r.error }

// RetryAfter makes an error that a handler returns when the event shall not come again before after.
func RetryAfter(err error, after time.Duration) error { return retryAfter{err, after} }

// LocalHandler handles one delivery; its context ends at the delivery's deadline. Nil: delivered. An
// error, or a panic: the event comes again as the retry policy says; see RetryAfter and Refuse.
type LocalHandler func(ctx context.Context, delivery *Delivery) error

// Run passes deliveries to "local:NAME" to a handler, on so many goroutines at once, until the context
// ends, which it returns the error of, or the gateway closes. It waits for handlers that run.
func (g *Gateway) Run(ctx context.Context, name string, workers int, handler LocalHandler) error {
	workers = max(workers, 1)
	queue := make(chan *Delivery)
	var running sync.WaitGroup
	for range workers {
		running.Go(func() {
			for delivery := range queue {
				if time.Now().After(delivery.Deadline) {
					delivery.drop() // it comes again
					continue
				}
				delivery.settle(handle(ctx, delivery, handler))
			}
		})
	}
	defer running.Wait()
	defer close(queue)
	for {
		deliveries, err := g.Take(ctx, name, workers)
		for _, delivery := range deliveries {
			queue <- delivery
		}
		if errors.Is(err, &Error{Code: CodeState}) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func handle(ctx context.Context, delivery *Delivery, handler LocalHandler) (err error) {
	ctx, cancel := context.WithDeadline(ctx, delivery.Deadline)
	defer cancel()
	defer func() {
		if reason := recover(); reason != nil {
			err = fmt.Errorf("panic: %v", reason)
		}
	}()
	return handler(ctx, delivery)
}

// settle finishes a delivery as the error of its handler says. One that the handler has finished
// itself, or whose deadline has passed, is finished already.
func (d *Delivery) settle(err error) {
	var refused refusal
	var later retryAfter
	switch {
	case err == nil:
		d.Done("")
	case errors.As(err, &refused):
		d.Fail(err.Error())
	case errors.As(err, &later):
		d.Retry(err.Error(), later.after)
	default:
		d.Retry(err.Error(), 0)
	}
}
