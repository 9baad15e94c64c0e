package push

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/loadrig/loadrig/internal/wstest"
)

func TestMain(m *testing.M) { wstest.Main(m) }

// server is one in memory: it answers each request as script says, and keeps the bodies that it took.
type server struct {
	mu     sync.Mutex
	script func(n int) (status int, err error) // n-th request, from 1
	header http.Header                         // of the last request
	answer string
	taken  []string
	tries  int
}

func (s *server) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tries++
	body, _ := io.ReadAll(r.Body)
	s.header = r.Header
	status, err := s.script(s.tries)
	if err != nil {
		if errors.Is(err, errHangs) {
			s.mu.Unlock()
			<-r.Context().Done()
			s.mu.Lock()
			err = r.Context().Err()
		}
		return nil, err
	}
	if status/100 == 2 {
		s.taken = append(s.taken, string(body))
	}
	return &http.Response{StatusCode: status, Header: http.Header{"Retry-After": {"1"}}, Body: io.NopCloser(strings.NewReader(s.answer))}, nil
}

var errHangs = errors.New("hangs")

var errAway = errors.New("connection refused")

// queue starts one that talks to s. logged is what it told.
func queue(t *testing.T, s *server, change func(*Options)) (q *Queue, logged *bytes.Buffer) {
	t.Helper()
	u, err := ParseURL("http://server.example/write?key=hidden")
	if err != nil {
		t.Fatal(err)
	}
	logged = new(bytes.Buffer)
	o := Options{Name: "test", URL: u, Logger: slog.New(slog.NewTextHandler(logged, nil)), Auth: Auth{Token: "hidden"}, transport: s,
		Header: http.Header{"Content-Type": {"a/b"}}}
	if change != nil {
		change(&o)
	}
	return New(o), logged
}

// closes closes q, which must take as long as wanted at most, and checks what it says.
func closes(t *testing.T, q *Queue, want string, atMost time.Duration) {
	t.Helper()
	began := time.Now()
	err := q.Close()
	if took := time.Since(began); took > atMost {
		t.Errorf("closing took %v, want %v at most", took, atMost)
	}
	if got := fmt.Sprint(err); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func bodies(n int) (list []string) {
	for i := range n {
		list = append(list, fmt.Sprint("body ", i))
	}
	return list
}

func TestTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{script: func(int) (int, error) { return 204, nil }}
		q, logged := queue(t, s, nil)
		for _, b := range bodies(50) {
			q.Add([]byte(b))
		}
		closes(t, q, "<nil>", 0)
		if !slices.Equal(s.taken, bodies(50)) || logged.Len() > 0 {
			t.Errorf("got %v, told %s", s.taken, logged)
		}
		if s.header.Get("Content-Type") != "a/b" || s.header.Get("Authorization") != "Bearer hidden" {
			t.Errorf("got the header %v", s.header)
		}
	})
}

// TestAway: a server that is away for a while gets all, in order, and it is told once.
func TestAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{script: func(n int) (int, error) {
			switch {
			case n < 4:
				return 0, errAway
			case n < 6:
				return 503, nil
			default:
				return 200, nil
			}
		}}
		q, logged := queue(t, s, nil)
		for _, b := range bodies(20) {
			q.Add([]byte(b))
			time.Sleep(time.Second)
		}
		closes(t, q, "<nil>", 0)
		if !slices.Equal(s.taken, bodies(20)) {
			t.Errorf("got %v", s.taken)
		}
		if got := logged.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, `output=test to=http://server.example/write reason="connection refused"`) {
			t.Errorf("told %s", got)
		}
	})
}

