package main

import (
	"context"

	"cloud.google.com/go/pubsub/v2"
)

type googlePlace struct {
	ProjectID      string `json:"project_id"`
	SubscriptionID string `json:"subscription_id"`
}

// The emulator gives a stream 2,000 messages a second at most; with so many, more streams no longer
// help.
const streamsCount = 16

// readGoogle lets the library do all: it keeps streams open and acknowledges in batches. Where the
// server is, PUBSUB_EMULATOR_HOST tells it.
func readGoogle(ctx context.Context, place googlePlace, seen *span) error {
	client, err := pubsub.NewClient(ctx, place.ProjectID)
	if err != nil {
		return err
	}
	defer client.Close()
	subscriber := client.Subscriber(place.SubscriptionID)
	subscriber.ReceiveSettings.NumGoroutines = streamsCount
	subscriber.ReceiveSettings.MaxOutstandingMessages = 10_000
	return subscriber.Receive(ctx, func(_ context.Context, message *pubsub.Message) {
		message.Ack()
		seen.add(1)
	})
}
