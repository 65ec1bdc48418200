package convoy

import (
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"unsafe"

	"github.com/ebitengine/purego"
)

// Reply is the answer to a request.
type Reply struct {
	Status  int
	Headers [][2]string
	Body    []byte
}

// takeReply copies a convoy_reply and frees it.
func takeReply(handle uintptr) *Reply {
	defer cReplyFree(handle)
	var body cSlice
	var header cHeader
	cReplyBody(handle, &body)
	reply := &Reply{Status: int(cReplyStatus(handle)), Body: body.bytes()}
	for index := uintptr(0); cReplyHeader(handle, index, &header) != 0; index++ {
		reply.Headers = append(reply.Headers, [2]string{header.name.String(), header.value.String()})
	}
	return reply
}

func (r *Reply) writeTo(w http.ResponseWriter) {
	for _, header := range r.Headers {
		w.Header().Add(header[0], header[1])
	}
	w.WriteHeader(r.Status)
	w.Write(r.Body)
}

var (
	replies registry[chan *Reply]
	onReply = sync.OnceValue(func() uintptr {
		return purego.NewCallback(func(number, reply uintptr) {
			replies.take(number) <- takeReply(reply) // it has room
		})
	})
)

// Handler answers the requests whose paths are the gateway's, once what they did is durable, and
// passes the others on to next; nil: they are not found.
func (g *Gateway) Handler(next http.Handler) http.Handler {
	if next == nil {
		next = http.NotFoundHandler()
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reply, err := g.answer(r)
		switch {
		case err != nil && r.Context().Err() == nil:
			http.Error(w, "the gateway is not available", http.StatusServiceUnavailable)
		case err != nil: // the client has gone
		case reply == nil:
			next.ServeHTTP(w, r)
		default:
			reply.writeTo(w)
		}
	})
}

// ServeHTTP makes a gateway an http.Handler; it is Handler(nil).
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) { g.Handler(nil).ServeHTTP(w, r) }

// answer returns nil without an error if the path is not the gateway's.
func (g *Gateway) answer(r *http.Request) (*Reply, error) {
	incoming, reply, err := g.begin(r)
	if incoming == 0 || err != nil {
		return reply, err
	}
	defer cHttpFree(incoming)
	if reply, err := feed(incoming, r.Body); reply != nil || err != nil {
		return reply, err
	}
	return g.finish(r.Context(), incoming)
}

// begin judges a request by its head. A reply means: answer, do not read the body.
func (g *Gateway) begin(r *http.Request) (incoming uintptr, reply *Reply, err error) {
	handle, err := g.enter()
	if err != nil {
		return 0, nil, err
	}
	defer g.leave()
	remote, _, _ := net.SplitHostPort(r.RemoteAddr)
	head := borrowRequest(r, nil, "")
	head.remote_ip = sliceOf(remote)
	var early, failure uintptr
	status := cHttpBegin(handle, head, &incoming, &early, &failure)
	if status == cDeclined {
		return 0, nil, nil
	}
	if err := check(status, failure); err != nil {
		return 0, nil, err
	}
	if early != 0 {
		return 0, closing(takeReply(early)), nil
	}
	return incoming, nil, nil
}

const pieceBytes = 64 * 1024

var pieces = sync.Pool{New: func() any { return new([pieceBytes]byte) }}

func feed(incoming uintptr, body io.Reader) (*Reply, error) {
	if body == nil {
		return nil, nil
	}
	piece := pieces.Get().(*[pieceBytes]byte)
	defer pieces.Put(piece)
	for {
		size, err := body.Read(piece[:])
		if size > 0 {
			var early, failure uintptr
			status := cHttpFeed(incoming, unsafe.Pointer(piece), uintptr(size), &early, &failure)
			if err := check(status, failure); err != nil {
				return nil, err
			}
			if early != 0 {
				return closing(takeReply(early)), nil
			}
		}
		if err == io.EOF {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// closing asks the server to close the connection: the body was not read to its end.
func closing(reply *Reply) *Reply {
	reply.Headers = append(reply.Headers, [2]string{"Connection", "close"})
	return reply
}

func (g *Gateway) finish(ctx context.Context, incoming uintptr) (*Reply, error) {
	if !g.isStarted.Load() {
		var reply, failure uintptr
		if err := check(cHttpFinish(incoming, &reply, &failure), failure); err != nil {
			return nil, err
		}
		return takeReply(reply), nil
	}
	done := make(chan *Reply, 1)
	number := replies.add(done)
	var failure uintptr
	if err := check(cHttpFinishAsync(incoming, onReply(), number, &failure), failure); err != nil {
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

// borrowRequest is a request as C sees it; url is the whole URL as the provider was given it.
func borrowRequest(r *http.Request, body []byte, url string) *cRequest {
	request := &cRequest{
		struct_size: unsafe.Sizeof(cRequest{}), method: sliceOf(r.Method), body: sliceOfBytes(body),
		url: sliceOf(url),
	}
	if r.URL != nil {
		request.path, request.query = sliceOf(r.URL.EscapedPath()), sliceOf(r.URL.RawQuery)
	}
	headers := make([]cHeader, 0, len(r.Header)+1)
	for name, values := range r.Header {
		for _, value := range values {
			headers = append(headers, cHeader{name: sliceOf(name), value: sliceOf(value)})
		}
	}
	if r.Host != "" { // net/http takes it out of the header
		headers = append(headers, cHeader{name: sliceOf("Host"), value: sliceOf(r.Host)})
	}
	if len(headers) > 0 {
		request.headers, request.headers_count = &headers[0], uintptr(len(headers))
	}
	return request
}
