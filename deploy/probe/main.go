// Command probe asks an HTTP server for a path and tells by its exit code whether the answer was 200. It is the
// health check of the image, which has neither a shell nor curl.
//
// What may live here: that. What may not: anything that the product needs, and net/http, which is three times as
// large as the rest of it.
package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: probe HOST:PORT PATH")
		os.Exit(2)
	}
	if err := probe(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

const (
	timeout = 3 * time.Second
	maxLine = 1 << 10 // of an answer only its first line matters
)

func probe(addr, path string) error {
	c, err := net.DialTimeout("tcp", addr, timeout)
	if err != nil {
		return err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(timeout))
	if _, err := fmt.Fprintf(c, "GET %s HTTP/1.0\r\nHost: %s\r\n\r\n", path, addr); err != nil {
		return err
	}
	line, err := bufio.NewReader(io.LimitReader(c, maxLine)).ReadString('\n')
	if err != nil {
		return fmt.Errorf("http://%s%s: got no answer: %w", addr, path, err)
	}
	line = strings.TrimSpace(line)
	if _, status, _ := strings.Cut(line, " "); !strings.HasPrefix(line, "HTTP/1.") || !strings.HasPrefix(status+" ", "200 ") {
		return fmt.Errorf("http://%s%s: got %q, want status 200", addr, path, line)
	}
	return nil
}