// TestGone: a server that never comes costs a second at the end, and one that was there a few.
func TestGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{script: func(int) (int, error) { return 0, errAway }}
		q, logged := queue(t, s, nil)
		for _, b := range bodies(3) {
			q.Add([]byte(b))
		}
		closes(t, q, "test: 3 of 3 intervals did not get to http://server.example/write: connection refused", brief)
		if strings.Contains(logged.String(), "hidden") {
			t.Errorf("told %s", logged)
		}
		s = &server{script: func(n int) (int, error) {
			if n == 1 {
				return 200, nil
			}
			return 0, errHangs
		}}
		q, _ = queue(t, s, nil)
		q.Add([]byte("a"))
		synctest.Wait()
		q.Add([]byte("b"))
		synctest.Wait()
		closes(t, q, "test: 1 of 2 intervals did not get to http://server.example/write: got no answer in time", farewell)
	})
}

// TestBrokenOff: what is told at the end is what the server said, not that we did not wait for it any longer.
func TestBrokenOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{script: func(n int) (int, error) {
			if n == 1 {
				return 500, nil
			}
			return 0, errHangs
		}, answer: "it is off"}
		q, _ := queue(t, s, nil)
		q.Add(nil)
		time.Sleep(time.Second) // the second try hangs
		closes(t, q, `test: 1 of 1 intervals did not get to http://server.example/write: got status 500, want 200: "it is off"`, brief)
	})
}

// TestSlow: a run does not wait for a server that hangs; what is oldest gives way, and is counted.
func TestSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hangs := true
		s := &server{script: func(int) (int, error) {
			if hangs {
				return 0, errHangs
			}
			return 200, nil
		}}
		q, _ := queue(t, s, nil)
		q.Add([]byte("first"))
		synctest.Wait() // it is being tried
		began := time.Now()
		for _, b := range bodies(maxWaiting + 30) {
			q.Add([]byte(b))
		}
		if took := time.Since(began); took > 0 {
			t.Errorf("the run waited for %v", took)
		}
		s.mu.Lock()
		hangs = false
		s.mu.Unlock()
		time.Sleep(attempt + time.Second)
		closes(t, q, fmt.Sprintf("test: 30 of %d intervals did not get to http://server.example/write: the server was slower than the run, and what was oldest was dropped", maxWaiting+31), 0)
		if want := append([]string{"first"}, bodies(maxWaiting + 30)[30:]...); !slices.Equal(s.taken, want) {
			t.Errorf("got %v", s.taken)
		}
	})
}

// TestBytes: few large bodies are bounded as many small ones are.
func TestBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{script: func(int) (int, error) { return 0, errHangs }}
		q, _ := queue(t, s, nil)
		q.Add(nil)
		synctest.Wait()
		for range 10 {
			q.Add(make([]byte, maxBytes/4))
			if q.bytes > maxBytes {
				t.Fatalf("%d bytes wait, want %d at most", q.bytes, maxBytes)
			}
		}
		if len(q.waiting) != 4 {
			t.Errorf("%d wait, want 4", len(q.waiting))
		}
		_ = q.Close()
	})
}

// TestRefused: what a server does not want is not sent again, and a little of what it says is told.
func TestRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{script: func(n int) (int, error) { return []int{200, 400, 301}[n%3], nil }, answer: "\x1b[31mno\xff" + strings.Repeat("x", 1<<20)}
		q, _ := queue(t, s, nil)
		for _, b := range bodies(6) {
			q.Add([]byte(b))
		}
		closes(t, q, "test: 4 of 6 intervals did not get to http://server.example/write: got status 301, want 200: "+
			fmt.Sprintf("%q", "\x1b[31mno?"+strings.Repeat("x", maxReason-8)), 0)
		if want := []string{"body 2", "body 5"}; !slices.Equal(s.taken, want) || s.tries != 6 {
			t.Errorf("got %v in %d tries, want %v in 6", s.taken, s.tries, want)
		}
	})
}

// TestPartly: an answer may say that not all was taken.
func TestPartly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{script: func(int) (int, error) { return 200, nil }, answer: "3 points are bad"}
		q, _ := queue(t, s, func(o *Options) { o.Answer = func(b []byte) error { return errors.New(string(b)) } })
		q.Add(nil)
		closes(t, q, "test: http://server.example/write did not take all: 3 points are bad", 0)
	})
}

