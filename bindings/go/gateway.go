package convoy

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/ebitengine/purego"
)

// Settings are settings of a gateway by name; docs/reference.md lists them.
type Settings map[string]string

// Gateway is everything behind one handle: requests in, deliveries out. Close it.
type Gateway struct {
	mutex     sync.RWMutex // held for reading by calls, so that none runs while the handle is freed
	handle    uintptr
	isStarted atomic.Bool
}

// Open opens the store that the settings name and the gateway on it.
func Open(settings Settings) (*Gateway, error) { return OpenWithLog(settings, nil) }

// OpenWithLog is Open with a logger: what the gateway logs goes to it, from its level on.
func OpenWithLog(settings Settings, logger *slog.Logger) (*Gateway, error) {
	if err := load(); err != nil {
		return nil, err
	}
	var config, handle, failure uintptr
	if err := check(cConfigNew(&config, &failure), failure); err != nil {
		return nil, err
	}
	defer cConfigFree(config)
	for key, value := range settings {
		name, text := sliceOf(key), sliceOf(value)
		status := cConfigSet(config, name.data, name.size, text.data, text.size, &failure)
		if err := check(status, failure); err != nil {
			return nil, err
		}
	}
	if logger != nil {
		status := cConfigSetLog(config, leastLevel(logger), logLine(), loggers.add(logger), freeLogger(),
			&failure)
		if err := check(status, failure); err != nil {
			return nil, err
		}
	}
	if err := check(cGatewayOpen(config, &handle, &failure), failure); err != nil {
		return nil, err
	}
	return &Gateway{handle: handle}, nil
}

var errClosed = &Error{Code: CodeState, Message: "the gateway is closed"}

// enter gives the handle to a call, which calls leave at its end.
func (g *Gateway) enter() (uintptr, error) {
	g.mutex.RLock()
	if g.handle == 0 {
		g.mutex.RUnlock()
		return 0, errClosed
	}
	return g.handle, nil
}

func (g *Gateway) leave() { g.mutex.RUnlock() }

// Start runs the gateway on threads of the library: for commits and for deliveries.
func (g *Gateway) Start() error {
	handle, err := g.enter()
	if err != nil {
		return err
	}
	defer g.leave()
	var failure uintptr
	if err := check(cGatewayStart(handle, &failure), failure); err != nil {
		return err
	}
	g.isStarted.Store(true)
	return nil
}

// Bootstrap creates the instance's first API key. It is shown this once.
func (g *Gateway) Bootstrap() (string, error) {
	handle, err := g.enter()
	if err != nil {
		return "", err
	}
	defer g.leave()
	var key cBuf
	var failure uintptr
	if err := check(cGatewayBootstrap(handle, &key, &failure), failure); err != nil {
		return "", err
	}
	return takeBuf(&key), nil
}

// Close finishes what is in flight, at most for patience, gives the rest back to the store and frees
// the gateway. On an error of CodeTimeout it is still there: close again.
func (g *Gateway) Close(patience time.Duration) error {
	handle, err := g.enter()
	if err != nil {
		return nil
	}
	var failure uintptr
	err = check(cGatewayClose(handle, milliseconds(patience), &failure), failure)
	g.leave()
	if err != nil {
		return err
	}
	g.mutex.Lock()
	defer g.mutex.Unlock()
	if g.handle != 0 {
		cGatewayFree(g.handle)
		g.handle = 0
	}
	return nil
}

func milliseconds(duration time.Duration) uint64 {
	return uint64(max(duration, 0) / time.Millisecond)
}

// APIError is a refusal of the REST API.
type APIError struct {
	Status  int // of HTTP
	Message string
}

func (e *APIError) Error() string { return "convoy: " + e.Message }

// Call is a request of the REST API as a function, as the instance's administrator and without a key.
// target is a path with a query, body becomes JSON unless it is nil, and the answer's data is decoded
// into out unless that is nil. A refusal is an *APIError.
func (g *Gateway) Call(method, target string, body, out any) error {
	return callWith(g.call, method, target, body, out)
}

// CallContext is Call that holds no thread while it waits, once the gateway was started. If the
// context ends before the answer, the call may still be made.
func (g *Gateway) CallContext(ctx context.Context, method, target string, body, out any) error {
	if !g.isStarted.Load() {
		return g.Call(method, target, body, out)
	}
	send := func(method, target string, body []byte) (*Reply, error) {
		return g.callAsync(ctx, method, target, body)
	}
	return callWith(send, method, target, body, out)
}

// sendCall takes texts that end with NUL.
type sendCall func(method, target string, body []byte) (*Reply, error)

func callWith(send sendCall, method, target string, body, out any) error {
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return err
		}
	}
	reply, err := send(method+"\x00", target+"\x00", text)
	if err != nil {
		return err
	}
	answer := struct {
		Message string
		Data    json.RawMessage
	}{}
	if len(reply.Body) > 0 {
		if err := json.Unmarshal(reply.Body, &answer); err != nil {
			return err
		}
	}
	if reply.Status >= 300 {
		return &APIError{Status: reply.Status, Message: answer.Message}
	}
	if out == nil || len(answer.Data) == 0 {
		return nil
	}
	return json.Unmarshal(answer.Data, out)
}

