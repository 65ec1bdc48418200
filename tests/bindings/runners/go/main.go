// Scenario through the Go package: scenario SCENARIO FOLDER (scenario.py says more)
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"libconvoy.invalid/convoy"
)

type request struct {
	Method, Path, Query, Body string
	Headers                   map[string]string
}

type event struct {
	ProjectID      string `json:"project_id"`
	Type           string
	Data           json.RawMessage
	IdempotencyKey string `json:"idempotency_key"`
}

type outcome struct {
	Kind      convoy.OutcomeKind
	EventType string `json:"event_type"`
	Outcome   string
}

type step struct {
	Do, Preset, Includes, Method, Target, Name string
	Secrets                                    []string
	Request                                    request
	Expect                                     map[string]any
	Body                                       any
	Save                                       map[string]string
	Refused                                    any
	Status, Count                              int
	Event                                      event
	IsDuplicate                                bool `json:"is_duplicate"`
	Attempts                                   map[string][]string
	Outcomes                                   []outcome
	Bodies                                     []string
	Calls                                      []step
	Settings                                   convoy.Settings
	Message, Command, Line                     string
}

type scenario struct {
	Settings       map[string]string
	Steps          []json.RawMessage
	Cycles         int
	ThreadsMoreMax int `json:"threads_more_max"`
	VerifyCount    int `json:"verify_count"`
	DeliverCount   int `json:"deliver_count"`
}

const patience = 30 * time.Second

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func expect(what any, seen, expected any) {
	if !reflect.DeepEqual(seen, expected) {
		panic(fmt.Sprintf("%+v: %v instead of %v", what, seen, expected))
	}
}

type run struct {
	scenario scenario
	saved    map[string]string
	gateway  *convoy.Gateway
}

func (r *run) fill(text string) string {
	for name, value := range r.saved {
		text = strings.ReplaceAll(text, "{"+name+"}", value)
	}
	return text
}

func (r *run) play() {
	for _, raw := range r.scenario.Steps {
		var s step
		must(json.Unmarshal([]byte(r.fill(string(raw))), &s))
		switch s.Do {
		case "presets":
			presets, err := convoy.Presets()
			must(err)
			expect(s, slices.ContainsFunc(presets,
				func(p convoy.Preset) bool { return p.Name == s.Includes }), true)
		case "verify":
			verify(s)
		case "answer":
			answer(s)
		case "open":
			r.open()
		case "call":
			r.call(s)
		case "handle":
			r.handle(s)
		case "ingest":
			r.ingest(s)
		case "deliver":
			r.deliver(s)
		case "calls":
			r.calls(s)
		case "log_lines":
			logLines(s)
		case "refuse":
			_, err := convoy.Open(s.Settings)
			expect(s, err != nil && strings.Contains(err.Error(), s.Message), true)
		case "run":
			words := strings.Fields(s.Command)
			must(exec.Command(words[0], words[1:]...).Run())
		case "in_flight":
			r.inFlight(s)
		case "close":
			must(r.gateway.Close(10 * time.Second))
		default:
			panic(s.Do)
		}
	}
}

func (q request) http() *http.Request {
	made := httptest.NewRequest(q.Method, "https://hooks.example.com"+q.Path+"?"+q.Query,
		bytes.NewReader([]byte(q.Body)))
	for name, value := range q.Headers {
		made.Header.Set(name, value)
	}
	return made
}

func verifierOf(s step) *convoy.Verifier {
	verifier, err := convoy.NewVerifier(convoy.Scheme{Preset: s.Preset, Secrets: s.Secrets})
	must(err)
	return verifier
}

func verify(s step) {
	verdict, err := verifierOf(s).Verify(s.Request.http(), []byte(s.Request.Body))
	must(err)
	expect(s, map[string]any{"is_accepted": verdict.IsAccepted, "reason": verdict.Reason,
		"secret_index": float64(verdict.SecretIndex), "event_id": verdict.EventID,
		"refusal_status": float64(verdict.RefusalStatus)}, s.Expect)
}

func answer(s step) {
	given, err := verifierOf(s).Answer(s.Request.http(), []byte(s.Request.Body))
	must(err)
	seen := map[string]any{"status": 0.0, "body": ""}
	if given != nil {
		seen = map[string]any{"status": float64(given.Reply.Status), "body": string(given.Reply.Body)}
	}
	expect(s, seen, s.Expect)
}

func (r *run) open() {
	settings := convoy.Settings{}
	for name, value := range r.scenario.Settings {
		settings[name] = r.fill(value)
	}
	var err error
	r.gateway, err = convoy.Open(settings)
	must(err)
	must(r.gateway.Start())
}

func (r *run) call(s step) {
	var data any
	err := r.gateway.Call(s.Method, s.Target, s.Body, &data)
	var refusal *convoy.APIError
	if errors.As(err, &refusal) {
		expect(s, float64(refusal.Status), s.Refused)
		return
	}
	must(err)
	for name, path := range s.Save {
		value := data
		for _, part := range strings.Split(path, ".") {
			value = value.(map[string]any)[part]
		}
		r.saved[name] = value.(string)
	}
	for name, value := range s.Expect {
		expect(s, data.(map[string]any)[name], value)
	}
}

const declined = 418

func (r *run) handle(s step) {
	recorder := httptest.NewRecorder()
	next := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(declined) })
	r.gateway.Handler(next).ServeHTTP(recorder, s.Request.http())
	io.Copy(io.Discard, recorder.Body)
	status := recorder.Code
	if status == declined {
		status = 0
	}
	expect(s, status, s.Status)
}

func (s step) event() convoy.Event {
	return convoy.Event{ProjectID: s.Event.ProjectID, Type: s.Event.Type, Data: s.Event.Data,
		IdempotencyKey: s.Event.IdempotencyKey}
}

