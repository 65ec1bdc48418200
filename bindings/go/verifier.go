package convoy

import (
	"encoding/json"
	"net/http"
	"runtime"
	"strings"
	"time"
	"unsafe"
)

// Scheme says how requests are verified.
type Scheme struct {
	Preset     string // "github"; or
	Definition string // a scheme of one's own as JSON
	Name       string // of several schemes only this one; empty: those used by default
	Secrets    []string
	Parameters map[string]string // what schemes call {config:NAME}
}

// Verifier is a compiled signature scheme. It needs no gateway, no storage and no thread.
type Verifier struct{ handle uintptr }

// NewVerifier compiles a scheme.
func NewVerifier(scheme Scheme) (*Verifier, error) {
	if err := load(); err != nil {
		return nil, err
	}
	settings := &cVerifierSettings{
		struct_size: unsafe.Sizeof(cVerifierSettings{}), preset: sliceOf(scheme.Preset),
		definition: sliceOf(scheme.Definition), scheme: sliceOf(scheme.Name),
		secrets_count: uintptr(len(scheme.Secrets)), parameters_count: uintptr(len(scheme.Parameters)),
	}
	secrets := make([]cSlice, len(scheme.Secrets)+1)
	for i, secret := range scheme.Secrets {
		secrets[i] = sliceOf(secret)
	}
	parameters := make([]cHeader, 0, len(scheme.Parameters)+1)
	for name, value := range scheme.Parameters {
		parameters = append(parameters, cHeader{name: sliceOf(name), value: sliceOf(value)})
	}
	settings.secrets, settings.parameters = &secrets[0], unsafe.SliceData(parameters)
	verifier := &Verifier{}
	var failure uintptr
	if err := check(cVerifierNewWith(settings, &verifier.handle, &failure), failure); err != nil {
		return nil, err
	}
	runtime.AddCleanup(verifier, cVerifierFree, verifier.handle)
	return verifier, nil
}

// Verdict is the outcome of one verification.
type Verdict struct {
	IsAccepted  bool
	Reason      string // "accepted", "missing_header", "signature_mismatch", "too_old", …
	Integrity   string // how much of the request the signature covers: "full", "partial", "none"
	Scheme      string // the scheme that decided; empty: none did
	SecretIndex int    // which of the secrets matched; -1: none
	EventID     string // the provider's id of the event, if it was accepted and the scheme names one
	SignedAt    time.Time
	// Status of HTTP that the provider expects for a wrong signature; 0: any.
	RefusalStatus int
}

// Verify judges a request, of which the body was read already, as of now. Schemes that sign the whole
// URL get r.URL as the provider was given it if that is absolute, else https and the Host.
func (v *Verifier) Verify(r *http.Request, body []byte) (Verdict, error) {
	return v.VerifyAt(r, body, time.Now())
}

// VerifyAt is Verify as of another time.
func (v *Verifier) VerifyAt(r *http.Request, body []byte, now time.Time) (Verdict, error) {
	defer runtime.KeepAlive(v)
	request := borrowRequest(r, body, urlOf(r))
	view := &cVerdictView{struct_size: unsafe.Sizeof(cVerdictView{})}
	var failure uintptr
	status := cVerifierCheck(v.handle, request, now.UnixMicro(), view, &failure)
	if err := check(status, failure); err != nil {
		return Verdict{}, err
	}
	verdict := Verdict{
		IsAccepted: view.is_accepted != 0, SecretIndex: int(view.secret_index),
		Reason: textAt(uintptr(view.reason)), Integrity: textAt(uintptr(view.integrity)),
		Scheme: view.scheme.String(), RefusalStatus: int(view.refusal_status),
	}
	if view.signed_at_us != noTime {
		verdict.SignedAt = time.UnixMicro(view.signed_at_us)
	}
	if !verdict.IsAccepted {
		return verdict, nil
	}
	var err error
	verdict.EventID, err = v.eventID(request)
	return verdict, err
}

const noTime = -1 << 63

func (v *Verifier) eventID(request *cRequest) (string, error) {
	for buffer := make([]byte, 256); ; {
		var used, failure uintptr
		status := cVerifierEventId(v.handle, request, unsafe.Pointer(&buffer[0]), uintptr(len(buffer)),
			&used, &failure)
		if Code(status&statusClass) == CodeTooLarge && used > uintptr(len(buffer)) {
			cErrorFree(failure)
			buffer = make([]byte, used)
			continue
		}
		if err := check(status, failure); err != nil {
			return "", err
		}
		return string(buffer[:used]), nil
	}
}

// Answer is the answer to a handshake, and what it asks for beside that.
type Answer struct {
	Reply    *Reply
	Secret   string // handed over by the provider: keep it, if there is none yet
	VisitURL string // to be fetched once, to confirm
}

// Answer answers a handshake of the provider; nil: the request is none. Ask before Verify.
func (v *Verifier) Answer(r *http.Request, body []byte) (*Answer, error) {
	defer runtime.KeepAlive(v)
	request := borrowRequest(r, body, urlOf(r))
	var reply, failure uintptr
	var secret, visitURL cBuf
	status := cVerifierAnswer(v.handle, request, time.Now().UnixMicro(), &reply, &secret, &visitURL,
		&failure)
	if status == cDeclined {
		return nil, nil
	}
	if err := check(status, failure); err != nil {
		return nil, err
	}
	return &Answer{Reply: takeReply(reply), Secret: takeBuf(&secret), VisitURL: takeBuf(&visitURL)}, nil
}

func urlOf(r *http.Request) string {
	if r.URL == nil || r.URL.IsAbs() || r.Host == "" {
		if r.URL == nil {
			return ""
		}
		return r.URL.String()
	}
	return strings.Join([]string{"https://", r.Host, r.URL.RequestURI()}, "")
}

// Preset is a provider whose requests can be verified.
type Preset struct {
	Name             string
	Title            string
	Schemes          []string
	ParametersNeeded []string `json:"parameters_needed"`
	ParametersUsed   []string `json:"parameters_used"`
	Integrity        string   // how much of the request the weakest scheme covers
	ReplayWindowS    *int64   `json:"replay_window_s"` // nil: for ever
}

// Presets are the providers that NewVerifier knows, in order of their names.
func Presets() ([]Preset, error) {
	if err := load(); err != nil {
		return nil, err
	}
	var text cBuf
	var failure uintptr
	if err := check(cPresets(&text, &failure), failure); err != nil {
		return nil, err
	}
	var presets []Preset
	err := json.Unmarshal([]byte(takeBuf(&text)), &presets)
	return presets, err
}
