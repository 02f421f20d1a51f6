package peers

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// redisCluster is N clients of one redis-server, each with a connection that has subscribed and one
// that publishes. They keep nothing, and the server's processor time is not in what the
// benchmark reports: it is another process.
type redisCluster struct {
	server     *exec.Cmd
	publishers []net.Conn
	readers    []net.Conn
}

func newRedis(b *testing.B, n int, landed func(uint64)) cluster {
	path, err := exec.LookPath("redis-server")
	if err != nil {
		b.Skip("redis-server is not installed")
	}
	socket := filepath.Join(b.TempDir(), "redis")
	c := &redisCluster{server: exec.Command(path, "--port", "0", "--unixsocket", socket, "--save", "", "--appendonly", "no")}
	if err := c.server.Start(); err != nil {
		b.Fatal(err)
	}
	for i := range n {
		c.publishers = append(c.publishers, dialRedis(b, socket))
		go io.Copy(io.Discard, c.publishers[i]) // how many had it
		r := dialRedis(b, socket)
		c.readers = append(c.readers, r)
		fmt.Fprintf(r, "*2\r\n$9\r\nSUBSCRIBE\r\n$1\r\nc\r\n")
		lines := bufio.NewReader(r)
		for range 6 { // *3 $9 subscribe $1 c :1
			if _, err := lines.ReadString('\n'); err != nil {
				b.Fatal(err)
			}
		}
		go hear(lines, uint64(i), landed)
	}
	return c
}

// dialRedis connects as soon as the server listens.
func dialRedis(b *testing.B, socket string) net.Conn {
	limit, look := time.After(10*time.Second), time.NewTicker(10*time.Millisecond)
	defer look.Stop()
	for {
		conn, err := net.Dial("unix", socket)
		if err == nil {
			return conn
		}
		select {
		case <-look.C:
		case <-limit:
			b.Fatal(err)
		}
	}
}

// hear reads messages until the connection ends. A publisher does not count its own.
func hear(r *bufio.Reader, self uint64, landed func(uint64)) {
	var message [64]byte
	for {
		for range 6 { // *3 $7 message $1 c $64
			if _, err := r.ReadSlice('\n'); err != nil {
				return
			}
		}
		if _, err := io.ReadFull(r, message[:]); err != nil {
			return
		}
		if _, err := r.Discard(2); err != nil {
			return
		}
		if binary.LittleEndian.Uint64(message[8:]) != self {
			landed(binary.LittleEndian.Uint64(message[:]))
		}
	}
}

func (c *redisCluster) send(i int, seq uint64) {
	b := []byte("*3\r\n$7\r\nPUBLISH\r\n$1\r\nc\r\n$64\r\n")
	b = binary.LittleEndian.AppendUint64(b, seq)
	b = binary.LittleEndian.AppendUint64(b, uint64(i))
	b = append(b, make([]byte, 64-16)...)
	c.publishers[i].Write(append(b, "\r\n"...)) // what is lost shows as incomplete
}

func (c *redisCluster) close() {
	for i := range c.publishers {
		c.publishers[i].Close()
		c.readers[i].Close()
	}
	c.server.Process.Kill()
	c.server.Wait()
}