func (g *Gateway) call(method, target string, body []byte) (*Reply, error) {
	handle, err := g.enter()
	if err != nil {
		return nil, err
	}
	defer g.leave()
	var reply, failure uintptr
	text := sliceOfBytes(body)
	status := cCall(handle, unsafe.Pointer(unsafe.StringData(method)),
		unsafe.Pointer(unsafe.StringData(target)), text.data, text.size, &reply, &failure)
	if status == cDeclined {
		return nil, errNoTarget
	}
	if err := check(status, failure); err != nil {
		return nil, err
	}
	return takeReply(reply), nil
}

var errNoTarget = &Error{Code: CodeNotFound, Message: "target: not a path of the REST API"}

func (g *Gateway) callAsync(ctx context.Context, method, target string, body []byte) (*Reply, error) {
	handle, err := g.enter()
	if err != nil {
		return nil, err
	}
	done := make(chan *Reply, 1)
	number := replies.add(done)
	var failure uintptr
	text := sliceOfBytes(body)
	status := cCallAsync(handle, unsafe.Pointer(unsafe.StringData(method)),
		unsafe.Pointer(unsafe.StringData(target)), text.data, text.size, onReply(), number, &failure)
	g.leave()
	if status == cDeclined {
		replies.take(number)
		return nil, errNoTarget
	}
	if err := check(status, failure); err != nil {
		replies.take(number)
		return nil, err
	}
	select {
	case reply := <-done:
		return reply, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Event is an event of the host's own. Without EndpointID and OwnerID it goes to everyone with a
// subscription that wants it.
type Event struct {
	ProjectID      string
	EndpointID     string // to this endpoint
	OwnerID        string // to all endpoints of this owner
	Type           string
	Data           []byte // one JSON value, sent byte for byte
	Headers        [][2]string
	IdempotencyKey string // empty: nothing is deduplicated
}

// Receipt is given once an event is durable. A duplicate is stored, and delivered to no endpoint.
type Receipt struct {
	EventID     string
	IsDuplicate bool
}

type receiptResult struct {
	receipt Receipt
	err     error
}

var (
	receipts  registry[chan receiptResult]
	onReceipt = sync.OnceValue(func() uintptr {
		return purego.NewCallback(func(number, eventID uintptr, isDuplicate int32, failure uintptr) {
			result := receiptResult{}
			if eventID == 0 {
				result.err = takeError(failure)
			} else {
				result.receipt = Receipt{EventID: textAt(eventID), IsDuplicate: isDuplicate != 0}
			}
			receipts.take(number) <- result // it has room
		})
	})
)

// Ingest takes an event without a request and without an API key; returns when it is durable. If the
// context ends before that, the event may still be taken.
func (g *Gateway) Ingest(ctx context.Context, event Event) (Receipt, error) {
	borrowed, err := event.borrow()
	if err != nil {
		return Receipt{}, err
	}
	if !g.isStarted.Load() {
		return g.ingestHere(borrowed)
	}
	handle, err := g.enter()
	if err != nil {
		return Receipt{}, err
	}
	done := make(chan receiptResult, 1)
	number := receipts.add(done)
	var failure uintptr
	err = check(cIngestAsync(handle, borrowed, onReceipt(), number, &failure), failure)
	g.leave()
	if err != nil {
		receipts.take(number)
		return Receipt{}, err
	}
	select {
	case result := <-done:
		return result.receipt, result.err
	case <-ctx.Done():
		return Receipt{}, ctx.Err()
	}
}

// ingestHere commits on this thread: there is no other one that would.
func (g *Gateway) ingestHere(borrowed *cEvent) (Receipt, error) {
	handle, err := g.enter()
	if err != nil {
		return Receipt{}, err
	}
	defer g.leave()
	var eventID cBuf
	var isDuplicate int32
	var failure uintptr
	status := cIngest(handle, borrowed, &eventID, &isDuplicate, &failure)
	if err := check(status, failure); err != nil {
		return Receipt{}, err
	}
	return Receipt{EventID: takeBuf(&eventID), IsDuplicate: isDuplicate != 0}, nil
}

func (e *Event) borrow() (*cEvent, error) {
	borrowed := &cEvent{
		struct_size: unsafe.Sizeof(cEvent{}), project_id: sliceOf(e.ProjectID),
		audience: cToEveryone, event_type: sliceOf(e.Type), data: sliceOfBytes(e.Data),
		idempotency_key: sliceOf(e.IdempotencyKey),
	}
	switch {
	case e.EndpointID != "" && e.OwnerID != "":
		return nil, errors.New("convoy: an event goes to EndpointID or to OwnerID")
	case e.EndpointID != "":
		borrowed.audience, borrowed.recipient = cToEndpoint, sliceOf(e.EndpointID)
	case e.OwnerID != "":
		borrowed.audience, borrowed.recipient = cToOwner, sliceOf(e.OwnerID)
	}
	if len(e.Headers) > 0 {
		headers := make([]cHeader, len(e.Headers))
		for i, pair := range e.Headers {
			headers[i] = cHeader{name: sliceOf(pair[0]), value: sliceOf(pair[1])}
		}
		borrowed.custom_headers, borrowed.custom_headers_count = &headers[0], uintptr(len(headers))
	}
	return borrowed, nil
}
