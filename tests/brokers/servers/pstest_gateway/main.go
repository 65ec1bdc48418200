// Serves Google's pstest, an in-memory Pub/Sub that speaks gRPC only, under Pub/Sub's REST interface
// as well: three methods of subscriptions, their bodies as protojson has them, as google.api.http
// declares. SIGUSR1 takes the REST interface down, with its connections; SIGUSR2 brings it back. What
// was published is kept meanwhile, as Google keeps it.
//
// GET /unacknowledged?topic=NAME is for the tests: the number of unacknowledged messages of a
// topic.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"cloud.google.com/go/pubsub/v2/pstest"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

const bodyBytesMax = 16 << 20

var httpStatus = map[codes.Code]int{
	codes.InvalidArgument:    http.StatusBadRequest,
	codes.FailedPrecondition: http.StatusBadRequest,
	codes.NotFound:           http.StatusNotFound,
	codes.AlreadyExists:      http.StatusConflict,
	codes.ResourceExhausted:  http.StatusTooManyRequests,
	codes.Unimplemented:      http.StatusNotImplemented,
	codes.Unavailable:        http.StatusServiceUnavailable,
}

type gateway struct {
	server     *pstest.Server
	subscriber pubsubpb.SubscriberClient
}

// call reads a request, whose subscription is in the path, and makes it.
func (g *gateway) call(ctx context.Context, subscription, verb string, body []byte) (proto.Message, error) {
	read := func(request proto.Message) error {
		if err := protojson.Unmarshal(body, request); err != nil {
			return status.Error(codes.InvalidArgument, err.Error())
		}
		return nil
	}
	switch verb {
	case "pull":
		request := &pubsubpb.PullRequest{}
		if err := read(request); err != nil {
			return nil, err
		}
		request.Subscription = subscription
		return g.subscriber.Pull(ctx, request)
	case "acknowledge":
		request := &pubsubpb.AcknowledgeRequest{}
		if err := read(request); err != nil {
			return nil, err
		}
		request.Subscription = subscription
		return g.subscriber.Acknowledge(ctx, request)
	case "modifyAckDeadline":
		request := &pubsubpb.ModifyAckDeadlineRequest{}
		if err := read(request); err != nil {
			return nil, err
		}
		request.Subscription = subscription
		return g.subscriber.ModifyAckDeadline(ctx, request)
	}
	return nil, status.Errorf(codes.NotFound, "no method %q", verb)
}

func fail(writer http.ResponseWriter, err error) {
	said := status.Convert(err)
	code, known := httpStatus[said.Code()]
	if !known {
		code = http.StatusInternalServerError
	}
	writer.WriteHeader(code)
	json.NewEncoder(writer).Encode(map[string]any{"error": map[string]any{
		"code": code, "message": said.Message(), "status": said.Code().String()}})
}

func (g *gateway) ServeHTTP(writer http.ResponseWriter, request *http.Request) {
	writer.Header().Set("Content-Type", "application/json")
	if request.Method == http.MethodGet && request.URL.Path == "/unacknowledged" {
		fmt.Fprintln(writer, g.unacknowledged(request.URL.Query().Get("topic")))
		return
	}
	name, verb, isCall := strings.Cut(strings.TrimPrefix(request.URL.Path, "/v1/"), ":")
	if request.Method != http.MethodPost || !isCall {
		http.NotFound(writer, request)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(writer, request.Body, bodyBytesMax))
	if err != nil {
		return
	}
	answer, err := g.call(request.Context(), name, verb, body)
	if err != nil {
		fail(writer, err)
		return
	}
	text, err := protojson.Marshal(answer)
	if err != nil {
		fail(writer, err)
		return
	}
	writer.Write(text)
}

func (g *gateway) unacknowledged(topic string) int {
	count := 0
	for _, message := range g.server.Messages() {
		if message.Topic == topic && message.Acks == 0 {
			count++
		}
	}
	return count
}

// serve runs the REST interface until the process gets SIGUSR1.
func serve(address string, handler http.Handler) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	rest := &http.Server{Handler: handler}
	down := make(chan os.Signal, 1)
	signal.Notify(down, syscall.SIGUSR1)
	defer signal.Stop(down)
	go func() {
		<-down
		rest.Close()
	}()
	if err := rest.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func run(restAddress, grpcAddress string) error {
	up := make(chan os.Signal, 1)
	signal.Notify(up, syscall.SIGUSR2)
	server := pstest.NewServerWithAddress(grpcAddress)
	defer server.Close()
	connection, err := grpc.NewClient(server.Addr,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(64<<20)))
	if err != nil {
		return err
	}
	handler := &gateway{server, pubsubpb.NewSubscriberClient(connection)}
	for {
		if err := serve(restAddress, handler); err != nil {
			return err
		}
		<-up
	}
}

func main() {
	restAddress := flag.String("rest", "127.0.0.1:8085", "where REST is served")
	grpcAddress := flag.String("grpc", "127.0.0.1:8086", "where gRPC is served")
	flag.Parse()
	if err := run(*restAddress, *grpcAddress); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
