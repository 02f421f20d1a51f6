package web

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"
)

// Who must not ask is answered though the body that it announced never comes, and holds nothing
// afterwards.
func TestDeniedHoldNothing(t *testing.T) {
	_, url := listening(t, "secret")
	before := runtime.NumGoroutine()
	for _, head := range []string{"PUT /v1/kv/k HTTP/1.1\r\nHost: localhost\r\n", "GET /v1/status HTTP/1.1\r\nHost: evil.example\r\n"} {
		for range 50 {
			c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			c.SetDeadline(time.Now().Add(60 * time.Second))
			if _, err := io.WriteString(c, head+"Content-Length: 1000\r\n\r\n"); err != nil {
				t.Fatal(err)
			}
			r := bufio.NewReader(c)
			answer, err := http.ReadResponse(r, nil)
			if err != nil || answer.StatusCode != http.StatusUnauthorized && answer.StatusCode != http.StatusForbidden {
				t.Fatalf("%v, %v", answer, err)
			}
			answer.Body.Close()
			if !answer.Close {
				t.Error("the connection stays")
			}
		}
	}
	for end := time.Now().Add(60 * time.Second); runtime.NumGoroutine() > before+10; runtime.Gosched() {
		if time.Now().After(end) {
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), before)
		}
	}
}
