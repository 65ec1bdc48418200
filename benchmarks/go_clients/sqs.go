package main

import (
	"context"
	"fmt"
	"strconv"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// As many as our adapter has receives under way.
const readersCount = 8

type sqsPlace struct {
	AccessKeyID string `json:"access_key_id"`
	SecretKey   string `json:"secret_key"`
	Region      string `json:"default_region"`
	QueueName   string `json:"queue_name"`
	Endpoint    string
}

// readSQS runs several readers at once, each receiving and deleting ten messages at a time, which is
// the most that a call takes.
func readSQS(ctx context.Context, place sqsPlace, seen *span) error {
	client := sqs.New(sqs.Options{
		BaseEndpoint: aws.String(place.Endpoint),
		Region:       place.Region,
		Credentials: credentials.NewStaticCredentialsProvider(place.AccessKeyID, place.SecretKey,
			""),
	})
	queue, err := client.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{
		QueueName: aws.String(place.QueueName)})
	if err != nil {
		return err
	}
	var readers sync.WaitGroup
	failures := make(chan error, readersCount)
	for range readersCount {
		readers.Go(func() { failures <- receiveAndDelete(ctx, client, queue.QueueUrl, seen) })
	}
	readers.Wait()
	return <-failures
}

func receiveAndDelete(ctx context.Context, client *sqs.Client, queue *string, seen *span) error {
	for ctx.Err() == nil {
		received, err := client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: queue,
			MaxNumberOfMessages: 10, WaitTimeSeconds: 20})
		if err != nil {
			return err
		}
		if len(received.Messages) == 0 {
			continue
		}
		var entries []types.DeleteMessageBatchRequestEntry
		for i, message := range received.Messages {
			entries = append(entries, types.DeleteMessageBatchRequestEntry{
				Id: aws.String(strconv.Itoa(i)), ReceiptHandle: message.ReceiptHandle})
		}
		deleted, err := client.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{
			QueueUrl: queue, Entries: entries})
		if err != nil {
			return err
		}
		if len(deleted.Failed) > 0 {
			return fmt.Errorf("not deleted: %d messages", len(deleted.Failed))
		}
		seen.add(len(entries))
	}
	return nil
}
