package main

import (
	"context"

	"cloud.google.com/go/pubsub/v2"
)

type googlePlace struct {
	ProjectID      string `json:"project_id"`
	SubscriptionID string `json:"subscription_id"`
}

// readGoogle lets the library do all: it keeps a stream open and acknowledges in batches. Where the
// server is, PUBSUB_EMULATOR_HOST tells it.
func readGoogle(ctx context.Context, place googlePlace, seen *span) error {
	client, err := pubsub.NewClient(ctx, place.ProjectID)
	if err != nil {
		return err
	}
	defer client.Close()
	return client.Subscriber(place.SubscriptionID).Receive(ctx,
		func(_ context.Context, message *pubsub.Message) {
			message.Ack()
			seen.add(1)
		})
}
