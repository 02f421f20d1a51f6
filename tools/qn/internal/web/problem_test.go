package web

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/quidnunc/quidnunc/engine"
)

// A question about a member that can't be answered says which member, why, and what to do.
func TestProblemsNameTheMember(t *testing.T) {
	f := func(err error, code int, wants ...string) {
		t.Helper()
		w := httptest.NewRecorder()
		memberProblem(w, "web-9", err)
		for _, want := range append(wants, "web-9") {
			if w.Code != code || !strings.Contains(w.Body.String(), want) || strings.Contains(w.Body.String(), "engine:") {
				t.Errorf("%v: %d, %s; want %d and %q", err, w.Code, w.Body, code, want)
			}
		}
	}
	f(fmt.Errorf("engine: explain %q: %w", "web-9", engine.ErrNoMember), http.StatusNotFound, "there is no member", "qn members")
	f(fmt.Errorf("engine: ping %q: %w: %w", "web-9", engine.ErrNoAnswer, context.DeadlineExceeded), http.StatusGatewayTimeout, "did not answer within 3s", "qn why")
}

// Who asks for what there is not learns what there is.
func TestUnknownRequestsSayWhatThereIs(t *testing.T) {
	h := (&Server{}).routes()
	ask := func(method, path string) (int, string) {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(method, path, nil))
		return w.Code, w.Body.String()
	}
	if code, text := ask("POST", "/v1/kv/x"); code != http.StatusBadRequest || !strings.Contains(text, "GET / lists") {
		t.Errorf("%d, %s", code, text)
	}
	code, text := ask("GET", "/")
	for _, want := range []string{"PUT /v1/kv/{name...}\n", "GET /v1/watch\n", "GET /metrics\n", "POST /v1/leave\n"} {
		if code != http.StatusOK || !strings.Contains(text, want) {
			t.Errorf("%d, %q lacks %q", code, text, want)
		}
	}
}