// TestRetry: which status may be tried again is the protocol's.
func TestRetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{script: func(n int) (int, error) { return []int{0, 503, 500, 200}[n], nil }}
		q, _ := queue(t, s, func(o *Options) { o.Retry = func(code int) bool { return code == 503 } })
		q.Add(nil)
		time.Sleep(time.Minute)
		closes(t, q, "test: 1 of 1 intervals did not get to http://server.example/write: got status 500, want 200", 0)
	})
}

// TestPatient: a run that is read again waits for its server rather than drop, and gives up with the first that
// cannot be sent.
func TestPatient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		patient := func(o *Options) { o.Patient = true }
		slow := &server{}
		slow.script = func(int) (int, error) {
			time.Sleep(10 * time.Millisecond)
			return 200, nil
		}
		q, _ := queue(t, slow, patient)
		for _, b := range bodies(1000) {
			q.Add([]byte(b))
		}
		closes(t, q, "<nil>", 10*time.Millisecond*(maxWaiting+1))
		if !slices.Equal(slow.taken, bodies(1000)) {
			t.Errorf("got %d", len(slow.taken))
		}

		q, logged := queue(t, &server{script: func(int) (int, error) { return 0, errAway }}, patient)
		began := time.Now()
		for _, b := range bodies(1000) {
			q.Add([]byte(b))
		}
		closes(t, q, "test: 1000 of 1000 intervals did not get to http://server.example/write: connection refused", 0)
		if took := time.Since(began); took > patience {
			t.Errorf("took %v, want %v at most", took, patience)
		}
		if want := "it is tried again for 2m0s"; !strings.Contains(logged.String(), want) {
			t.Errorf("got %s, want %q", logged, want)
		}
	})
}

// TestRealServer: over a socket, with a login, and nothing left behind.
func TestRealServer(t *testing.T) {
	var got []string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		user, password, _ := r.BasicAuth()
		got = append(got, fmt.Sprint(r.Method, " ", r.URL, " ", user, ":", password, " ", string(b)))
		w.WriteHeader(http.StatusNoContent)
	}))
	defer srv.Close()
	u, err := url.Parse(srv.URL + "/write?a=b")
	if err != nil {
		t.Fatal(err)
	}
	q := New(Options{Name: "test", URL: u, Auth: Auth{User: "me", Password: "p"}})
	q.Add([]byte("x"))
	q.Add([]byte("y"))
	if err := q.Close(); err != nil {
		t.Error(err)
	}
	if want := []string{"POST /write?a=b me:p x", "POST /write?a=b me:p y"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestNewAuth(t *testing.T) {
	for _, c := range []struct {
		token, user, password string
		want                  string
	}{
		{"", "", "", ""},
		{"t", "", "", ""},
		{"", "u", "", ""},
		{"", "u", "p", ""},
		{"t", "u", "", "X_TOKEN: got one, and X_USER or X_PASSWORD too; want one way to log in"},
		{"", "", "p", "X_PASSWORD: got one without X_USER, want both"},
		{"hidden\n", "", "", "X_TOKEN: got a token with spaces or other characters that no header takes"},
	} {
		a, err := NewAuth("X", func(name string) string {
			return map[string]string{"X_TOKEN": c.token, "X_USER": c.user, "X_PASSWORD": c.password}[name]
		})
		if (err == nil) != (c.want == "") || err != nil && err.Error() != c.want {
			t.Errorf("%+v: got %v", c, err)
		}
		if err == nil && a != (Auth{c.token, c.user, c.password}) {
			t.Errorf("%+v: got %+v", c, a)
		}
	}
}

// TestContext: no request outlives the queue.
func TestContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan struct{})
		q, _ := queue(t, &server{script: func(int) (int, error) { return 0, errHangs }}, nil)
		context.AfterFunc(q.ctx, func() { close(ended) })
		q.Add(nil)
		_ = q.Close()
		<-ended
	})
}
