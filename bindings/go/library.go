// Package convoy is libconvoy in Go: the webhooks gateway inside your own process.
//
//	gateway, err := convoy.Open(convoy.Settings{"storage.path": "events.db"})
//	err = gateway.Start()
//	http.ListenAndServe(":8080", gateway.Handler(mux))
//
// The shared library is loaded when it is first needed: the one that the environment variable
// CONVOY_LIBRARY names, else libconvoy.so.0 as the system's loader finds it. No C compiler is needed,
// with cgo or without. All types may be used by any number of goroutines at once, except where they
// say otherwise.
package convoy

import (
	"fmt"
	"os"
	"sync"
	"unsafe"

	"github.com/ebitengine/purego"
)

// Error is a call that failed.
type Error struct {
	Code        Code
	Message     string // one line, without secrets
	IsRetriable bool   // the same call may succeed later
}

func (e *Error) Error() string { return "convoy: " + e.Message }

// Is makes errors.Is compare classes: errors.Is(err, &convoy.Error{Code: convoy.CodeNotFound}).
func (e *Error) Is(target error) bool {
	other, ok := target.(*Error)
	return ok && other.Code == e.Code && other.Message == ""
}

var load = sync.OnceValue(func() error {
	path := os.Getenv("CONVOY_LIBRARY")
	if path == "" {
		path = "libconvoy.so.0"
	}
	library, err := purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		return fmt.Errorf("convoy: the shared library is not found, CONVOY_LIBRARY may name it: %w", err)
	}
	for name, address := range symbols {
		if *address, err = purego.Dlsym(library, name); err != nil {
			return fmt.Errorf("convoy: %s is older than this package: %w", path, err)
		}
	}
	return nil
})

// Version is that of the shared library, "0.2.0".
func Version() (string, error) {
	if err := load(); err != nil {
		return "", err
	}
	return textAt(cVersionString()), nil
}

const statusClass = 0xFF

// check turns a status into an error and frees the convoy_error.
func check(status int32, failure uintptr) error {
	if status == cOk {
		return nil
	}
	if failure == 0 {
		return &Error{Code: Code(status & statusClass), Message: fmt.Sprintf("status %d", status)}
	}
	return takeError(failure)
}

func takeError(failure uintptr) *Error {
	defer cErrorFree(failure)
	return &Error{
		Code:        Code(cErrorCode(failure) & statusClass),
		Message:     textAt(cErrorMessage(failure)),
		IsRetriable: cErrorIsRetriable(failure) != 0,
	}
}

// pointerTo is the memory of the library at an address.
func pointerTo(address uintptr) unsafe.Pointer {
	return *(*unsafe.Pointer)(unsafe.Pointer(&address))
}

// textAt copies a text that ends with NUL.
func textAt(address uintptr) string {
	if address == 0 {
		return ""
	}
	start, size := (*byte)(pointerTo(address)), 0
	for *(*byte)(unsafe.Add(unsafe.Pointer(start), size)) != 0 {
		size++
	}
	return string(unsafe.Slice(start, size))
}

func sliceOf(text string) cSlice {
	return cSlice{data: unsafe.Pointer(unsafe.StringData(text)), size: uintptr(len(text))}
}

func sliceOfBytes(bytes []byte) cSlice {
	return cSlice{data: unsafe.Pointer(unsafe.SliceData(bytes)), size: uintptr(len(bytes))}
}

func (s cSlice) bytes() []byte {
	return append([]byte{}, unsafe.Slice((*byte)(s.data), s.size)...)
}

func (s cSlice) String() string { return string(unsafe.Slice((*byte)(s.data), s.size)) }

func takeBuf(buf *cBuf) string {
	defer cBufFree(buf)
	return cSlice{data: buf.data, size: buf.size}.String()
}

// registry holds what callbacks refer to by number.
type registry[T any] struct {
	mutex sync.Mutex
	last  uintptr
	items map[uintptr]T
}

func (r *registry[T]) add(item T) uintptr {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.items == nil {
		r.items = map[uintptr]T{}
	}
	r.last++
	r.items[r.last] = item
	return r.last
}

func (r *registry[T]) get(number uintptr) T {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return r.items[number]
}

func (r *registry[T]) take(number uintptr) T {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	item := r.items[number]
	delete(r.items, number)
	return item
}
