// The yardstick of reading from brokers: the client library of the broker's own makers, which takes
// the messages, acknowledges them as its users do, and does nothing else.
//
//	go_clients COUNT
//
// The broker is described by the REST API's pub_sub object on the standard input. Prints one line of
// JSON: how many messages were read in a second, counted from the first to the last.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"strconv"
	"sync"
	"time"
)

const patience = 2 * time.Minute

type pubSub struct {
	Type   string
	SQS    sqsPlace
	Google googlePlace
}

// span sees messages being acknowledged, and ends the reading with the last one.
type span struct {
	mutex       sync.Mutex
	first, last time.Time
	firstCount  int
	count       int
	countMax    int
	end         context.CancelFunc
}

func (s *span) add(count int) {
	if count == 0 {
		return
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.last = time.Now()
	if s.count == 0 {
		s.first, s.firstCount = s.last, count
	}
	s.count += count
	if s.count >= s.countMax {
		s.end()
	}
}

func (s *span) perSecond() float64 {
	return float64(s.count-s.firstCount) / s.last.Sub(s.first).Seconds()
}

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("usage: go_clients COUNT")
	}
	countMax, err := strconv.Atoi(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	var place pubSub
	if err := json.NewDecoder(os.Stdin).Decode(&place); err != nil {
		log.Fatal(err)
	}
	ctx, end := context.WithTimeout(context.Background(), patience)
	seen := &span{countMax: countMax, end: end}
	switch place.Type {
	case "sqs":
		err = readSQS(ctx, place.SQS, seen)
	case "google":
		err = readGoogle(ctx, place.Google, seen)
	default:
		err = fmt.Errorf("no client for %q", place.Type)
	}
	if err != nil && seen.count < countMax {
		log.Fatal(err)
	}
	if seen.count < countMax {
		log.Fatalf("only %d of %d messages came", seen.count, countMax)
	}
	fmt.Printf("{\"per_s\":%.0f}\n", seen.perSecond())
}
