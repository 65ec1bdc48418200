// A collector for the tests: OpenTelemetry's own OTLP receiver, over HTTP, and a line of JSON on
// standard output for each request that it was sent.
//
//	collector ADDRESS:PORT BUSY
//
// While a file called BUSY exists, requests are answered as by a collector that has no room now.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"os/signal"
	"syscall"

	"go.opentelemetry.io/collector/client"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/otlpreceiver"
)

type line struct {
	Authorization []string        `json:"authorization"`
	Traces        json.RawMessage `json:"traces"`
}

func newReceiver(address string, take consumer.ConsumeTracesFunc) (receiver.Traces, error) {
	factory := otlpreceiver.NewFactory()
	config := factory.CreateDefaultConfig()
	wanted := confmap.NewFromStringMap(map[string]any{"protocols": map[string]any{
		"http": map[string]any{"endpoint": address, "include_metadata": true}}})
	if err := wanted.Unmarshal(config); err != nil {
		return nil, err
	}
	next, err := consumer.NewTraces(take)
	if err != nil {
		return nil, err
	}
	settings := receiver.Settings{
		ID:                component.NewID(factory.Type()),
		TelemetrySettings: componenttest.NewNopTelemetrySettings(),
		BuildInfo:         component.NewDefaultBuildInfo(),
	}
	return factory.CreateTraces(context.Background(), settings, config, next)
}

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: collector ADDRESS:PORT BUSY")
	}
	busy := os.Args[2]
	take := func(ctx context.Context, traces ptrace.Traces) error {
		if _, err := os.Stat(busy); err == nil {
			return errors.New("no room now")
		}
		marshaler := ptrace.JSONMarshaler{}
		text, err := marshaler.MarshalTraces(traces)
		if err != nil {
			return err
		}
		shown, err := json.Marshal(line{client.FromContext(ctx).Metadata.Get("authorization"), text})
		if err != nil {
			return err
		}
		_, err = fmt.Printf("%s\n", shown)
		return err
	}
	collector, err := newReceiver(os.Args[1], take)
	if err != nil {
		log.Fatal(err)
	}
	if err := collector.Start(context.Background(), componenttest.NewNopHost()); err != nil {
		log.Fatal(err)
	}
	fmt.Println("{}")
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	<-stop
	if err := collector.Shutdown(context.Background()); err != nil {
		log.Fatal(err)
	}
}
