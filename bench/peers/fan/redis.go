package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os/exec"
	"time"
)

// redisPubSub is a redis-server beside this process. Each holder has a connection that has subscribed
// and one that publishes, which writes what was due together at once. There is no library in between.
type redisPubSub struct {
	l       *ledger
	server  *exec.Cmd
	writers []*bufio.Writer
	conns   []net.Conn
	dirty   []int
	isDirty []bool
}

const redisPort = "17771"

func (r *redisPubSub) start(l *ledger) error {
	path, err := exec.LookPath("redis-server")
	if err != nil {
		return errSkip{"redis-server is not installed"}
	}
	r.l, r.isDirty = l, make([]bool, l.holders)
	r.server = exec.Command(path, "--port", redisPort, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
		"--client-output-buffer-limit", "pubsub 0 0 0")
	if err := r.server.Start(); err != nil {
		return err
	}
	for i := range l.holders {
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
		go r.hear(i, lines)
	}
	return nil
}

// dial connects as soon as the server listens.
func (r *redisPubSub) dial() (net.Conn, error) {
	for end := clock() + int64(10*time.Second); ; {
		c, err := net.Dial("tcp", "127.0.0.1:"+redisPort)
		if err == nil {
			r.conns = append(r.conns, c)
			return c, nil
		}
		if clock() > end {
			return nil, err
		}
		time.Sleep(10 * time.Millisecond) // it is starting
	}
}

func (r *redisPubSub) hear(holder int, in *bufio.Reader) {
	var value [valueBytes]byte
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
		r.l.arrived(holder, value[:])
	}
}

func (r *redisPubSub) write(writer, _ int, value []byte) error {
	w := r.writers[writer]
	if !r.isDirty[writer] {
		r.isDirty[writer] = true
		r.dirty = append(r.dirty, writer)
	}
	w.WriteString("*3\r\n$7\r\nPUBLISH\r\n$1\r\nc\r\n$64\r\n")
	w.Write(value)
	_, err := w.WriteString("\r\n")
	return err
}

func (r *redisPubSub) flush() {
	for _, i := range r.dirty {
		r.writers[i].Flush() // what is lost shows
		r.isDirty[i] = false
	}
	r.dirty = r.dirty[:0]
}

func (r *redisPubSub) delivered() uint64     { return r.l.delivered() }
func (r *redisPubSub) differ() int           { return r.l.differ() }
func (r *redisPubSub) served() time.Duration { return processTime(r.server.Process.Pid) }

func (r *redisPubSub) close() {
	for _, c := range r.conns {
		c.Close()
	}
	r.server.Process.Kill()
	r.server.Wait()
}