func (r *run) ingest(s step) {
	receipt, err := r.gateway.Ingest(context.Background(), s.event())
	expect(s, err != nil, s.Refused != nil)
	expect(s, receipt.IsDuplicate, s.IsDuplicate)
}

func (r *run) deliver(s step) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var mutex sync.Mutex
	var bodies []string
	var seen []string
	done := make(chan error)
	go func() {
		done <- r.gateway.Run(ctx, s.Name, 2, func(_ context.Context, d *convoy.Delivery) error {
			mutex.Lock()
			bodies = append(bodies, string(d.Body))
			mutex.Unlock()
			return s.behave(d)
		})
	}()
	for len(seen) < len(s.Outcomes) && ctx.Err() == nil {
		for each, err := range r.gateway.Outcomes() {
			must(err)
			if each.Kind == convoy.OutcomeDelivery {
				seen = append(seen, fmt.Sprint(outcome{each.Kind, each.EventType, each.Outcome}))
			}
		}
		time.Sleep(5 * time.Millisecond)
	}
	cancel()
	<-done
	var expected []string
	for _, each := range s.Outcomes {
		expected = append(expected, fmt.Sprint(each))
	}
	slices.Sort(seen)
	slices.Sort(expected)
	slices.Sort(bodies)
	slices.Sort(s.Bodies)
	expect(s, seen, expected)
	expect(s, bodies, s.Bodies)
}

func (s step) behave(d *convoy.Delivery) error {
	behaviours, ok := s.Attempts[d.EventType]
	if !ok {
		return nil
	}
	switch behaviours[d.AttemptNumber-1] {
	case "crash":
		panic("crash")
	case "retry":
		return convoy.RetryAfter(errors.New("again"), time.Millisecond)
	case "refuse":
		return convoy.Refuse(errors.New("no"))
	}
	return nil
}

func (r *run) calls(s step) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var answered sync.WaitGroup
	for _, each := range s.Calls {
		answered.Go(func() {
			err := r.gateway.CallContext(ctx, each.Method, each.Target, nil, nil)
			status := http.StatusOK
			var refusal *convoy.APIError
			if errors.As(err, &refusal) {
				status = refusal.Status
			} else {
				must(err)
			}
			expect(each, status, each.Status)
		})
	}
	answered.Wait()
}

func logLines(s step) {
	gateway, err := convoy.Open(s.Settings)
	must(err)
	isThere := false
	for line, err := range gateway.LogLines() {
		must(err)
		isThere = isThere || line.Event == s.Line && line.Level == slog.LevelDebug
	}
	expect(s, isThere, true)
	must(gateway.Close(patience))
}

// inFlight has one processor, on which calls wait while others are in flight.
func (r *run) inFlight(s step) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	ids := make(chan string, s.Count)
	for range s.Count {
		go func() {
			receipt, err := r.gateway.Ingest(context.Background(), s.event())
			must(err)
			ids <- receipt.EventID
		}()
		must(r.gateway.Call(s.Method, s.Target, nil, nil))
	}
	unique := map[string]bool{}
	for range s.Count {
		unique[<-ids] = true
	}
	expect(s, len(unique), s.Count)
}

func entries(folder string) int {
	listing, err := os.ReadDir(folder)
	must(err)
	return len(listing)
}

func (r *run) checkLeftovers() {
	cycle := func() {
		r.open()
		must(r.gateway.Close(10 * time.Second))
	}
	cycle()
	threads, descriptors := entries("/proc/self/task"), entries("/proc/self/fd")
	routines := runtime.NumGoroutine()
	for range r.scenario.Cycles {
		cycle()
	}
	more := entries("/proc/self/task") - threads
	expect("too many threads left", more <= r.scenario.ThreadsMoreMax, true)
	expect("descriptors left", entries("/proc/self/fd"), descriptors)
	expect("goroutines left", runtime.NumGoroutine(), routines)
	fmt.Printf("after %d gateways: %d threads and 0 descriptors more\n", r.scenario.Cycles, more)
}

func (r *run) measure() {
	var s step
	must(json.Unmarshal(r.scenario.Steps[1], &s))
	verifier, made, body := verifierOf(s), s.Request.http(), []byte(s.Request.Body)
	begun := time.Now()
	for range r.scenario.VerifyCount {
		verifier.Verify(made, body)
	}
	verifyUs := time.Since(begun).Seconds() * 1e6 / float64(r.scenario.VerifyCount)

	r.open()
	var stored sync.WaitGroup
	for range r.scenario.DeliverCount {
		stored.Go(func() {
			_, err := r.gateway.Ingest(context.Background(), convoy.Event{
				ProjectID: r.saved["out"], Type: "order.good", Data: []byte("{}")})
			must(err)
		})
	}
	stored.Wait()
	begun = time.Now()
	for left := r.scenario.DeliverCount; left > 0; {
		taken, err := r.gateway.Take(context.Background(), "orders", 64)
		must(err)
		for _, delivery := range taken {
			must(delivery.Done(""))
		}
		left -= len(taken)
	}
	rate := float64(r.scenario.DeliverCount) / time.Since(begun).Seconds()
	must(r.gateway.Close(10 * time.Second))
	fmt.Printf("verify %.1f µs, local delivery %.0f/s\n", verifyUs, rate)
}

func main() {
	text, err := os.ReadFile(os.Args[1])
	must(err)
	r := run{saved: map[string]string{"folder": os.Args[2]}}
	must(json.Unmarshal(text, &r.scenario))
	r.play()
	r.checkLeftovers()
	r.measure()
	fmt.Println("scenario passed")
}
