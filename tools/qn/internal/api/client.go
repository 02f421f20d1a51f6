package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/quidnunc/quidnunc/tools/qn/internal/exit"
)

// AgentDefault is where an agent listens unless told otherwise.
const AgentDefault = "http://127.0.0.1:7947"

// Client asks one agent. It is safe for any number of goroutines.
type Client struct {
	name  string // as it was given
	base  string
	token string
	http  *http.Client
}

// NewClient makes a client for "http://host:port", "host:port" or "unix:/path". token may be empty.
func NewClient(agent, token string) (*Client, error) {
	transport := &http.Transport{}
	c := &Client{token: token, http: &http.Client{Transport: transport}}
	if path, ok := strings.CutPrefix(agent, "unix:"); ok {
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", path)
		}
		c.name, c.base = agent, "http://localhost"
		return c, nil
	}
	if !strings.Contains(agent, "://") {
		agent = "http://" + agent
	}
	u, err := url.Parse(agent)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.Path != "" && u.Path != "/" {
		return nil, exit.Usagef("--agent %s: not an address; fix: for example --agent %s or --agent unix:/run/qn/agent.sock", agent, AgentDefault)
	}
	c.base = u.Scheme + "://" + u.Host
	c.name = c.base
	return c, nil
}

// Get asks for path and decodes the answer into v.
func (c *Client) Get(ctx context.Context, path string, v any) error {
	return c.Do(ctx, http.MethodGet, path, nil, v)
}

// Do sends body and decodes the answer into v, unless v is nil.
func (c *Client) Do(ctx context.Context, method, path string, body []byte, v any) error {
	resp, err := c.send(ctx, method, path, body, nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if v == nil {
		_, err = io.Copy(io.Discard, resp.Body)
		return err
	}
	return json.NewDecoder(resp.Body).Decode(v)
}

// Stream asks for path as lines of JSON and calls line for each, until it fails or ctx ends.
func (c *Client) Stream(ctx context.Context, path string, line func(json.RawMessage) error) error {
	resp, err := c.send(ctx, http.MethodGet, path, nil, map[string]string{"Accept": "application/x-ndjson"})
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	for d := json.NewDecoder(resp.Body); ; {
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				return exit.Unreachablef("agent %s ended the stream", c.name)
			}
			return err
		}
		if err := line(raw); err != nil {
			return err
		}
	}
}

// send returns an answer that is no error.
func (c *Client) send(ctx context.Context, method, path string, body []byte, head map[string]string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	for k, v := range head {
		req.Header.Set(k, v)
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		if ctx.Err() != nil && !errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return nil, ctx.Err()
		}
		var op *net.OpError
		cause := err
		switch {
		case errors.As(err, &op):
			cause = op.Err
		case errors.Is(err, context.DeadlineExceeded):
			return nil, exit.Unreachablef("the agent at %s does not answer; fix: look at its process and its log, or name another with --agent", c.name)
		}
		return nil, exit.Unreachablef("no agent at %s: %w; fix: start one with qn agent, or name another with --agent", c.name, cause)
	}
	if resp.StatusCode < 400 {
		return resp, nil
	}
	defer resp.Body.Close()
	return nil, c.problem(resp)
}

// problem turns an answer into an error with the code that fits.
func (c *Client) problem(resp *http.Response) error {
	var p Problem
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if json.Unmarshal(text, &p) != nil || p.Error == "" {
		p.Error = fmt.Sprintf("agent %s answered %s", c.name, resp.Status)
	}
	if p.Fix != "" {
		p.Error += "; fix: " + p.Fix
	}
	switch resp.StatusCode {
	case http.StatusNotFound, http.StatusConflict, http.StatusGatewayTimeout:
		return exit.Nof("%s", p.Error)
	case http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden:
		return exit.Usagef("%s", p.Error)
	}
	return errors.New(p.Error)
}

// BodyBytesMax is the longest body that an agent reads: the engine says how long a value may be.
const BodyBytesMax = 4 << 20

// Wait is how long a command waits for an answer that is ready.
const Wait = 10 * time.Second

// Path joins parts, each escaped, so that slashes and dots in a name are the name's own: a server
// would tidy them away.
func Path(parts ...string) string {
	var b strings.Builder
	for _, p := range parts {
		if p = url.PathEscape(p); strings.Trim(p, ".") == "" {
			p = strings.ReplaceAll(p, ".", "%2E")
		}
		b.WriteString("/" + p)
	}
	return b.String()
}
