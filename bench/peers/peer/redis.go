package peer

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strconv"
	"time"
)

// Redis is a redis-server beside this process, and clients of it, over TCP. Each has a connection that
// has subscribed and one that publishes, which writes what was due together at once. There is no
// library in between.
type Redis struct {
	server  *exec.Cmd
	address string
	heard   func(client int, value []byte)
	writers []*bufio.Writer
	conns   []net.Conn
	dirty   []int
	isDirty []bool
}

// StartRedis starts a server and its clients. Each client's heard is called from one goroutine; the
// value is borrowed. A client hears what it publishes, too.
func StartRedis(clients int, heard func(client int, value []byte)) (*Redis, error) {
	path, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, fmt.Errorf("redis-server is %w", ErrAbsent)
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	r := &Redis{heard: heard, isDirty: make([]bool, clients), address: net.JoinHostPort("127.0.0.1", port)}
	r.server = exec.Command(path, "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
		"--client-output-buffer-limit", "pubsub 0 0 0")
	if err := r.server.Start(); err != nil {
		return nil, err
	}
	for i := range clients {
		if err := r.connect(i); err != nil {
			r.Close()
			return nil, err
		}
	}
	return r, nil
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port), nil
}

func (r *Redis) connect(client int) error {
	w, err := r.dial()
	if err != nil {
		return err
	}
	r.writers = append(r.writers, bufio.NewWriterSize(w, 64<<10))
	go io.Copy(io.Discard, w) // how many had it
	c, err := r.dial()
	if err != nil {
		return err
	}
	fmt.Fprintf(c, "*2\r\n$9\r\nSUBSCRIBE\r\n$1\r\nc\r\n")
	lines := bufio.NewReaderSize(c, 64<<10)
	for range 6 { // *3 $9 subscribe $1 c :1
		if _, err := lines.ReadString('\n'); err != nil {
			return err
		}
	}
	go r.hear(client, lines)
	return nil
}

// dial connects as soon as the server listens.
func (r *Redis) dial() (net.Conn, error) {
	for end := time.Now().Add(startMax); ; {
		c, err := net.Dial("tcp", r.address)
		if err == nil {
			r.conns = append(r.conns, c)
			return c, nil
		}
		if time.Now().After(end) {
			return nil, err
		}
		time.Sleep(10 * time.Millisecond) // it is starting
	}
}

// hear reads messages until the connection ends.
func (r *Redis) hear(client int, in *bufio.Reader) {
	var value [ValueBytes]byte
	for {
		for range 6 { // *3 $7 message $1 c $64
			if _, err := in.ReadSlice('\n'); err != nil {
				return
			}
		}
		if _, err := io.ReadFull(in, value[:]); err != nil {
			return
		}
		if _, err := in.Discard(2); err != nil {
			return
		}
		r.heard(client, value[:])
	}
}

// Publish has a client say a value of ValueBytes, with the next Flush.
func (r *Redis) Publish(client int, value []byte) error {
	w := r.writers[client]
	if !r.isDirty[client] {
		r.isDirty[client] = true
		r.dirty = append(r.dirty, client)
	}
	w.WriteString("*3\r\n$7\r\nPUBLISH\r\n$1\r\nc\r\n$64\r\n")
	w.Write(value)
	_, err := w.WriteString("\r\n")
	return err
}

// Flush sends what was published. What is lost shows: it is not heard.
func (r *Redis) Flush() {
	for _, i := range r.dirty {
		r.writers[i].Flush()
		r.isDirty[i] = false
	}
	r.dirty = r.dirty[:0]
}

// Served is the processor time of the server.
func (r *Redis) Served() time.Duration { return ProcessTime(r.server.Process.Pid) }

// Close ends the clients and the server.
func (r *Redis) Close() {
	for _, c := range r.conns {
		c.Close()
	}
	r.server.Process.Kill()
	r.server.Wait()
}
